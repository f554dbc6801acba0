"""README and docs: the commands, flags, links and files that they name exist."""

import importlib
import re
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from digitocr.cli.app import app

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
COMMAND = re.compile(
    r"python -m ((?:digitocr|flows|benchmarks)\b[\w.]*)([^`\n#]*)|(?:^|`|\.venv/bin/)(digitocr)( [a-z][^`\n#]*)",
    re.M,
)


def commands():
    for page in PAGES:
        for long, its_rest, short, rest_of_short in COMMAND.findall(page.read_text(encoding="utf-8")):
            module, rest = long or short, its_rest or rest_of_short
            yield pytest.param(
                module, rest.replace("|", " ").split(), id=f"{page.name}: {module}{rest.rstrip()}"
            )


def flags_of(command):
    return {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize(("module", "words"), list(commands()))
def test_a_command_exists_with_its_flags(module, words):
    if module == "digitocr":
        command = get_command(app)
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_the_code_exist(page):
    named = re.findall(
        r"`((?:digitocr|flows|tests|benchmarks|models|examples)/[\w/]*\.\w+)`", page.read_text("utf-8")
    )
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing == []
