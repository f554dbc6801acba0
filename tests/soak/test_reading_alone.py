"""An environment that has only what reading needs: no TensorFlow, no Prefect."""

import subprocess
import sysconfig
import textwrap
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from digitocr.errors import NOT_FOR_READING

pytestmark = pytest.mark.soak
ROOT = Path(__file__).parents[2]


def needed(names):
    """What the packages of these names need, themselves included: their distributions by name."""
    left, found = [Requirement(name) for name in names], {}
    while left:
        name = canonicalize_name(left.pop().name)
        if name not in found:
            found[name] = distribution(name)
            wanted = map(Requirement, found[name].requires or ())
            left += [one for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})]
    return found


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an environment with links to these packages and no others."""
    home = tmp_path_factory.mktemp("reading") / "venv"
    venv.create(home)
    (site,) = home.glob("lib/python*/site-packages")
    lines = (ROOT / "requirements-reading.txt").read_text().splitlines()
    found = needed(line for line in lines if not line.startswith("#"))
    for package in found.values():
        for top in {file.parts[0] for file in package.files if file.parts[0] not in ("..", "__pycache__")}:
            (site / top).symlink_to(package.locate_file(top))
    for top in ("digitocr", "flows", "models"):
        (site / top).symlink_to(ROOT / top)
    # where it is installed: an egg-info in the working folder has no part in that
    (metadata,) = Path(sysconfig.get_path("purelib")).glob("digitocr-*.dist-info")
    (site / metadata.name).symlink_to(metadata)
    return home / "bin" / "python"


def run(python, *command, cwd):
    done = subprocess.run([python, "-m", *command], cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_none_of_what_training_needs_is_there(python):
    code = f"import importlib.util as u; print([n for n in {sorted(NOT_FOR_READING)} if u.find_spec(n)])"
    assert subprocess.check_output([python, "-c", code], text=True) == "[]\n"


def test_a_folder_is_read_into_tables(python, tmp_path):
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "meter.jpg").write_bytes((ROOT / "examples" / "meter.jpg").read_bytes())
    status, printed = run(python, "digitocr", "run", "scans", cwd=tmp_path)
    assert status == 0, printed
    assert "5120387" in (tmp_path / "results" / "numbers.csv").read_text()


def test_all_modules_but_those_of_training_can_be_imported(python, tmp_path):
    code = """
        import importlib, pkgutil, digitocr
        for module in pkgutil.walk_packages(digitocr.__path__, "digitocr."):
            if not module.name.startswith(("digitocr.training", "digitocr.__main__")):
                importlib.import_module(module.name)
        import flows.commands
    """
    subprocess.run([python, "-c", textwrap.dedent(code)], cwd=tmp_path, check=True)


@pytest.mark.parametrize(
    "command",
    [
        ("digitocr", "predict", str(ROOT / "examples" / "field.png")),
        ("flows.process_folder", str(ROOT / "examples" / "forms")),
    ],
    ids=["predict", "through-prefect"],
)
def test_what_needs_more_says_so(python, tmp_path, command):
    status, printed = run(python, *command, cwd=tmp_path)
    assert (status, "Traceback" in printed) == (2, False), printed
    assert "installed for reading alone" in printed
