"""Every command of README and docs is run: here as it stands on its page, or by the test that is named."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]
ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

STAYS = ("digitocr review", "digitocr serve", "digitocr watch")
"""Commands that go on until they are interrupted."""

ELSEWHERE = {
    r"make run": "the installation that runs this test",
    r"(python -m |~/digitocr/bin/|/opt/digitocr/bin/)?pip install|python3 -m venv": "tests/soak/test_reading_alone.py",
    r"~/digitocr/bin/digitocr --version": "tests/cli/test_app.py",
    r"pip wheel": "tests/test_package.py",
    r"pipx|uv tool": "as pip install, by programs that are not installed here",
    r"docker|mkdir data|install -d|useradd|cp deploy|systemctl|journalctl|export DIGITOCR": "tests/test_deploy.py",
    r"export PREFECT|prefect ": "tests/flows/test_server.py",
    r"python -m flows.train_model": "tests/flows/test_train_model.py",
    r"pip download|python -m digitocr.training.(second|page|answers)": "tests/training",
    r"digitocr corrections (export|put-back)": "tests/training/adapt",
    r"digitocr (train|evaluate|rotations|predict|threshold)": "tests/cli/test_training.py",
    r"digitocr ledger (backup|forget|retry|list|rebuild|verify)": "tests/cli/test_ledger.py",
    r"digitocr run --reprocess": "tests/flows/test_process_folder.py",
    r"digitocr watch --on-done": "tests/flows/test_watch_inbox.py",
    r"digitocr template (detect|test)": "tests/cli/test_forms.py",
    r"digitocr join": "tests/results/test_joined.py",
    r"digitocr run s3": "tests/soak/test_s3.py",
    r"(OMP_NUM_THREADS=1 )?dask|export DASK|digitocr run --no-prefect --workers tcp": "tests/soak/test_cluster.py",
    r"helm|kubectl": "checked against the documentation of Dask's operator only, as the page says",
}
"""Commands that this test does not run as they stand, by their beginning, and what does instead."""


def commands(page):
    """The commands of a page, without prompts of the environment, remarks and brackets."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.S | re.M)
    lines = [re.sub(r"\s+#.*", "", line).strip() for block in blocks for line in block.splitlines()]
    plain = [
        re.sub(r"\[[^'\]]*\] ?|^\.venv/bin/(python -m (?=digitocr ))?", "", line).strip() for line in lines
    ]
    return [re.sub(r"^python -m (?=digitocr )", "", line) for line in plain if line]


def is_elsewhere(command):
    return any(re.match(beginning, command) for beginning in ELSEWHERE)


def run_here():
    for page in PAGES:
        if here := [command for command in commands(page) if not is_elsewhere(command)]:
            yield pytest.param(here, id=page.stem)


def test_what_is_run_elsewhere_is_still_documented_and_tested():
    everything = [command for page in PAGES for command in commands(page)]
    for beginning, test in ELSEWHERE.items():
        assert any(re.match(beginning, command) for command in everything), beginning
        assert not test.startswith("tests/") or (ROOT / test).exists(), test


@pytest.fixture
def home(tmp_path):
    """A home folder with a project in it, and the pictures and files that the pages speak of."""
    project = tmp_path / "project"
    shutil.copytree(ROOT / "examples", project / "examples")
    for folder in (tmp_path / "scans", tmp_path / "meters", project / "inbox"):
        folder.mkdir()
        shutil.copy(ROOT / "examples" / "meter.jpg", folder)
    (project / "scans").mkdir()
    shutil.copy(ROOT / "examples" / "forms" / "page2.jpg", project / "scans")
    shutil.copy(ROOT / "examples" / "forms" / "count.yaml", project)
    return tmp_path


@pytest.mark.parametrize("documented", list(run_here()))
def test_commands_run_as_they_stand(documented, home):
    program = f"{sys.executable} -m digitocr "
    environment = os.environ | {
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "BROWSER": "true",
        "PYTHONUNBUFFERED": "1",
    }
    if not documented[0].startswith("digitocr run"):
        documented = ["digitocr run", *documented]  # the page takes for granted that something was read
    for command in documented:
        child = subprocess.Popen(
            ["bash", "-c", f"exec {program}" + command.removeprefix("digitocr ")],
            cwd=home / "project",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if command.startswith(STAYS):
            assert any("Ctrl-C" in line for line in child.stdout), f"{command} has ended by itself"
            child.terminate()  # as Ctrl-C, which a shell may have its background jobs ignore
        printed, _ = child.communicate(timeout=900)
        assert "Traceback" not in printed, printed
        stopped = (0, 130, -signal.SIGTERM) if command.startswith(STAYS) else (0,)
        assert child.returncode in stopped, f"{command}: {printed}"


def test_the_example_in_python_runs(home):
    page = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    shutil.copy(ROOT / "examples" / "meter.jpg", home / "scan.jpg")
    done = subprocess.check_output(
        [sys.executable, "-c", code], cwd=home, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True
    )
    assert "5120387" in done
