"""More than 500 hostile files and some good ones in one batch, with everything real."""

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import hostile
import pytest

ROOT = Path(__file__).parent.parent.parent
OURS = {"inbox", "results", "review", "archive", "failed", ".digitocr"}


def read(folder, **variables):
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder.parent / "home"),
    } | variables
    return subprocess.run(
        [sys.executable, "-m", "flows.process_folder", "--no-prefect", "--json"],
        cwd=folder,
        env=env,
        text=True,
        capture_output=True,
        check=False,
    )


def numbers(folder, names):
    with (folder / "results" / "numbers.csv").open(newline="", encoding="utf-8") as stream:
        return [tuple(row.values()) for row in csv.DictReader(stream) if row["file"] in names]


def place(folder, good):
    (folder / "inbox").mkdir(parents=True)
    for path in good:
        (folder / "inbox" / f"good-{path.name}").write_bytes(path.read_bytes())
    return folder


@pytest.mark.timeout(900)
def test_a_batch_with_hostile_files_gives_every_good_one(tmp_path):
    good = sorted(p for p in (ROOT / "examples").iterdir() if p.suffix in (".jpg", ".png"))
    (tmp_path / "home").mkdir()
    alone = place(tmp_path / "alone", good)
    assert read(alone).returncode == 0
    among = place(tmp_path / "among", good)
    count = hostile.write(among / "inbox")
    assert count >= 500
    limits = {"DIGITOCR_MAX_SECONDS": "10", "DIGITOCR_MAX_PIXELS": "20000000"}
    started = time.monotonic()
    done = read(among, **limits)
    print(f"{count} hostile files in {time.monotonic() - started:.0f} s: {done.stdout}")
    assert done.returncode in (0, 1), done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr, "a name reached the terminal as it is"

    told = json.loads(done.stdout)
    assert (
        told["files"] >= count + len(good) - len([n for n in hostile.NAMES if n.startswith((".", "~"))]) - 2
    )
    names = {f"good-{path.name}" for path in good}
    assert numbers(among, names) == numbers(alone, names)

    with (among / "results" / "files.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == told["files"]
    assert not [row["error"] for row in rows if row["error"].startswith(("error:", "crashed"))]
    slow = [row for row in rows if float(row["seconds"]) > 40]
    assert not slow, "beyond the limit"
    for row in rows:
        assert not row["file"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert row["file"].isprintable()

    assert {path.name for path in among.iterdir()} == OURS
    assert {path.name for path in tmp_path.iterdir()} == {"home", "alone", "among"}
    caches = {".keras", ".cache", ".config"}  # of libraries, the same whatever is read
    assert {p.name for p in (tmp_path / "home").iterdir()} <= caches
    left = [p for p in (among / "inbox").rglob("*") if p.is_file()]
    assert all(p.name.startswith((".", "~")) or p.name == "README.md" for p in left), left

    again = read(among, **limits)
    assert json.loads(again.stdout)["files"] == 0
