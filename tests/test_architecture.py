"""The rules of docs/architecture.md. ``python tests/test_architecture.py`` writes its table of rooms."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "digitocr"
PAGE = ROOT / "docs" / "architecture.md"

MAX_ENTRIES = 17
MAX_LINES = 450
MAX_METHODS = 25


def rooms():
    """Names of the rooms, lowest first, as the layers of pyproject order them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return layers[::-1]


def entries():
    return {
        path.stem for path in PACKAGE.iterdir() if not path.name.startswith("__") and path.name != "py.typed"
    }


def table():
    """The table of rooms: each room with the first sentence of its docstring."""
    rows = ["| room | what it holds |", "|---|---|"]
    for room in rooms():
        folder = PACKAGE / room
        source = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
        first_line = (ast.get_docstring(parsed(source)) or "").partition("\n")[0].replace("``", "`")
        rows.append(f"| `{room}{'/' if folder.is_dir() else '.py'}` | {first_line} |")
    return "\n".join(rows)


def written(text):
    """The page with the table of now."""
    return re.sub(
        r"(<!-- rooms -->\n).*(<!-- /rooms -->)", lambda m: f"{m[1]}{table()}\n{m[2]}", text, flags=re.S
    )


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def modules():
    return sorted(PACKAGE.rglob("*.py"))


class TestRooms:
    def test_the_layers_name_every_entry(self):
        assert set(rooms()) == entries()

    def test_the_page_has_the_table_of_the_tree(self):
        text = PAGE.read_text(encoding="utf-8")
        assert f"<!-- rooms -->\n{table()}\n<!-- /rooms -->" in text, "run python tests/test_architecture.py"

    def test_the_top_level_can_be_taken_in_at_a_glance(self):
        assert len(entries()) <= MAX_ENTRIES


class TestSizes:
    def test_modules_are_short(self):
        lines = {
            path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
            for path in modules()
            if "training" not in path.relative_to(PACKAGE).parts
        }
        assert {path: count for path, count in lines.items() if count > MAX_LINES} == {}

    def test_classes_have_few_methods(self):
        methods = {
            f"{path.relative_to(ROOT).as_posix()}: {node.name}": sum(
                isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)) for part in node.body
            )
            for path in modules()
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.ClassDef)
        }
        assert {name: count for name, count in methods.items() if count > MAX_METHODS} == {}


class TestTests:
    def test_they_use_no_private_name_of_the_package(self):
        found = {
            f"{path.relative_to(ROOT).as_posix()}:{line} {name}"
            for path in sorted((ROOT / "tests").rglob("*.py"))
            for line, name in private_names(parsed(path))
        }
        assert found == set()


def private_names(tree):
    """Yield private names of digitocr that a module imports, or uses of what it imports, with their lines."""
    ours = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "digitocr":
            ours |= {alias.asname or alias.name for alias in node.names}
            for part in (*node.module.split("."), *(alias.name for alias in node.names)):
                if is_private(part):
                    yield node.lineno, part
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("digitocr.") and any(map(is_private, alias.name.split("."))):
                    yield node.lineno, alias.name
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                pass
            case ast.Call(args=[ast.Name(id=owner), ast.Constant(value=str(name)), *_]):
                pass  # monkeypatch.setattr(module, "_name", …)
            case _:
                continue
        if owner in ours and is_private(name):
            yield node.lineno, f"{owner}.{name}"


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def test_private_names_are_found():
    source = """
from digitocr.io import _decoder, sandbox
from digitocr.store.ledger import Ledger, _now
import digitocr.io._deadline
sandbox._START
Ledger._db
Ledger.__init__
monkeypatch.setattr(sandbox, "_START", "")
monkeypatch.setattr(sandbox, "DECODER", "")
other._name
"""
    found = [name for _, name in private_names(ast.parse(source))]
    assert sorted(found) == sorted(
        ["_decoder", "_now", "digitocr.io._deadline", "sandbox._START", "Ledger._db", "sandbox._START"]
    )


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
