"""The benchmarks' own parts: what they print, draw and refuse."""

import dataclasses
import json
import sys

import cv2
import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.contact_sheets import draw_errors
from benchmarks.drawn import A4, draw_files, draw_pages
from benchmarks.forms import without
from benchmarks.processes import on_one_core
from benchmarks.scoring import Half, Results, read_truth
from benchmarks.throughput import Throughput


def test_printed_lines_go_on_beneath_writing_that_is_painted_over():
    empty = np.full((80, 120), 230, np.uint8)
    empty[40:44] = 60
    written = empty.copy()
    cv2.line(written, (50, 20), (70, 60), 20, 5)
    assert np.array_equal(without(written, cv2.dilate(empty - written, np.ones((5, 5))) > 0, 30), empty)


def write_set(folder):
    """Eight one-digit images, half of them misread, as a set and its results."""
    images, results = folder / "set/images", folder / "results"
    images.mkdir(parents=True)
    results.mkdir()
    truth, files = ["file,text"], ["file,status"]
    for i in range(8):
        name = f"{i}.png"
        picture = np.full((40, 30), 230, np.uint8)
        cv2.putText(picture, str(i), (5, 30), cv2.FONT_HERSHEY_SIMPLEX, 1, 20, 2)
        (images / name).write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        truth.append(f"images/{name},{i}")
        files.append(f"{name},done")
        read = i if i % 2 else 9
        (results / f"{name}.digits.csv").write_text(
            "file,page,number,position,x,y,width,height,digit,confidence,status\n"
            f"{name},1,1,1,5,8,18,24,{read},0.9,accepted\n"
        )
        (results / f"{name}.numbers.csv").write_text(
            "file,page,number,text,confidence,x,y,width,height,status\n"
            f"{name},1,1,{read},0.9,5,8,18,24,accepted\n"
        )
    (folder / "set/truth.csv").write_text("\n".join(truth) + "\n")
    (results / "files.csv").write_text("\n".join(files) + "\n")
    return Results(results), read_truth(folder / "set")


@pytest.fixture
def measured(tmp_path):
    results, truths = write_set(tmp_path)
    return accuracy.Measured([results.answer(t) for t in truths], [], 8, 10.0)


def test_table_shows_sets_beside_other_readers_and_pools_what_is_not_the_same_paper(measured):
    lines = accuracy.table({"cells": measured, "forms": measured}, None).splitlines()
    names = [line.split("|")[1].strip() for line in lines]
    assert [names[0], *names[2:]] == ["set", "cells", "· RapidOCR 3.10, whole set", "forms", "pooled"]
    assert len({len(line) for line in lines}) == 1
    assert "50.0 [21.5, 78.5]" in lines[2]
    assert lines[-1].split("|")[2].strip() == "8"


def test_halves_add_up(measured):
    parts = [measured.half(half) for half in Half]
    assert sum(len(p.answers) for p in parts) == 8


def test_saved_figures_hold_intervals(measured):
    saved = json.loads(json.dumps(accuracy.as_json(measured)))
    assert saved["exact"]["value"] == 0.5
    assert saved["exact"]["low"] == pytest.approx(0.215, abs=1e-3)
    assert {f.name for f in dataclasses.fields(measured.figures())} < saved.keys()


def test_errors_of_the_looking_half_are_drawn_and_no_others(tmp_path):
    results, truths = write_set(tmp_path)
    answers = [results.answer(t) for t in truths]
    images, out = tmp_path / "set/images", tmp_path / "out"
    look = [a for a in answers if Half.of(a.truth.file) is Half.LOOK]
    (sheet,) = draw_errors(results, look, images, out, "cells")
    assert cv2.imread(str(sheet)) is not None
    with pytest.raises(ValueError, match="not to be looked at"):
        draw_errors(results, answers, images, out, "cells")


def test_unknown_set_is_named(capsys):
    with pytest.raises(SystemExit) as stopped:
        accuracy.main(["--sets", "cheques,chekes"])
    assert stopped.value.code == 2
    assert "chekes" in capsys.readouterr().err


def test_drawn_pages_are_the_same_each_time_and_none_like_another(tmp_path):
    (page,) = draw_pages(tmp_path / "pages", 1)
    assert cv2.imread(str(page), cv2.IMREAD_GRAYSCALE).shape == A4
    first, again = (draw_files(tmp_path / name, 3) for name in ("first", "again"))
    contents = [path.read_bytes() for path in first]
    assert contents == [path.read_bytes() for path in again]
    assert len(set(contents)) == 3


def test_time_over_the_floor_with_and_without_the_start():
    cost = Throughput(pages=11, floor=1.1, seconds=10.0, start=5.0, peak_mb=0.0)
    assert cost.over_floor == pytest.approx(5.0)
    assert cost.over_floor_with_start == pytest.approx(10 / 1.1)


@pytest.mark.skipif(sys.platform != "linux", reason="measures through /proc")
def test_a_child_is_held_to_one_core_and_its_memory_followed(tmp_path):
    script = (
        "import os, time; b = bytearray(50_000_000); time.sleep(0.3); print(len(os.sched_getaffinity(0)))"
    )
    run = on_one_core([sys.executable, "-c", script], tmp_path, progress=lambda: 7)
    assert run.output.strip() == "1"
    assert run.peak > 50_000_000
    assert {done for done, _ in run.memory} == {7}
    with pytest.raises(SystemExit, match="status 3"):
        on_one_core([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)
