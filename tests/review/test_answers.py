import pytest
from reviewers import Person, review_of, tables
from tally import reads_tallies

from digitocr.errors import UsageError
from digitocr.review import pages
from digitocr.review.answers import preview
from digitocr.review.assignments import Selection
from digitocr.store.review import Place

ANY = Selection()
MEN, WOMEN, PEOPLE, DAY, PAID = (Place(1, 1, i) for i in range(1, 6))


@pytest.fixture
def review(work):
    flags = reads_tallies(work)
    work.put("a.jpg", "11 4 31 310226 12345?")
    work.put("b.jpg", "1 4 5 010226 12345?")
    work.run(**flags)
    with review_of(work) as review:
        yield review


@pytest.fixture
def ann(review):
    return Person(review)


class TestPreview:
    @pytest.mark.parametrize(
        ("place", "said", "stored", "doubt"),
        [
            (MEN, "011", "011", ""),
            (MEN, "1234", "1234", "1 to 3 digits"),
            (MEN, "-", "", "may not be blank"),
            (MEN, "?", "", ""),
            (MEN, "1.", "", "no number"),
            (WOMEN, "100", "100", "this field is 0 to 99"),
            (DAY, "993399", "993399", "no such day (DDMMYY)"),
            (DAY, "280226", "2026-02-28", ""),
            (PAID, "12345", "123.45", ""),
            (PAID, "450", "4.50", "for 450.00 type 450."),
            (PAID, "450.", "450.00", ""),
            (PAID, "450,5", "450.50", ""),
            (PAID, "450.505", "4505.05", ""),
        ],
    )
    def test_how_it_is_stored_and_what_speaks_against_it(self, review, place, said, stored, doubt):
        previews, _ = preview(review.tasks, {place: said})
        assert previews[place].stored == stored
        assert bool(previews[place].doubt) == bool(doubt)
        assert doubt in previews[place].doubt

    def test_a_broken_rule_shows_its_sum_once_all_its_fields_are_answered(self, review):
        _, rules = preview(review.tasks, {MEN: "11", WOMEN: "4"})
        assert rules == ()  # the third field waits
        _, rules = preview(review.tasks, {MEN: "11", WOMEN: "4", PEOPLE: "31"})
        assert rules == ("Men over 15: 11 + Women over 15: 4 = 15, People in all says 31",)
        _, rules = preview(review.tasks, {MEN: "11", WOMEN: "4", PEOPLE: "15"})
        assert rules == ()

    def test_of_one_page_only(self, review):
        with pytest.raises(UsageError):
            preview(review.tasks, {MEN: "1", Place(2, 1, 5): "1"})

    def test_on_a_plain_page_nothing_speaks_against_it(self, work):
        work.put("p.jpg", "1?")
        work.run()
        with review_of(work) as review:
            previews, rules = preview(review.tasks, {Place(1, 1, 1): "77777"})
            assert (previews[Place(1, 1, 1)].stored, rules) == ("77777", ())


class TestDeciding:
    def test_an_amount_is_stored_as_it_was_shown(self, work, review, ann):
        task = next(t for t in ann.take(9) if t.place == PAID)
        assert ann.say(task, "450.5") == ""
        tables(work, review)
        row = next(r for r in work.table("results/forms/tally.csv") if r["file"] == "a.jpg")
        assert (row["paid"], row["paid_status"]) == ("450.50", "corrected")

    def test_what_waited_for_the_rule_alone_is_not_asked_any_more(self, review, ann):
        tasks = {task.place: task for task in ann.take(9)}
        assert ann.say(tasks[PEOPLE], "15") == ""
        assert set(review.assignments.settled([MEN, WOMEN, DAY, PAID])) == {MEN, WOMEN}
        (again,), _ = ann.undo()
        assert again.place == PEOPLE
        assert review.assignments.settled([MEN, WOMEN]) == []


class TestPage:
    def test_all_that_waits_on_it_comes_at_once_and_to_one_person(self, review, ann):
        tasks = review.assignments.page(ann.session, "ann", ANY)
        assert {task.place for task in tasks} == {MEN, WOMEN, PEOPLE, DAY, PAID}
        (other,) = review.assignments.page("f" * 32, "bob", ANY)
        assert other.file == "b.jpg"
        assert review.assignments.page("e" * 32, "eve", ANY) == []
        holders = review.assignments.others("e" * 32)
        assert [(h.who, h.count, h.seconds) for h in holders] == [("ann", 5, 180), ("bob", 1, 180)]
        review.assignments.take_over("e" * 32)
        assert len(review.assignments.page("e" * 32, "eve", ANY)) == 5

    def test_what_is_shown_of_it(self, review, ann):
        shown = pages.shown(review.assignments.page(ann.session, "ann", ANY))
        assert shown["rules"] == ["Men over 15: 11 + Women over 15: 4 = 15, People in all says 31"]
        assert (shown["file"], shown["size"]) == ("a.jpg", [400, 60])
        first = next(task for task in shown["tasks"] if task["field"] == "men")
        assert (first["label"], first["box"]) == ("Men over 15", [0.025, 0.33333, 0.05, 0.33333])
        shown = pages.shown(review.assignments.page(ann.session, "ann", ANY, [MEN]))
        assert [(o["label"], o["text"]) for o in shown["others"]] == [
            ("Men over 15", "1"), ("Women over 15", "4"), ("People in all", "5"), ("Day of the visit", "2026-02-01"),
        ]  # fmt: skip


def test_what_mends_a_rule_comes_first(work):
    flags = reads_tallies(work)
    work.put("a.jpg", "1 4 8 010226")  # 7 is the runner-up of all digits: women 7 mend it
    work.put("b.jpg", "1 4 71 010226")  # nothing does
    work.put("c.jpg", "3 4 1 010226")  # people 7 do
    work.run(**flags)
    with review_of(work) as review:
        fields = [t.number.machine.field for t in Person(review).take(9)]
        assert fields == [
            *("women", "men", "people"), *("men", "women", "people"), *("people", "men", "women"),
        ]  # fmt: skip
