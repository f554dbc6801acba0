"""README and docs: the commands, flags, links and files that they name exist, and what is made from code is current."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from digitocr.cli.app import app
from docs import write_reference

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "experiments").glob("*.md")),
]
CURRENT = [page for page in PAGES if page.parent.name != "experiments"]
"""A log names what was there then."""

COMMAND = re.compile(
    r"python -m ((?:digitocr|flows|benchmarks)\b[\w.]*)([^`\n#]*)|(?:^|`|\.venv/bin/)(digitocr)( [a-z][^`\n#]*)",
    re.M,
)


def commands():
    for page in CURRENT:
        for long, its_rest, short, rest_of_short in COMMAND.findall(page.read_text(encoding="utf-8")):
            module, rest = long or short, its_rest or rest_of_short
            yield pytest.param(
                module, rest.replace("|", " ").split(), id=f"{page.name}: {module}{rest.rstrip()}"
            )


PROGRAM = get_command(app)


def flags_of(command):
    return {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize(("module", "words"), list(commands()))
def test_a_command_exists_with_its_flags(module, words):
    if module == "digitocr":
        command = PROGRAM
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert not hasattr(command, "commands"), f"{words[:1]} is no command"
    elif module.startswith("flows."):
        command = get_command(importlib.import_module(module).app)
    else:
        assert importlib.util.find_spec(module), module
        return
    assert isinstance(command, typer.core.TyperCommand)
    named = {word.strip("[]").split("=")[0] for word in words if word.strip("[").startswith("-")}
    assert named <= flags_of(command) | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path) if path else page
        assert linked.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.M)
            assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, (
                target
            )


@pytest.mark.parametrize("page", CURRENT, ids=str)
def test_files_of_the_code_exist(page):
    named = re.findall(
        r"`((?:digitocr|flows|tests|benchmarks|models|examples|deploy)/[\w/]*\.\w+)`", page.read_text("utf-8")
    )
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.parametrize(
    ("path", "text"), write_reference.pages().items(), ids=lambda one: getattr(one, "name", "")
)
def test_what_is_made_from_code_is_current(path, text):
    assert path.read_text(encoding="utf-8") == text, "python docs/write_reference.py writes it"


def test_readme_says_on_one_screen_what_it_is_and_shows():
    before, command, _ = (ROOT / "README.md").read_text(encoding="utf-8").partition("```sh\n")
    assert command
    assert len(before.splitlines()) <= 24
    assert max(map(len, before.splitlines())) <= 80


@pytest.mark.soak
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    build = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", tmp_path]
    done = subprocess.run(
        build,
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    pages = [page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html")]
    assert len(pages) > 20
    loaded = {
        address
        for page in pages
        for address in re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=[\"']?(https?:[^\"' >]+)", page)
    }
    assert loaded == set()
