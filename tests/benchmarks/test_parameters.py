"""Set numbers listed by name and moved, in dataclasses and as constants of modules."""

import importlib.util
import sys
from dataclasses import dataclass, field

import pytest

from benchmarks.parameters import constant_moved, list_constants, list_parameters, moved, moved_value


@dataclass(frozen=True)
class Rows:
    gap_px: int = 7
    limits: tuple[float, float] = field(default=(0.5, 2.0), metadata={"unit": "heights"})
    least: float = field(default=0.95, metadata={"unit": "share"})
    is_cut: bool = True
    kind: str = "even"


@dataclass(frozen=True)
class Parameters:
    rows: Rows = Rows()
    skew_deg: float = 15.0


def test_every_number_is_listed_by_its_dotted_name():
    assert list_parameters(Parameters()) == [
        ("rows.gap_px", 7),
        ("rows.limits.0", 0.5),
        ("rows.limits.1", 2.0),
        ("rows.least", 0.95),
        ("skew_deg", 15.0),
    ]


def test_every_listed_number_can_be_moved_and_nothing_else_moves():
    before = dict(list_parameters(Parameters()))
    for name, value in before.items():
        after = dict(list_parameters(moved(Parameters(), name, 1.2)))
        assert after.pop(name) != value
        assert after == {other: value for other, value in before.items() if other != name}


def test_units_decide_what_stays_below_one():
    assert moved(Parameters(), "rows.least", 1.2).rows.least == 1.0
    assert moved(Parameters(), "rows.limits.0", 3.0).rows.limits == (1.5, 2.0)
    assert moved_value(0.95, 1.2) == 1.0
    assert moved_value(0.95, 1.2, "px") == pytest.approx(1.14)
    assert moved_value(1.0, 1.2, "share") == 1.0
    assert moved_value(1.0, 1.2) == 1.2


@pytest.mark.parametrize(
    ("value", "up", "down"), [(100, 120, 80), (3, 4, 2), (1, 2, 0), (0, 1, 0), (-10, -12, -8), (-1, -2, 0)]
)
def test_whole_numbers_move_by_at_least_one_and_stay_whole(value, up, down):
    assert (moved_value(value, 1.2), moved_value(value, 0.8)) == (up, down)
    assert isinstance(moved_value(value, 1.2), int)


@pytest.mark.parametrize(
    "name", ["rows", "rows.nothing", "rows.kind", "rows.is_cut", "rows.limits.2", "skew_deg.0"]
)
def test_what_is_no_number_is_refused(name):
    with pytest.raises(KeyError):
        moved(Parameters(), name, 1.2)


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Two modules of the program: one defines constants, the other imports one and has a namesake of another."""
    sources = {
        "digitocr.source_": "import math\nfrom dataclasses import make_dataclass\n"
        "OBJECT = make_dataclass('Inner', [('limit', int)])(7)\n"
        "LIMIT, FLAG, NAME = 50, True, 'x'\nNEAR = (0.5, 2.0)\n"
        "EDGE_SHARE: float = 0.9\nderived = LIMIT * 2\nHALF = math.log(0.5)\n",
        "digitocr.user_": "from digitocr.source_ import LIMIT as MOST\nNEAR = (0.5, 2.0)\n"
        "def most():\n    return MOST\n",
    }
    found = []
    for name, source in sources.items():
        path = tmp_path / f"{name.partition('.')[2]}.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        found.append(module)
    return found


def test_constants_are_listed_where_they_are_defined(modules):
    names = dict(list_constants(["digitocr.source_", "digitocr.user_"]))
    assert names.pop("digitocr.source_.HALF") == pytest.approx(-0.693, abs=1e-3)
    assert names == {
        "digitocr.source_.LIMIT": 50,
        "digitocr.source_.NEAR.0": 0.5,
        "digitocr.source_.NEAR.1": 2.0,
        "digitocr.source_.EDGE_SHARE": 0.9,
        "digitocr.user_.NEAR.0": 0.5,
        "digitocr.user_.NEAR.1": 2.0,
    }


def test_a_constant_moves_wherever_it_is_imported_and_comes_back(modules):
    source, user = modules
    with constant_moved("digitocr.source_.LIMIT", 1.2) as value:
        assert value == source.LIMIT == user.most() == 60
    assert source.LIMIT == user.most() == 50


def test_an_element_moves_alone_and_a_namesake_does_not(modules):
    source, user = modules
    with constant_moved("digitocr.source_.NEAR.1", 0.5) as value:
        assert value == 1.0
        assert source.NEAR == (0.5, 1.0)
        assert user.NEAR == (0.5, 2.0)


def test_a_share_by_name_stays_within_one(modules):
    with constant_moved("digitocr.source_.EDGE_SHARE", 1.2) as value:
        assert value == 1.0


@pytest.mark.parametrize(
    "name", ["digitocr.source_.NOTHING", "digitocr.nothing.LIMIT", "digitocr.source_.NAME"]
)
def test_a_constant_that_does_not_exist_is_refused(modules, name):
    with pytest.raises(KeyError), constant_moved(name, 1.2):
        pass
