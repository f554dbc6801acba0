"""Tables of several results folders as one set."""

import csv

import pytest

from digitocr.errors import UsageError
from digitocr.results import tables
from digitocr.results.joined import join


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def shards(work):
    """Two runners that share the work; they have a file of the same name."""
    for shard, files in {"north": ("a.jpg", "=b.jpg"), "south": ("a.jpg", "c.jpg")}.items():
        for name in files:
            work.put(name, f"{ord(name[0])} {len(shard)}{ord(name[-5])}", work.folder / f"in-{shard}")
        work.put("twin.jpg", f"{ord('a')} {len(shard)}{ord('a')}", work.folder / f"in-{shard}")
        work.run(work.folder / f"in-{shard}", results=shard, review=f"v-{shard}", state=f"s-{shard}")
    return [work.folder / "north", work.folder / "south"]


def test_all_rows_are_there_ordered_by_file_under_names_of_their_own(work, shards, monkeypatch):
    monkeypatch.chdir(work.folder)
    written = join([shard.relative_to(work.folder) for shard in reversed(shards)], work.folder / "all")
    assert [path.name for path in written] == ["files.csv", "numbers.csv"]
    files = rows_of(work.folder / "all" / "files.csv")
    names = [row["file"] for row in files]
    assert names == sorted(names)
    assert {"north/a.jpg", "south/a.jpg", "north/=b.jpg", "south/c.jpg"} <= set(names)
    assert {row["error"] for row in files} == {"", "of:north/a.jpg", "of:south/a.jpg"}
    numbers = rows_of(work.folder / "all" / "numbers.csv")
    expected = [row["text"] for shard in shards for row in rows_of(shard / "numbers.csv")]
    assert [row["text"] for row in numbers] == expected


def test_what_cannot_be_joined_is_told(shards, tmp_path):
    north, south = shards
    for folders, target, said in (
        ([north, tmp_path / "nowhere"], tmp_path / "all", "no tables in"),
        ([north, south], south, "both joined and written"),
        ([north, north], tmp_path / "all", "or lies in it"),
    ):
        with pytest.raises(UsageError, match=said):
            join(folders, target)
    (south / "files.csv").write_text(tables.encode(tables.FILES[:-1], ()))
    with pytest.raises(UsageError, match="other columns"):
        join([north, south], tmp_path / "all")
