from dataclasses import replace

from fake_reader import SHAPE, numbers

from digitocr.records import Box, FileResult, FileStatus, Nothing, PageResult, Status
from digitocr.results import tables
from digitocr.results.items import items, queue_row, review_id

SHA = "ab" * 32


def read(text, **changes):
    page = PageResult(1, SHAPE, numbers(text))
    status = FileStatus.DONE if page.numbers else FileStatus.EMPTY
    return replace(FileResult("scan.jpg", SHA, (page,), status), **changes)


def cells(item):
    return dict(zip(tables.QUEUE, queue_row(item.queued), strict=False))


class TestItems:
    def test_an_unsure_digit_waits_with_its_number(self):
        (item,) = items(read("5 12?"), read("5 12?"), "scan.jpg")
        queued = item.queued
        assert (queued.number, queued.position, queued.digit, queued.number_text) == (2, 1, 1, "12")
        assert (queued.file, queued.page, queued.confidence, queued.waits) == ("scan.jpg", 1, 0.5, True)
        assert item.mark == Box(40, 20, 9, 20)

    def test_a_digit_that_was_corrected_waits_no_more(self):
        machine = read("12?")
        (number,) = machine.numbers
        digits = tuple(replace(digit, status=Status.CORRECTED) for digit in number.digits)
        page = replace(machine.pages[0], numbers=(replace(number, digits=digits),))
        (item,) = items(machine, replace(machine, pages=(page,)), "scan.jpg")
        assert not item.queued.waits

    def test_a_number_that_could_not_be_read_waits_as_a_whole(self):
        result = read("1?")
        (number,) = result.numbers
        blank = replace(number, digits=(), written="")
        result = replace(result, pages=(replace(result.pages[0], numbers=(blank,)),))
        (item,) = items(result, result, "scan.jpg")
        assert (item.queued.number, item.queued.position, item.queued.digit) == (1, 0, None)
        assert (item.queued.confidence, item.mark) == (0.4, None)

    def test_a_file_with_nothing_on_it_waits_as_number_0_with_its_page(self):
        (item,) = items(read(""), read(""), "scan.jpg")
        assert (item.queued.number, item.box) == (0, Box(0, 0, SHAPE[1], SHAPE[0]))
        assert item.queued.reasons == "nothing-found"

    def test_a_page_with_ink_and_no_numbers_waits_within_a_file_that_has_others_and_a_blank_one_does_not(
        self,
    ):
        result = read("5")
        lost = PageResult(2, SHAPE, nothing=Nothing.NOT_FOUND)
        blank, failed = PageResult(3, SHAPE, nothing=Nothing.BLANK), PageResult(4, SHAPE, error="damaged")
        result = replace(result, pages=(*result.pages, lost, blank, failed))
        (item,) = items(result, result, "scan.jpg")
        assert (item.queued.page, item.queued.number, item.queued.reasons) == (2, 0, "nothing-found")
        said = replace(lost, numbers=numbers("7"))
        settled = replace(result, pages=(result.pages[0], said, blank, failed))
        assert [one.queued.waits for one in items(result, settled, "scan.jpg")] == [False]

    def test_a_file_of_blank_pages_alone_waits_by_its_first(self):
        pages = tuple(PageResult(k, SHAPE, nothing=Nothing.BLANK) for k in (1, 2))
        result = read("", pages=pages)
        assert [one.queued.page for one in items(result, result, "scan.jpg")] == [1]


class TestQueueRow:
    def test_an_unsure_digit(self):
        (item,) = items(read("5 12?"), read("5 12?"), "scan.jpg")
        assert queue_row(item.queued) == (
            *(item.queued.review_id, "scan.jpg", "1", "", "2", "1", "1", "0.5000", "7", "0.3000", "12"),
            *("low-confidence", f"crops/{item.queued.review_id}.png"),
        )

    def test_readers_that_disagree_keep_the_other_text_in_their_reason(self):
        (item,) = items(read("4017?4071"), read("4017?4071"), "scan.jpg")
        assert cells(item)["reasons"] == "readers-disagree:4071"

    def test_what_is_no_single_digit_has_empty_cells(self):
        (item,) = items(read(""), read(""), "scan.jpg")
        row = cells(item)
        assert row["number"] == "0"
        assert [row[name] for name in ("position", "digit", "confidence", "runner_up")] == [""] * 4


def test_ids_are_the_same_from_run_to_run_and_differ_by_content_page_and_box():
    box = Box(1, 2, 3, 4)
    one = review_id(SHA, 1, box)
    assert one == review_id(SHA, 1, box)
    others = [review_id("cd" * 32, 1, box), review_id(SHA, 2, box), review_id(SHA, 1, Box(1, 2, 3, 5))]
    assert len({one, *others}) == 4
    assert not one.isdigit()  # a spreadsheet would round it
