"""What is installed: pinned versions, and a wheel that works from any folder."""

import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import digitocr
from digitocr.errors import NOT_FOR_READING

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]


def pins():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.!+]+", line) for line in lines), "versions only"
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def test_constraints_pin_every_requirement_within_its_bounds():
    pinned, extras = pins(), PROJECT["optional-dependencies"].values()
    wanted = [*PROJECT["dependencies"], *(requirement for extra in extras for requirement in extra)]
    for requirement in map(Requirement, wanted):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not pinned"
        assert requirement.specifier.contains(version), f"{requirement} does not allow {version}"


def test_reading_alone_needs_all_but_what_its_error_names():
    lines = (ROOT / "requirements-reading.txt").read_text().splitlines()
    of_modules = {"skimage": "scikit-image"}
    not_needed = {of_modules.get(module, module) for module in NOT_FOR_READING}
    assert {line for line in lines if not line.startswith("#")} == {
        Requirement(line).name for line in PROJECT["dependencies"]
    } - not_needed


def test_every_package_is_in_the_wheel():
    packages = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for top in ("digitocr", "flows")
        for path in (ROOT / top).rglob("__init__.py")
    }
    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == packages | {"digitocr._models"}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_what_is_installed_beside_code_is_kept_by_git():
    setuptools = PYPROJECT["tool"]["setuptools"]
    folders = {
        name: ROOT / setuptools["package-dir"].get(name, name.replace(".", "/"))
        for name in setuptools["package-data"]
    }
    data = {
        path.relative_to(ROOT).as_posix()
        for name, patterns in setuptools["package-data"].items()
        for pattern in patterns
        for path in folders[name].glob(pattern)
        if path.is_file()
    }
    kept = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert data - set(kept.split("\n")) == set()


def test_names_of_the_package_are_imported_when_they_are_used():
    assert digitocr.Box is sys.modules["digitocr.records"].Box
    assert callable(digitocr.read_files)
    with pytest.raises(AttributeError, match="bogus"):
        digitocr.bogus  # noqa: B018


def test_importing_the_package_starts_neither_tensorflow_nor_prefect():
    check = "import sys, digitocr; sys.exit(bool({'tensorflow', 'keras', 'prefect'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)


@pytest.mark.soak
def test_wheel_holds_the_model_and_works_from_another_folder(tmp_path):
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    networks = ("digits", "digits-lines")
    models = {f"digitocr/_models/{n}.{end}" for n in networks for end in ("keras", "json", "int8.tflite")}
    assert {*models, "digitocr/py.typed"} <= names
    top = {name.split("/")[0] for name in names}
    assert top == {"digitocr", "flows", f"digitocr-{digitocr.__version__}.dist-info"}
    site = tmp_path / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    check = (
        "import digitocr, flows.process_folder, digitocr.networks.classifier as c;"
        f"assert str(c.shipped_model()).startswith({str(site)!r}), c.shipped_model();"
        f"assert digitocr.read_file({str(ROOT / 'examples' / 'meter.jpg')!r}).numbers"
    )
    subprocess.run([sys.executable, "-c", check], cwd=tmp_path, env={"PYTHONPATH": str(site)}, check=True)


@pytest.mark.soak
def test_wheel_and_source_archive_could_be_released(tmp_path):
    source, out = tmp_path / "source", tmp_path / "dist"
    for name in ("digitocr", "flows", "models"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "build", "--outdir", out, source], check=True, capture_output=True)
    made = sorted(out.iterdir())
    name = f"digitocr-{digitocr.__version__}"
    assert [one.name for one in made] == [f"{name}-py3-none-any.whl", f"{name}.tar.gz"]
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *made],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    with tarfile.open(made[1]) as archive:
        names = set(archive.getnames())
    assert {f"{name}/models/digits.keras", f"{name}/models/second.LICENSE", f"{name}/NOTICE"} <= names


def test_the_version_stands_in_one_place_and_is_that_of_the_changelog():
    assert PROJECT["dynamic"] == ["version"]
    released = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert not released or released[0] == digitocr.__version__


def test_ctrl_c_while_the_program_starts_is_no_traceback():
    code = """
        import runpy, sys

        class Interrupting:
            def find_spec(self, name, path=None, target=None):
                if name == "typer":
                    raise KeyboardInterrupt

        sys.meta_path.insert(0, Interrupting())
        runpy.run_module("digitocr", run_name="__main__")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "interrupted; nothing was begun\n")
