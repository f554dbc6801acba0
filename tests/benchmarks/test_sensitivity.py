"""Numbers moved one by one, with a reader whose parameters decide what it reads."""

from dataclasses import dataclass, field, replace

import pytest
from fake_reader import FakeReader

from benchmarks import sensitivity
from benchmarks.sensitivity import ALL, load, measure, numbers, table
from digitocr.records import FileStatus


@dataclass(frozen=True)
class Limits:
    best: int = 50
    dead: float = field(default=2.0, metadata={"unit": "px"})


@dataclass(frozen=True)
class Parameters:
    limits: Limits = Limits()
    breaks: float = 1.0


@dataclass(frozen=True)
class MovedReader:
    """Reads a file as it says if `best` is at least the number in its name; breaks where `breaks` is moved up."""

    parameters: Parameters = Parameters()
    reads: list = field(default_factory=list, compare=False)

    def read(self, sources):
        self.reads.append((self.parameters, len(sources)))
        if self.parameters.breaks > 1:
            raise ValueError("too large")
        readings = FakeReader().read(sources)
        return [r if self._is_read(r.result.file) else _nothing(r) for r in readings]

    def _is_read(self, file):
        return self.parameters.limits.best >= int("".join(filter(str.isdigit, file)))


def _nothing(reading):
    return replace(reading, result=replace(reading.result, pages=(), status=FileStatus.EMPTY))


@pytest.fixture
def folder(tmp_path):
    """A set of two families of ten files, numbered 41 to 60: half of them need more than 50."""
    images = tmp_path / "set/images"
    images.mkdir(parents=True)
    files = [f"{'odd' if i % 2 else 'even'}{i}.png" for i in range(41, 61)]
    for file in files:
        (images / file).write_text("107")
    truth = "".join(f"{file},107\n" for file in files)
    (tmp_path / "set/truth.csv").write_text(f"file,text\n{truth}")
    return tmp_path / "set"


NAMES = ["limits.best", "limits.dead"]


@pytest.fixture
def found(folder, tmp_path):
    return list(measure(MovedReader(), [folder], NAMES, tmp_path / "out/found.jsonl", "code"))


def test_each_number_is_moved_both_ways_and_counted_by_family(found):
    assert [(one.name, one.factor, one.value) for one in found] == [
        ("", 1.0, None),
        ("limits.best", 0.8, 40),
        ("limits.best", 1.2, 60),
        ("limits.dead", 0.8, 1.6),
        ("limits.dead", 1.2, 2.4),
    ]
    exact = [one.families[ALL].exact for one in found]
    assert exact == [10, 0, 20, 10, 10]
    assert list(found[0].families) == [ALL, "even", "odd"]
    assert found[2].families["odd"].accepted == found[2].families["odd"].filled == 10


def test_what_the_file_holds_is_not_measured_again(found, folder, tmp_path):
    path, reader = tmp_path / "out/found.jsonl", MovedReader()
    assert load(path) == found
    assert list(measure(reader, [folder], NAMES, path, "code")) == []
    assert reader.reads == []
    more = list(measure(reader, [folder], [*NAMES, "breaks"], path, "code"))
    assert {one.name for one in more} == {"breaks"}
    assert len(list(measure(reader, [folder], NAMES, path, "other code"))) == 5


def test_a_line_cut_off_by_a_kill_is_measured_again(found, folder, tmp_path):
    path = tmp_path / "out/found.jsonl"
    path.write_text(path.read_text()[:-40])
    again = list(measure(MovedReader(), [folder], NAMES, path, "code"))
    assert again == found[-1:]
    assert load(path) == found


def test_a_number_that_breaks_the_reader_is_told_and_the_others_go_on(folder, tmp_path):
    path = tmp_path / "found.jsonl"
    found = list(measure(MovedReader(), [folder], ["breaks", "limits.best"], path, "code"))
    broken = [one for one in found if one.error]
    assert [(one.name, one.factor, one.error) for one in broken] == [("breaks", 1.2, "ValueError: too large")]
    assert load(path) == found
    assert "ValueError" in table(found, {"breaks": 1.0}, ["set"])


def test_the_table_shows_points_by_family_the_largest_change_first(found):
    values = {"limits.dead": 2.0, "limits.best": 50}
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in table(found, values, ["set"]).splitlines()
    ]
    assert lines[0][4:] == ["set", "set even", "set odd"]
    assert lines[2][4] == "50.0 / 50.0 / 0.0"
    assert {tuple(line[:4]) for line in lines[3:5]} == {
        ("limits.best", "50", "× 0.8 = 40", "-50.0"),
        ("limits.best", "50", "× 1.2 = 60", "+50.0"),
    }
    assert lines[5][4:] == ["=", "=", "="]


def test_constants_of_the_reading_path_are_moved_too(folder, tmp_path):
    names = numbers(MovedReader())
    assert names["limits.best"] == 50
    assert not [name for name in names if name.startswith("digitocr.imaging.")], "they are parameters"
    constants = [name for name in names if name.startswith("digitocr.forms.")]
    assert len(constants) > 20
    assert not any(name.startswith("digitocr.forms.detect.") for name in names)
    (_, down, up) = measure(MovedReader(), [folder], constants[:1], tmp_path / "found.jsonl", "code")
    assert down.value < names[constants[0]] < up.value


def test_a_prefix_without_numbers_is_refused(capsys):
    with pytest.raises(SystemExit):
        sensitivity.main(["--only", "digitocr.nothing", "--list"])
    assert "--list prints them all" in capsys.readouterr().err
