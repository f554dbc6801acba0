"""Templates made by clicking, in a real browser."""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace

import blank_form
import browsing
import cv2
import numpy as np
import pytest
import uvicorn
from browsing import PATIENCE, Page, Served
from reviewers import review_of
from workplace import Workplace

from benchmarks.forms import Tally, drawn_pages, judge
from digitocr.forms import template_file
from digitocr.forms.form_print import load_form_print
from digitocr.forms.template import Template
from digitocr.pipeline import load_reader
from digitocr.records import Box, Grey
from digitocr.training.synth.strokes import Sources
from digitocr.web.app import make_app

pytestmark = browsing.needed
expect = browsing.sync_api.expect
TOKEN = "a-token-of-the-test-00000000"


@pytest.fixture(scope="module")
def browser():
    with browsing.launched() as browser:
        yield browser


class Here:
    """The pages, served by this process."""

    def __init__(self, port):
        self.address = f"http://127.0.0.1:{port}"
        self.link = f"{self.address}/?token={TOKEN}"


@contextmanager
def served(work):
    work.run()
    app = make_app(
        review_of(work), work.settings(templates=work.folder / "forms"), token=TOKEN, takes_files=True
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield Here(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


class Clerk:
    """A person at the page, who takes 1.1 s for a click or drag and 0.3 s for a key."""

    def __init__(self, page):
        self.page = page.page
        self.actions = self.keys = 0

    @property
    def seconds(self):
        return 1.1 * self.actions + 0.3 * self.keys

    def click(self, selector):
        self.actions += 1
        self.page.locator(selector).first.click()

    def choose(self, selector, value):
        self.actions += 2
        self.page.locator(selector).select_option(value)

    def type(self, text):
        self.keys += len(text)
        self.page.keyboard.type(text)

    def press(self, *keys):
        self.keys += len(keys)
        for key in keys:
            self.page.keyboard.press(key)

    def at(self, x, y):
        """Where a place of the form is on the screen."""
        frame = self.page.locator("#over").bounding_box()
        width, height = map(int, self.page.locator("#over").get_attribute("viewBox").split()[2:])
        return frame["x"] + x * frame["width"] / width, frame["y"] + y * frame["height"] / height

    def point(self, x, y, *held):
        self.actions += 1
        for key in held:
            self.page.keyboard.down(key)
        self.page.mouse.click(*self.at(x, y))
        for key in held:
            self.page.keyboard.up(key)

    def drag(self, start, end):
        self.actions += 1
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=4)
        self.page.mouse.up()

    def begin(self, name, picture):
        self.click("#name")
        self.type(name)
        self.actions += 2
        self.page.locator("#sheet").set_input_files(picture)
        self.click("#begin button")
        self.page.locator("#fields li").first.wait_for(timeout=6 * PATIENCE)

    def name(self, text):
        self.type(text)
        self.press("Enter")

    def saved(self):
        self.click("#save")
        expect(self.page.locator("#state")).to_have_text("saved", timeout=6 * PATIENCE)


def makes_forty_fields(clerk, template, picture):
    """From the picture of the empty form to its template."""
    clerk.begin("by click", picture)
    for _ in range(3):
        clerk.click("#smaller")
    boxes = {field.name: field.box for field in template.fields}
    places = [box.centre for box in boxes.values()]
    for found in clerk.page.evaluate(RECTANGLES):
        box = Box(*found)
        if not any(box.x < x < box.right and box.y < y < box.bottom for x, y in places):
            clerk.point(*box.centre)
            clerk.press("Delete")
    first, last = boxes["r1_c1"], boxes["r8_c4"]
    clerk.drag((first.x - 20, first.y - 20), (last.right + 20, last.bottom + 20))
    clerk.press("t")
    clerk.choose("#f-blank", "yes")
    clerk.drag((first.x - 20, first.y - 20), (first.right + 20, last.bottom + 20))
    clerk.press("+")
    clerk.point(*boxes["total"].centre)
    clerk.press("Enter")
    for name in ("total", "women", "men", "spoilt", "unused", "officer"):
        clerk.name(name)
    clerk.choose("#f-kind", "digits")
    clerk.point(*boxes["spoilt"].centre)
    clerk.point(*boxes["unused"].centre, "Shift")
    clerk.choose("#f-blank", "yes")
    clerk.point(*boxes["station"].centre)
    clerk.choose("#f-kind", "digits")
    clerk.press("Escape")
    clerk.point(*boxes["station"].centre)
    clerk.press("Enter")
    clerk.name("station")
    clerk.name("day")
    clerk.point(*boxes["day"].centre)
    clerk.choose("#f-kind", "date")
    clerk.saved()


RECTANGLES = """() => [...document.querySelectorAll('#over g.field > rect:first-child')]
  .map((one) => ['x', 'y', 'width', 'height'].map((key) => Number(one.getAttribute(key))))"""


@dataclass(frozen=True)
class Made:
    """Forty fields by hand and by clicking, and the seconds that clicking took."""

    by_hand: Template
    by_click: Template
    empty: Grey
    seconds: float


@pytest.fixture(scope="module")
def made(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        work = Workplace(folder)
        by_hand, empty = blank_form.written(folder / "hand")
        with served(work) as here:
            page = Page(browser, here, "/forms")
            clerk = Clerk(page)
            makes_forty_fields(clerk, by_hand, folder / "hand" / "by_hand.png")
            page.close()
    return Made(by_hand, template_file.load(folder / "forms" / "by_click.yaml"), empty, clerk.seconds)


@pytest.mark.soak
def test_a_clerk_makes_the_template_of_forty_fields_in_under_five_minutes(made):
    assert made.seconds < 300
    assert len(made.by_click.fields) == len(made.by_hand.fields) == 40
    assert made.by_click.rules == made.by_hand.rules
    for field in made.by_hand.fields:
        other = made.by_click.field(field.name)
        assert (other.kind, other.blank, other.length, other.format, len(other.cells)) == (
            field.kind, field.blank, field.length, field.format, len(field.cells),
        )  # fmt: skip
        assert abs(other.box.x - field.box.x) + abs(other.box.right - field.box.right) < 12


SHEETS = 14


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_it_reads_filled_sheets_as_the_template_by_hand_does(made):
    reader, by_hand = load_reader(), load_form_print(made.by_hand)
    shown = list(drawn_pages(by_hand, made.empty, Sources(), SHEETS, seed=3))
    tallies = []
    for form in (by_hand, load_form_print(made.by_click)):
        tally = Tally()
        for one in shown:
            judge(tally, replace(reader, forms=(form,)), replace(one, form=form, place=None))
        tallies.append(tally)
    hand, click = tallies
    assert sum(hand.found) == sum(click.found) == SHEETS
    assert sum(click.exact) >= sum(hand.exact) - 0.01 * len(hand.exact)
    assert sum(click.wrong) <= sum(hand.wrong)
    assert click.forbidden == 0


TABLE = Box(300, 900, 600, 400)
"""A place of the small form on which nothing is printed."""


@pytest.fixture(scope="module")
def small():
    """A form with three boxes far apart, and a wide one."""
    paper = np.full((2000, 1414), 250, np.uint8)
    for x in (300, 420, 540):
        cv2.rectangle(paper, (x, 300), (x + 60, 370), 60, 2)
    cv2.rectangle(paper, (300, 500), (700, 570), 60, 2)
    cv2.putText(paper, "WARD", (300, 200), cv2.FONT_HERSHEY_DUPLEX, 2, 30, 3)
    return cv2.imencode(".png", paper)[1].tobytes()


@pytest.fixture
def editor(browser, work, small):
    (work.folder / ".digitocr" / "forms").mkdir(parents=True)
    (work.folder / ".digitocr" / "forms" / "ward.png").write_bytes(small)
    with served(work) as here:
        page = Page(browser, here, "/forms/edit?form=ward")
        page.page.locator("#fields li").first.wait_for()
        yield Clerk(page)
        page.close()


def boxes(clerk):
    return [tuple(map(round, box)) for box in clerk.page.evaluate(RECTANGLES)]


def fields(clerk):
    return [text.split("\n")[0] for text in clerk.page.locator("#fields button").all_inner_texts()]


def test_boxes_are_drawn_moved_resized_grouped_split_and_all_of_it_undone(editor):
    found = boxes(editor)
    assert len(found) == 4
    editor.press("d")
    editor.drag((300, 700), (700, 760))
    new = boxes(editor)[-1]
    assert all(abs(a - b) <= 2 for a, b in zip(new, (300, 700, 400, 60), strict=True))
    editor.press("s")
    editor.drag((500, 730), (600, 780))
    x, y, width, height = boxes(editor)[-1]
    assert max(abs(x - new[0] - 100), abs(y - new[1] - 50)) <= 2
    assert (width, height) == new[2:]
    editor.drag((x + width, y + height), (x + width + 60, y + height + 30))
    assert all(
        abs(a - b) <= 2 for a, b in zip(boxes(editor)[-1], (x, y, width + 60, height + 30), strict=True)
    )
    editor.press("ArrowRight", "Shift+ArrowDown")
    assert boxes(editor)[-1][:2] == (x + 1, y + 10)
    editor.drag((280, 280), (640, 400))
    editor.press("g")
    assert len(boxes(editor)) == 3
    assert editor.page.locator("#f-cells").input_value() == "3"
    editor.press("x")
    assert len(boxes(editor)) == 5
    editor.press("Control+a", "Delete")
    assert boxes(editor) == []
    for _ in range(8):
        editor.press("Control+z")
    assert boxes(editor) == found
    assert editor.page.locator("#undo").is_disabled()
    for _ in range(8):
        editor.press("Control+y")
    assert boxes(editor) == []


def test_a_frame_becomes_a_table_a_reload_keeps_it_and_an_error_is_shown_at_its_field(editor, work):
    editor.press("d")
    editor.drag((TABLE.x, TABLE.y), (TABLE.right, TABLE.bottom))
    editor.press("s", "t")
    for name, count in (("rows", "3"), ("columns", "2")):
        editor.page.locator(f"#grid-{name}").fill(count)
    editor.click("#grid .main-action")
    names = [f"r{r}_c{c}" for r in (1, 2, 3) for c in (1, 2)]
    assert fields(editor)[4:] == names
    editor.press("Escape")
    editor.page.reload()
    expect(editor.page.locator("#notice")).to_contain_text("is here again")
    assert fields(editor)[4:] == names
    editor.drag((TABLE.x - 10, TABLE.y - 10), (TABLE.x + 250, TABLE.bottom + 10))
    editor.press("+")
    editor.point(500, 535)
    assert editor.page.locator("#rules .text").input_value() == "field4 == r1_c1 + r2_c1 + r3_c1"
    editor.press("Enter")
    editor.type("<img src=x onerror=alert(1)>")
    editor.press("Enter", "Escape")
    assert (
        editor.page.locator("#rules .text").input_value()
        == "img_src_x_onerror_alert_1 == r1_c1 + r2_c1 + r3_c1"
    )
    assert editor.page.locator("#rules .name").input_value() == "img src x onerror alert 1"
    editor.point(500, 535)
    editor.choose("#f-kind", "digits")
    expect(editor.page.locator("#fault")).to_contain_text("digits need a 'length' or 'cells'")
    expect(editor.page.locator("#fields .bad")).to_contain_text("img_src_x_onerror_alert_1")
    editor.click("#f-cells")
    editor.type("4")
    editor.press("Tab")
    expect(editor.page.locator("#fault")).to_be_hidden()
    assert editor.page.locator("#f-label").input_value() == "<img src=x onerror=alert(1)>"
    editor.saved()
    made = template_file.load(work.folder / "forms" / "ward.yaml")
    assert [field.name for field in made.fields][-6:] == names
    assert made.field("img_src_x_onerror_alert_1").label == "<img src=x onerror=alert(1)>"
    editor.page.reload()
    expect(editor.page.locator("#state")).to_have_text("saved")
    assert len(fields(editor)) == 10


@pytest.mark.soak
@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080), (390, 844)], ids=["screen", "large", "phone"])
def test_nothing_is_cut_off(browser, work, small, size):
    (work.folder / ".digitocr" / "forms").mkdir(parents=True)
    (work.folder / ".digitocr" / "forms" / "ward.png").write_bytes(small)
    with served(work) as here:
        for path, there in (("/forms", "#begin"), ("/forms/edit?form=ward", "#fields li")):
            page = Page(browser, here, path, size)
            page.page.locator(there).first.wait_for()
            assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            for button in page.page.locator("#bar button:visible, #bar .button, #begin button").all():
                frame = button.bounding_box()
                assert frame["x"] >= 0
                assert frame["x"] + frame["width"] <= size[0]
                assert size[0] > 400 or frame["height"] >= 40
            page.close()


READ = """() => [...document.querySelectorAll('#tried tbody tr')]
  .map((row) => [row.cells[0].textContent, row.cells[1].textContent])"""


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_filled_sheet_is_tried_before_anything_is_saved(browser, work):
    by_hand, empty = blank_form.written(work.folder / "hand")
    (shown,) = drawn_pages(load_form_print(by_hand), empty, Sources(), 1, seed=5)
    cv2.imwrite("filled.png", shown.image)
    (work.folder / "forms").mkdir()
    (work.folder / ".digitocr" / "forms").mkdir(parents=True)
    cv2.imwrite(".digitocr/forms/tally.png", empty)
    with served(work) as here:
        page = Page(browser, here, "/forms/edit?form=tally")
        page.page.locator("#fields li").first.wait_for(timeout=6 * PATIENCE)
        page.page.locator("#filled").set_input_files("filled.png")
        page.page.locator("#tried tbody tr").first.wait_for(timeout=30 * PATIENCE)
        assert "/forms/tried/" in page.page.locator("#picture-of-form").get_attribute("src")
        read = dict(page.page.evaluate(READ))
        assert read["field1"] == shown.entries["station"].text
        assert page.page.locator("#over text.read").count() == len(read)
        page.page.locator("#filled").set_input_files("hand/by_hand.yaml")
        expect(page.page.locator("#notice")).to_contain_text("cannot be read", timeout=6 * PATIENCE)
        page.page.screenshot(path="tried.png")
        page.close()
    assert not list((work.folder / "forms").iterdir())


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_the_program_reads_with_a_form_from_when_it_is_saved_on(browser, work):
    by_hand, empty = blank_form.written(work.folder / "hand")
    (shown,) = drawn_pages(load_form_print(by_hand), empty, Sources(), 1, seed=5)
    (work.folder / ".digitocr" / "forms").mkdir(parents=True)
    cv2.imwrite(".digitocr/forms/tally.png", empty)
    served = Served.__new__(Served)
    served.work = work
    served.start(command="serve")
    page = Page(browser, served, "/forms/edit?form=tally")
    page.page.locator("#fields li").first.wait_for(timeout=6 * PATIENCE)
    Clerk(page).saved()
    page.close()
    cv2.imwrite("filled.png", shown.image)
    (work.folder / "filled.png").rename(work.inbox / "filled.png")
    table = work.folder / "results" / "forms" / "tally.csv"
    for _ in range(600):
        if table.is_file():
            break
        time.sleep(0.5)
    served.end()
    (row,) = work.table("results/forms/tally.csv")
    assert row["field1"] == shown.entries["station"].text
