"""The benchmarks' own parts: what they print, draw and refuse."""

import ast
import dataclasses
import doctest
import importlib
import json
import pkgutil
import sys
from functools import cache
from inspect import signature
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_results import Fake

import benchmarks
from benchmarks import ablation, accuracy
from benchmarks.contact_sheets import draw_errors
from benchmarks.drawn import A4, draw_files, draw_pages
from benchmarks.forms import without
from benchmarks.parameters import resolve
from benchmarks.processes import on_one_core
from benchmarks.report import COLOURS, MARKS, write_report
from benchmarks.scoring import Results, scored
from benchmarks.sets import ROOT
from benchmarks.throughput import Throughput
from benchmarks.truth import Half


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
    return Results(results)


@pytest.fixture
def measured(tmp_path):
    return accuracy.Measured(scored(write_set(tmp_path), tmp_path / "set"), 8, 10.0)


def two_families(folder):
    """Write 13 files of one family, all right, and 13 of another, four of them right; one of each has no digits."""
    fake = Fake(folder)
    for i in range(12):
        for name, read in ((f"good{i}.png", "1"), (f"poor{i}.png", "1" if i < 3 else "7")):
            fake.want(name, "1")
            fake.read(name, (read, 0.9, "review", (0, 0)))
    for name in ("good_blank.png", "poor_blank.png"):
        fake.want(name, "")
        fake.read(name, status="empty")
    fake.finish()
    return fake


@pytest.fixture
def families(tmp_path):
    return accuracy.Measured(two_families(tmp_path).scored(), 26, 10.0)


def cells(table):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]


def test_table_shows_sets_beside_other_readers_and_pools_crops(measured):
    table = accuracy.table({"cells": measured, "forms": measured}, None)
    names = [line[0] for line in cells(table)]
    other = "· RapidOCR 3.10, whole set"
    assert [names[0], *names[2:]] == ["set", "cells", other, "forms", other, "pooled, filled"]
    assert len({len(line) for line in table.splitlines()}) == 1
    assert cells(table)[2][2] == "50.0 [21.5, 78.5]"
    assert cells(table)[-1][1] == "8"


def test_table_shows_families_and_their_mean(families):
    table = {line[0]: line for line in cells(accuracy.table({"cheques": families}, None))}
    assert table["cheques"][:2] == ["cheques", "26"]
    assert table["· good"][1:3] == ["13", "100.0 [77.2, 100.0]"]
    assert table["· poor"][2].startswith("30.8")
    assert table["· mean of families"][2] == "65.4"
    assert table["pooled, filled"][1] == "24"
    assert list(table).index("· mean of families") > list(table).index("· poor")


def test_only_crops_of_modern_paper_are_pooled(families):
    every = dict.fromkeys(accuracy.SETS, families)
    assert len(accuracy.pooled(every).scored.answers) == 4 * 24
    assert "pooled" not in accuracy.table({"photos": families, "old_fields": families}, None)


def test_the_report_names_families_and_shows_every_set(families, tmp_path):
    sets = dict.fromkeys(accuracy.SETS, families)
    write_report(tmp_path, accuracy.table(sets, None), {name: m.scored.answers for name, m in sets.items()})
    page = (tmp_path / "accuracy.md").read_text()
    assert "| · mean of families" in page
    assert len(COLOURS) == len(MARKS) == len(accuracy.SETS)
    assert (tmp_path / "images/reliability.png").stat().st_size > 10_000


def test_halves_add_up(measured):
    parts = [measured.half(half) for half in Half]
    assert sum(len(p.scored.answers) for p in parts) == 8


def test_saved_figures_hold_intervals_and_families(measured, families):
    saved = json.loads(json.dumps(accuracy.as_json(measured)))
    assert saved["exact"]["value"] == 0.5
    assert saved["exact"]["low"] == pytest.approx(0.215, abs=1e-3)
    assert {f.name for f in dataclasses.fields(measured.scored.figures())} < saved.keys()
    saved = json.loads(json.dumps(accuracy.as_json(families)))
    assert saved["families"]["poor"]["exact"]["hits"] == 4
    assert saved["mean of families"]["exact"] == pytest.approx((1 + 4 / 13) / 2)


MODULES = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__, "benchmarks."))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


SUBSTITUTES = {name: substitute for part in ablation.PARTS for name, substitute in part.replaced}


@pytest.mark.parametrize("name", SUBSTITUTES)
def test_what_the_ablation_replaces_exists_and_is_looked_up_there(name):
    found, substitute = pkgutil.resolve_name(f"digitocr.{name}"), SUBSTITUTES[name]
    assert callable(found) == callable(substitute)
    if callable(found):
        assert len(signature(found).parameters) == len(signature(substitute).parameters)
    module, leaf = resolve(f"digitocr.{name}")[0], name.rpartition(".")[2]
    others = (ROOT / "digitocr").rglob("*.py")
    assert leaf in names_read(Path(module.__file__)) or any(
        f"{module.__name__.rpartition('.')[2]}.{leaf}" in names_read(path) for path in others
    )


@cache
def names_read(path):
    """Return all names that a module reads, and names of modules with what is read of them."""
    nodes = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(getattr(node, "ctx", None), ast.Load)
    ]
    plain = {node.id for node in nodes if isinstance(node, ast.Name)}
    dotted = [node for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
    return plain | {f"{node.value.id}.{node.attr}" for node in dotted}


def test_errors_of_the_looking_half_are_drawn_and_no_others(tmp_path):
    results = write_set(tmp_path)
    answers = scored(results, tmp_path / "set").answers
    images, out = tmp_path / "set/images", tmp_path / "out"
    look = [a for a in answers if Half.of(a.truth.file) is Half.LOOK]
    (sheet,) = draw_errors(results, look, images, out, "cells")
    assert cv2.imread(str(sheet)) is not None
    with pytest.raises(ValueError, match="must not be looked at"):
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
