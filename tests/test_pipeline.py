"""The steps composed, with the shipped model, on pictures drawn here."""

import io
import subprocess
import sys
import textwrap
import weakref
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from digitocr import pipeline, read_file, read_files
from digitocr.io.open_file import FIRST_PICTURE
from digitocr.networks.page_network import look_at
from digitocr.pipeline import load_reader
from digitocr.records import FileStatus, Limits, Nothing, ReadOptions, Shown, Source, Status
from digitocr.training.synth.lines import line
from digitocr.training.synth.strokes import Sources


@pytest.fixture(scope="session")
def reader():
    return load_reader()


@pytest.fixture
def drawn(tmp_path):
    """A dozen clean lines of our own hand, as files, with their texts."""
    out = []
    for seed in range(12):
        drawing = line(np.random.default_rng((41, seed)), Sources(), text=str(10**3 + 977 * seed), damage=0.0)
        path = tmp_path / f"{seed:02}.png"
        Image.fromarray(drawing.image).save(path)
        out.append((path, str(10**3 + 977 * seed)))
    return out


def texts(result):
    return [n.text for n in result.numbers]


def test_drawn_lines_are_read(reader, drawn):
    readings = reader.read([Source(path, path.name) for path, _ in drawn])
    right = sum(texts(r.result) == [text] for r, (_, text) in zip(readings, drawn, strict=True))
    assert right >= 5
    for reading in readings:
        for number in reading.result.numbers:
            assert 0 <= number.confidence <= 1
            for digit in number.digits:
                assert 0 <= digit.runner_up_confidence <= 1
                assert digit.value != digit.runner_up


def test_batching_changes_nothing(reader, drawn):
    sources = [Source(path, path.name) for path, _ in drawn[:4]]
    together = [texts(r.result) for r in reader.read(sources)]
    apart = [texts(reader.read([source])[0].result) for source in sources]
    assert together == apart


def test_reading_in_portions_changes_nothing(reader, drawn, monkeypatch):
    sources = [Source(path, path.name) for path, _ in drawn[:4]]
    together = [texts(r.result) for r in reader.read(sources)]
    monkeypatch.setattr(pipeline, "PORTION", 1)
    assert [texts(r.result) for r in reader.read(sources)] == together


def test_pages_that_were_read_leave_memory_before_the_next_are_laid_out(reader, drawn, monkeypatch):
    monkeypatch.setattr(pipeline, "PORTION", 1)
    laid, lay_out = [], pipeline.Reader.lay_out

    def noted(reader, page):
        assert [k for k, grey in enumerate(laid) if grey() is not None] == list(range(len(laid)))[-1:]
        laid.append(weakref.ref(page.grey))
        return lay_out(reader, page)

    monkeypatch.setattr(pipeline.Reader, "lay_out", noted)
    reader.read([Source(path, path.name) for path, _ in drawn[:4]])
    assert len(laid) == 4


def test_a_page_that_fails_makes_the_file_partial(reader, drawn, tmp_path):
    path, _ = drawn[0]
    with Image.open(path) as image:
        pages = [image.convert("L"), Image.new("L", (4, 4)), image.convert("L")]
    pages[0].save(tmp_path / "three.tif", save_all=True, append_images=pages[1:])
    seen = []
    (reading,) = reader.read(
        [Source(tmp_path / "three.tif", "three.tif")],
        lambda page, read: seen.append((page.index, read.index)) or Shown(page.index, {}),
    )
    result = reading.result
    assert (result.status, result.error_code) == (FileStatus.PARTIAL, "image-size")
    assert result.error == "page 2: only 4×4 pixels"
    assert [page.index for page in result.pages] == [1, 2, 3]
    assert [n.text for n in result.pages[0].numbers] == [n.text for n in result.pages[2].numbers]
    assert seen == [(1, 1), (3, 3)]
    assert [page.index for page in reading.shown] == [1, 3]


def test_a_page_with_more_marks_than_the_limit_is_not_read(reader, drawn):
    few = replace(reader, options=ReadOptions(limits=Limits(candidates=2)))
    (reading,) = few.read([Source(drawn[0][0], "crowded.png")])
    assert (reading.result.status, reading.result.error_code) == (FileStatus.FAILED, "crowded")
    assert "the limit is 2" in reading.result.error


def test_a_page_full_of_tiny_rings_on_which_nothing_is_found_costs_a_glance(reader, tmp_path):
    ring = cv2.circle(np.full((13, 13), 255, np.uint8), (6, 6), 4, 0, 1)
    Image.fromarray(np.tile(ring, (70, 70))).save(tmp_path / "rings.png")
    looked_at = []
    noting = replace(reader, look=lambda page: looked_at.append(page.shape) or look_at(page))
    (reading,) = noting.read([Source(tmp_path / "rings.png", "rings.png")])
    assert (reading.result.status, reading.result.pages[0].nothing) == (FileStatus.EMPTY, Nothing.NOT_FOUND)
    assert looked_at == [(192, 192)]


def test_the_first_picture_of_an_animation_is_read_and_that_is_said(reader, drawn, tmp_path):
    path, _ = drawn[0]
    with Image.open(path) as image:
        image.convert("L").save(
            tmp_path / "a.gif", save_all=True, append_images=[Image.new("L", image.size, 200)]
        )
    (reading,) = reader.read([Source(tmp_path / "a.gif", "a.gif")])
    assert (reading.result.status, reading.result.error_code) == (FileStatus.DONE, FIRST_PICTURE)
    assert "only its first picture" in reading.result.error


def test_a_bad_file_does_not_stop_the_others(reader, drawn, tmp_path):
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.png").touch()
    names = ["text.jpg", "empty.png", "missing.png"]
    sources = [Source(tmp_path / n, n) for n in names] + [Source(drawn[0][0], "good")]
    *bad, good = [r.result for r in reader.read(sources)]
    assert [b.status for b in bad] == [FileStatus.FAILED] * 3
    assert [b.error_code for b in bad] == ["unsupported-format", "empty-file", "no-access"]
    assert all(b.error for b in bad)
    assert good.status is FileStatus.DONE


def test_white_paper_is_empty(reader, tmp_path):
    path = tmp_path / "white.png"
    Image.fromarray(np.full((600, 400), 250, np.uint8)).save(path)
    (reading,) = reader.read([Source(path, "white.png")])
    assert reading.result.status is FileStatus.EMPTY


@pytest.mark.parametrize("turn", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE])
def test_a_turned_line_is_read_upright(reader, tmp_path, turn):
    rng = np.random.default_rng(9)
    drawing = line(rng, Sources(), text="2374527", damage=0.0)
    upright, turned = tmp_path / "upright.png", tmp_path / "turned.png"
    Image.fromarray(drawing.image).save(upright)
    Image.fromarray(cv2.rotate(drawing.image, turn)).save(turned)
    first, second = (r.result for r in reader.read([Source(upright, "u"), Source(turned, "t")]))
    assert texts(first) == ["2374527"]
    assert texts(second) == texts(first)
    quarters = {cv2.ROTATE_90_CLOCKWISE: 1, cv2.ROTATE_180: 2, cv2.ROTATE_90_COUNTERCLOCKWISE: 3}
    assert (first.pages[0].turn, second.pages[0].turn) == (0, quarters[turn])


@pytest.mark.parametrize("rest", ["0080", "1970", "3705"])
def test_zeros_of_a_number_on_its_side_are_not_accepted_one_by_one(reader, tmp_path, rest):
    sources = []
    for seed in range(8):
        text = f"{seed + 2}{rest}"
        drawing = line(np.random.default_rng(seed), Sources(), text=text, damage=0.5)
        for turn in (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE):
            path = tmp_path / f"{seed}-{turn}.png"
            Image.fromarray(cv2.rotate(drawing.image, turn)).save(path)
            sources.append(Source(path, text))
    results = [reading.result for reading in reader.read(sources)]
    wrong = [r for r in results for n in r.numbers if n.status is Status.ACCEPTED and n.text != r.file]
    right = [r for r in results if texts(r) == [r.file]]
    assert len(wrong) <= 1
    assert len(right) >= 8


def test_a_threshold_of_one_accepts_nothing(drawn):
    results = read_files([p for p, _ in drawn[:2]], ReadOptions(threshold=1.0))
    assert all(n.status is Status.REVIEW for r in results for n in r.numbers)


def test_boxes_lie_in_the_page(reader, drawn):
    for reading in reader.read([Source(path, path.name) for path, _ in drawn]):
        height, width = reading.result.pages[0].shape
        for digit in reading.result.digits:
            assert 0 <= digit.box.x < digit.box.right <= width
            assert 0 <= digit.box.y < digit.box.bottom <= height


def test_read_file_takes_any_path(drawn, tmp_path):
    path = tmp_path / "été – Ω 数.png"
    path.write_bytes(drawn[0][0].read_bytes())
    assert read_file(path).status is FileStatus.DONE


def test_all_pages_of_a_tiff_are_read(reader, drawn, tmp_path):
    frames = [Image.open(p) for p, _ in drawn[:2]]
    out = io.BytesIO()
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:])
    path = tmp_path / "two.tiff"
    path.write_bytes(out.getvalue())
    (reading,) = reader.read([Source(path, "two.tiff")])
    assert [p.index for p in reading.result.pages] == [1, 2]
    assert all(p.numbers for p in reading.result.pages)


def test_importing_the_package_imports_neither_tensorflow_nor_prefect():
    heavy = {"tensorflow", "keras", "prefect", "pandas"}
    code = f"import sys, digitocr; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.soak
def test_a_program_that_ends_while_the_model_loads_has_its_own_status():
    """The end cut the loading off within C++, which aborted the process."""
    code = """
        import sys
        from digitocr.pipeline import loading
        from digitocr.records import ReadOptions
        loading(None, ReadOptions(), ())
        sys.exit(3)
    """
    ends = [subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False) for _ in range(5)]
    assert {end.returncode for end in ends} == {3}
