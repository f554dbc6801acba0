"""The review page in a real browser: Playwright drives Debian's Chromium."""

import re
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import browsing
import pytest
from browsing import PATIENCE, Page, Served
from fake_reader import drawn
from tally import reads_tallies

from digitocr.records import Box, Status

pytestmark = browsing.needed
sync_api = browsing.sync_api


@pytest.fixture(scope="module")
def browser():
    with browsing.launched() as browser:
        yield browser


@pytest.fixture
def served(work, request):
    for name, text in request.param:
        work.put(name, drawn(text))
    work.run()
    served = Served(work)
    yield served
    if served.process.poll() is None:
        served.kill()


def files(*texts):
    """Serve these as a.png, b.png, …"""
    named = [(f"{chr(97 + i)}.png", text) for i, text in enumerate(texts)]
    return pytest.mark.parametrize("served", [named], indirect=True, ids=[""])


FIFTY = [" ".join(f"{(row + i) % 10}?" for i in range(10)) for row in range(5)]


@pytest.mark.soak
@files(*FIFTY)
def test_fifty_items_by_keyboard_alone(browser, served):
    page = Page(browser, served, "/")
    page.page.locator("a:focus").wait_for()
    page.page.locator("a[href='/review']").first.click()
    wanted = []
    for i in range(50):
        value = str((i // 10 + i) % 10)
        page.shows(value)
        said = ("Enter", "7", "-")[(i % 7 == 3) + (i % 11 == 5)]
        if i % 13 == 4:  # a slip of the finger
            page.press("9", "u")
            page.shows(value)
        page.press(said)
        new = "7" if said == "7" else value
        wanted += [] if said == "-" else [(new, "confirmed" if new == value else "corrected")]
    page.page.wait_for_selector("#empty:not([hidden])")
    page.saved(0).close()
    assert served.texts() == wanted
    assert served.work.table("review/queue.csv") == []


@files("12? 5? 7? 1?")
def test_every_key(browser, served):
    page = Page(browser, served)
    page.shows("12").press("h")
    assert page.page.locator("#help").is_visible()
    page.press("x")
    assert not page.page.locator("#help").is_visible()
    page.press("ArrowRight", "8")  # a sure digit; the unsure one is still open
    page.shows("18").press("Backspace")
    page.press("ArrowLeft", "ArrowDown")
    page.shows("5").press("ArrowDown")
    page.shows("7").press("ArrowUp", "ArrowUp")
    page.shows("12").press("z")
    assert page.page.evaluate("document.body.classList.contains('zoomed')")
    page.press("z", "s")
    page.shows("5").press("e", "4", "5", "6", "Backspace", "Enter")
    page.shows("7").press("Control+1", "Alt+2", "Shift", "F2")
    page.shows("7").press("Enter")
    page.shows("1").press("Enter")
    page.shows("12").press("3")  # what was skipped comes last
    page.saved(0).close()
    assert [text for text, _ in served.texts()] == ["32", "45", "7", "1"]


@files("1? 2? 3? 4? 5?")
def test_undo_goes_back_further_than_one_and_past_a_reload(browser, served):
    page = Page(browser, served)
    for value in "123":
        page.shows(value).press("9")
    page.shows("4").saved(2).page.reload()
    page.shows("4").press("u")
    page.shows("3").press("u")
    page.shows("2").press("Enter")
    page.shows("3").press("Enter")
    page.shows("4").saved(2)
    page.close()
    assert served.texts() == [("9", "corrected"), ("2", "confirmed"), ("3", "confirmed"), ("4", "review"),
                              ("5", "review")]  # fmt: skip


@files("1? 2? 3? 4? 5? 6?")
def test_a_reload_in_the_middle_loses_nothing(browser, served):
    page = Page(browser, served)
    for value in "123":
        page.shows(value).press("9")
        page.page.reload()
    page.shows("4").saved(3).close()
    assert [text for text, _ in served.texts()] == list("999456")


@files("1? 2? 3? 4? 5? 6?")
def test_a_server_killed_and_restarted_loses_nothing(browser, served):
    page = Page(browser, served)
    page.shows("1").press("9")
    page.shows("2").saved(5)
    served.kill()
    page.press("8")
    page.shows("3").press("7")
    page.page.wait_for_function("() => document.getElementById('state').textContent.includes('2 kept here')")
    served.start()
    page.saved(3)
    page.shows("4").press("6")
    page.saved(2).close()
    assert [text for text, _ in served.texts()] == list("987656")


@files("1? 2? 3? 4? 5? 6?")
def test_a_reload_while_the_server_is_gone_loses_nothing(browser, served):
    page = Page(browser, served)
    page.shows("1")
    served.kill()
    page.press("9")
    with pytest.raises(sync_api.Error):
        page.page.reload()
    served.start()
    page.page.goto(served.address + "/review")
    page.shows("2").saved(5).close()
    assert [text for text, _ in served.texts()] == list("923456")


@pytest.mark.soak
@files(*FIFTY)
def test_two_people_at_once(browser, served):
    ann, bob = Page(browser, served), Page(browser, served, who="bob")
    one, other = [], []
    while len(one) + len(other) < 50:
        for page, mine, key in ((ann, one, "8"), (bob, other, "9")):
            page.page.wait_for_function(
                "() => !document.getElementById('item').hidden || !document.getElementById('empty').hidden"
            )
            if page.page.locator("#item").is_visible():
                mine.append((page.text("#where"), page.text("#cells b")))
                page.press(key)
                page.saved()
            else:
                page.page.evaluate("dispatchEvent(new Event('focus'))")
    assert not set(one) & set(other)
    ann.saved(0).close()
    bob.close()
    texts = [text for text, _ in served.texts()]
    assert (texts.count("8"), texts.count("9")) == (len(one), len(other))
    assert {r["who"] for r in served.work.table("review/audit.csv")} == {"ann", "bob"}


@files("7? 71? 3? 7?", "7? 72? 70?")
def test_the_wall(browser, served):
    page = Page(browser, served, "/wall?digit=7")
    tiles = page.page.locator(".tile")
    tiles.nth(5).wait_for()
    page.press("ArrowRight", "1", "ArrowRight", "Space")
    assert "other 4 are 7" in page.text("#confirm")
    page.press("Enter")
    page.saved(2)
    page.page.locator("#empty").wait_for()  # the odd one is for the review
    page.press("u")
    page.page.wait_for_function("() => document.querySelectorAll('.tile').length === 5")
    page.page.locator(".tile").first.click()
    page.page.locator("#confirm").click()
    page.saved(3).close()
    status = [s for _, s in served.texts()]
    assert (status.count("confirmed"), status.count("review")) == (4, 3)


@files("1?", "2?")
def test_tables_follow_while_one_works(browser, served):
    page = Page(browser, served)
    page.shows("1").press("9")
    page.saved(1)
    path = served.work.folder / "review" / "queue.csv"
    page.page.wait_for_timeout(50)
    for _ in range(200):
        if "a.png" not in path.read_text():
            break
        page.page.wait_for_timeout(50)
    assert "a.png" not in path.read_text()
    page.close()


@files("1? 2? 12? 5? 3?")
def test_keypad_without_numlock_illegible_turned_and_darkened(browser, served):
    page = Page(browser, served)
    page.shows("1").press("?")
    page.shows("2").press("t")
    for picture in ("#picture img", "#around img"):
        assert "turn=3" in page.page.locator(picture).get_attribute("src")
    before = page.page.locator("#picture img").evaluate("i => getComputedStyle(i).filter")
    page.press("c")
    assert page.page.locator("#picture img").evaluate("i => getComputedStyle(i).filter") != before
    page.press("u")
    page.shows("1").press("?")
    page.shows("2").press("s")
    page.shows("12").press("Numpad7")  # as Playwright presses it, the key is Home
    page.shows("5").press("e", "Numpad4", "NumpadDecimal", "Numpad8", "NumpadEnter")
    page.shows("3").press("NumpadSubtract")
    page.shows("2").saved(1).close()
    assert served.texts() == [("1", "review"), ("2", "review"), ("72", "corrected"), ("48", "corrected")]
    marks = [row["marks"] for row in served.work.table("results/numbers.csv")]
    assert marks == ["", "", "", "."]
    assert len(served.work.table("review/queue.csv")) == 1


def test_which_way_up_a_page_is_is_asked_once(browser, work):
    read = work.reader._read

    def in_doubt(number):
        digits = (replace(number.digits[0], status=Status.REVIEW), *number.digits[1:])
        others = number.reasons if number.text == "5" else ()
        return replace(number, digits=digits, status=Status.REVIEW, reasons=("orientation", *others))

    def lying(source):
        result = read(source)
        pages = [replace(page, numbers=tuple(map(in_doubt, page.numbers))) for page in result.pages]
        return replace(result, pages=tuple(pages))

    work.reader._read = lying
    work.put("a.png", drawn("12 5? 34 78 90"))
    work.run()
    served = Served(work)
    page = Page(browser, served)
    page.shows("12").press("w")
    page.shows("5").saved(1).press("u")
    page.shows("12").saved(5).press("w")
    page.shows("5").press("Enter")
    page.saved(0).close()
    assert served.texts() == [(text, "confirmed") for text in ("12", "5", "34", "78", "90")]


@files("1? 2? 3? 4? 5? 6?")
def test_few_are_held_and_who_has_the_rest_is_said(browser, served):
    ann = Page(browser, served)
    ann.shows("1")
    bob = Page(browser, served, who="bob")
    for value in "456":  # ann holds three
        bob.shows(value).press("Enter")
    bob.page.locator("#held button").wait_for()
    assert "ann has 3 open on another page, free again in 2:" in bob.text("#held").replace("3:00", "2:59")
    bob.page.locator("#held button").click()
    bob.shows("1").press("9")
    bob.saved(2)
    ann.press("8")  # settled by bob in the meantime
    ann.page.wait_for_function("() => document.getElementById('notice').textContent.includes('by bob')")
    for page in (ann, bob):
        page.close()
    assert served.texts()[0] == ("9", "corrected")


@pytest.fixture
def tallies(work, request):
    """A form a file: men, women, people, day, paid; the program serves them."""
    flags = reads_tallies(work)
    for i, text in enumerate(request.param):
        work.put(f"{chr(97 + i)}.png", drawn(text))
    work.run(**flags)
    served = Served(work)
    yield served
    if served.process.poll() is None:
        served.kill()


def forms(*texts):
    return pytest.mark.parametrize("tallies", [texts], indirect=True, ids=[""])


def rows(served):
    served.end()
    return served.work.table("results/forms/tally.csv")


class Pages(Page):
    """A person at whole pages."""

    def __init__(self, browser, served, **more):
        super().__init__(browser, served, "/pages", **more)

    def asks(self, label, file=""):
        """Wait until a field is asked for."""
        sync_api.expect(self.page.locator("#label")).to_have_text(label, timeout=PATIENCE)
        sync_api.expect(self.page.locator("#where")).to_contain_text(file)
        return self


@forms("11 4 31 010226 12345", "1 2 3 010226 5?", "1? 2 3? 010226 5")
def test_a_whole_page_by_one_key(browser, tallies):
    page = Pages(browser, tallies)
    page.asks("Men over 15", "a.png")
    rule = "Men over 15: 11 + Women over 15: 4 = 15, People in all says 31"
    assert page.text("#rules") == rule
    assert page.page.locator("#fields li").all_inner_texts() == [
        "Men over 15\n11", "Women over 15\n4", "People in all\n31",
    ]  # fmt: skip
    assert page.page.locator(".box.accepted").count() == 2
    page.press("Enter")
    page.told(rule)  # is that what the paper says?
    page.press("Tab", "Tab")
    page.asks("People in all").press("e", "1", "5", "Enter")
    page.asks("paid", "b.png").press("e", "4", "5", "0")
    sync_api.expect(page.page.locator("#stored")).to_have_text("stored as 4.50")
    page.press("Enter")
    page.told("no decimals were typed").press(".")
    sync_api.expect(page.page.locator("#stored")).to_have_text("stored as 450.00")
    page.press("Enter")
    page.asks("Men over 15", "c.png").press("u")
    page.asks("paid", "b.png").press("e", "4", "5", "0", ",", "5", "Enter")
    page.asks("Men over 15", "c.png").press("Enter")
    page.saved(0).page.goto(tallies.address + "/file/2")
    sync_api.expect(page.page.locator("#beside .read").last).to_have_text("450.50")
    page.close()
    a, b, c = rows(tallies)
    assert (a["people"], a["people_status"], a["men_status"], a["status"]) == (
        "15",
        "corrected",
        "confirmed",
        "corrected",
    )
    assert (b["paid"], b["paid_status"]) == ("450.50", "corrected")
    assert (c["men_status"], c["people_status"], c["status"]) == ("confirmed", "confirmed", "confirmed")


@forms("1 2 3 310226 12345", "1 200 201 010226 12345?", "5? 5 5? 010226 12345")
def test_what_breaks_the_check_of_its_field_is_asked_again(browser, tallies):
    page = Pages(browser, tallies)
    page.asks("Day of the visit", "a.png").press("Enter")
    page.told("Day of the visit 310226: there is no such day").press(
        "e", "9", "9", "3", "3", "9", "9", "Enter"
    )
    page.told("Day of the visit 993399: there is no such day").press("Enter")
    page.asks("Women over 15", "b.png").press("?")  # the next field is asked for
    page.asks("paid").press("Enter")
    page.asks("Men over 15", "c.png").press("ArrowDown", "Backspace", "s")
    page.page.goto(tallies.address + "/review")
    page.shows("5").press("Enter", "Enter", "Enter")  # the rule is held against the last one of its fields
    page.told("Men over 15: 5 + Women over 15: 5 = 10, People in all says 5").press("Enter")
    page.saved(0).close()
    a, b, c = rows(tallies)
    assert (a["day"], a["day_status"]) == ("993399", "corrected")
    assert (b["women"], b["women_status"], b["paid_status"]) == ("200", "review", "confirmed")
    assert c["reasons"] == "rule-broken:sum"


@files("1? 2? 3?", "4?")
def test_overview_and_files_lead_to_what_waits_and_a_failed_file_goes_back(browser, served):
    served.work.put("bad.png", "BAD")
    served.work.run()
    page = Page(browser, served, "/")
    page.page.locator("select[name=file]").select_option(label="b.png (1)")
    page.page.get_by_role("button", name="One at a time").click()
    page.shows("4")
    page.page.get_by_role("link", name="Overview").click()
    page.page.locator("select[name=order]").select_option("unsure")
    page.page.get_by_role("button", name="Whole pages").click()
    sync_api.expect(page.page.locator("#fields li")).to_have_count(3)
    page.page.get_by_role("link", name="Files").click()
    with page.page.expect_download() as saved:
        page.page.get_by_role("link", name="numbers.csv", exact=True).click()
    assert len(saved.value.path().read_text().splitlines()) == 5
    page.page.locator("select[name=status]").select_option("failed")
    page.page.get_by_role("button", name="Show").click()
    sync_api.expect(page.page.locator(".list tbody tr")).to_have_count(1)
    page.page.get_by_role("button", name="Read it again").click()
    sync_api.expect(page.page.locator(".list tbody")).not_to_contain_text("Read it again")
    page.close()
    assert served.work.names("inbox") == ["bad.png"]


HIDING = """() => {
  const boxes = [...document.querySelectorAll('#boxes .box')];
  const all = boxes.map((box) => box.getBoundingClientRect());
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  const tags = boxes.map((box) => box.firstChild.getBoundingClientRect());
  return tags.filter((tag, i) => all.some((other, k) => k !== i && meet(tag, other))).length;
}"""


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["screen", "phone"])
def test_what_was_read_hides_no_number_and_a_page_is_shown_as_it_was_read(browser, work, size):
    read = work.reader._read

    def below_each_other(source):
        result = read(source)
        pages = [
            replace(page, numbers=tuple(map(at, range(3), page.numbers)), turn=2) for page in result.pages
        ]
        return replace(result, pages=tuple(pages))

    def at(row, number):
        down = Box(200, 40 - 18 * row, 30, 12)  # as stored; the page was read upside down
        return replace(number, box=down, digits=tuple(replace(d, box=down) for d in number.digits))

    work.reader._read = below_each_other
    work.put("a.png", drawn("12? 34? 56?"))
    work.run()
    served = Served(work)
    page = Pages(browser, served, size=size)
    page.page.locator("#fields li").nth(2).wait_for()
    assert page.page.evaluate(HIDING) == 0
    tops = [box.bounding_box()["y"] for box in page.page.locator("#boxes .box").all()]
    assert tops == sorted(tops)
    page.press("t", "t")
    page.page.wait_for_function("() => document.querySelector('#scan img').src.includes('turn=2')")
    assert page.page.evaluate(HIDING) == 0
    page.close()
    served.end()


@pytest.mark.soak
def test_files_that_are_dropped_are_read_and_shown(browser, work):
    served = Served.__new__(Served)
    served.work = work
    served.start(command="serve")
    page = Page(browser, served, "/upload")
    field = Path(__file__).parents[2] / "examples" / "field.png"
    page.page.locator("#choose").set_input_files(field)
    dropped = page.page.evaluate_handle(
        "() => { const all = new DataTransfer(); all.items.add(new File(['no picture'], 'b.png')); return all; }"
    )
    page.page.locator("#drop").dispatch_event("drop", {"dataTransfer": dropped})
    rows = page.page.locator("#uploads tbody tr")
    sync_api.expect(rows.nth(0)).to_contain_text("done", timeout=20 * PATIENCE)
    sync_api.expect(rows.nth(1)).to_contain_text("not a picture", timeout=20 * PATIENCE)
    assert page.text("#total") == "2 files: 1 read, 1 failed"
    page.page.get_by_role("link", name="field.png").click()
    sync_api.expect(page.page.locator("#beside .read").first).to_have_text(re.compile("[0-9]+"))
    page.page.locator("#beside img").wait_for()
    page.close()
    served.end()


CONTRAST = """() => {
  const light = (c) => c.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const ground = (element) => {
    const over = [];
    for (let e = element; e; e = e.parentElement) over.push(parse(getComputedStyle(e).backgroundColor));
    return over.reverse().reduce((low, top) => low.map((v, i) => v * (1 - top[3]) + top[i] * top[3]), [255, 255, 255]);
  };
  const poor = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!(own || element.matches('input')) || !element.checkVisibility()) continue;
    if (element.matches('.unseen, noscript, .jump')) continue;
    const style = getComputedStyle(element);
    const inSvg = element.closest('svg');
    const front = light(parse(inSvg ? style.fill : style.color));
    const back = light(ground(inSvg ? inSvg.parentElement : element));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < 4.5) poor.push(element.tagName + '.' + element.className + ' ' + ratio.toFixed(2));
  }
  return poor;
}"""

FOCUS = """() => {
  const style = getComputedStyle(document.activeElement);
  return [document.activeElement.tagName, style.outlineStyle, parseFloat(style.outlineWidth)];
}"""


@pytest.mark.soak
@files("12? 5 7?")
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["screen", "phone"])
def test_it_can_be_seen(browser, served, size):
    served.work.put("bad.png", "BAD")
    served.work.run()
    views = (
        ("/", ".cards"),
        ("/files", ".list"),
        ("/file/1", "#beside img"),
        ("/review", "#cells b"),
        ("/pages", "#cells b"),
        ("/wall?digit=1", ".tile"),
    )
    for path, there in views:
        page = Page(browser, served, path, size)
        page.page.locator(there).first.wait_for()
        if path in ("/review", "/pages"):
            page.press("u", "h")
            page.page.locator("#notice").wait_for()
            page.press("x")
        assert page.page.evaluate(CONTRAST) == []
        assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.page.evaluate("document.documentElement.lang") == "en"
        for _ in range(12):
            page.press("Tab")
            tag, style, width = page.page.evaluate(FOCUS)
            assert tag == "BODY" or (style == "solid" and width >= 3)
        if size[0] < 400:
            small = page.page.evaluate(
                "[...document.querySelectorAll('#keys button, .tile')].filter((b) =>"
                " Math.min(b.offsetWidth, b.offsetHeight) < 44).length"
            )
            assert small == 0
        page.close()


@files("1? 2?")
def test_by_touch_alone(browser, served):
    page = Page(browser, served, size=(390, 844))
    page.shows("1").page.locator('#keys [data-key="7"]').click()
    page.shows("2").page.locator('#keys [data-key="Enter"]').click()
    page.saved(0).close()
    assert [text for text, _ in served.texts()] == ["7", "2"]


HOSTILE = "<img src=x onerror=alert(1)>.png"


@pytest.mark.parametrize("served", [[(HOSTILE, "1?")]], indirect=True, ids=[""])
def test_hostile_names_are_text(browser, served):
    page = Page(browser, served)
    assert HOSTILE in page.shows("1").text("#where")
    page.page.goto(served.address + "/wall?digit=1")
    page.page.locator(".tile").wait_for()
    page.close()


@files("1?")
def test_another_sites_page_can_neither_post_nor_look(browser, served, tmp_path):
    evil = tmp_path / "evil.html"
    evil.write_text("<title>evil</title>")
    context = browser.new_context()
    page = context.new_page()
    page.goto(evil.as_uri())
    tries = page.evaluate(
        """async (home) => {
          const body = JSON.stringify({session: '0'.repeat(32), who: 'eve', count: 9});
          const results = [];
          for (const kind of ['text/plain', 'application/json']) {
            const options = {method: 'POST', body, headers: {'content-type': kind}};
            results.push(await fetch(home + '/api/next', options).then(() => 'read', () => 'refused'));
            await fetch(home + '/api/next', {...options, mode: 'no-cors'}).catch(() => {});
          }
          const image = new Image();
          image.src = home + '/picture/1-1-1/around.jpg';
          results.push(await new Promise((done) => {
            image.onload = () => done('read');
            image.onerror = () => done('refused');
          }));
          return results;
        }""",
        served.address,
    )
    assert tries == ["refused"] * 3
    context.close()
    mine = Page(browser, served)
    mine.shows("1").close()  # nobody holds it


def test_it_asks_for_its_token(work):
    work.put("a.png", drawn("1?"))
    work.run()
    served = Served.__new__(Served)
    served.work = work
    served.start("--host", "0.0.0.0")
    try:
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"http://127.0.0.1:{served.address.rpartition(':')[2]}/")
        served.end()
        elsewhere = served.link
        served.start()
        here = served.link
        assert here.rpartition("=")[2] != elsewhere.rpartition("=")[2]
        with pytest.raises(
            urllib.error.HTTPError, match="403"
        ):  # other people of this machine come here, too
            urllib.request.urlopen(served.address)
        kept = work.folder / ".digitocr" / "review.token"
        assert here.endswith(kept.read_text())  # pages that are still open find the program again
        assert (len(kept.read_text()) >= 32, kept.stat().st_mode & 0o777) == (True, 0o600)
        served.end()
    finally:
        if served.process.poll() is None:
            served.kill()
