import pytest
from reviewers import Look, Person, review_of, select

from digitocr.errors import UsageError
from digitocr.store.review import OpenLook, Place

NUMBER = Place(1, 1, 2)
"""``123?`` of a.jpg, of which the first digit waits."""


class TestState:
    def test_a_number_with_its_file_and_its_corrections(self, review, ann):
        before = review.tasks.state(NUMBER)
        assert (before.known.file, before.number.text, before.last_word) == ("a.jpg", "123", 0)
        ann.say(review.tasks.task(NUMBER, Look.FIRST), _1="7")
        after = review.tasks.state(NUMBER)
        assert (after.number.text, after.last_word, after.number.waits) == ("723", 1, False)

    @pytest.mark.parametrize("place", [Place(99, 1, 1), Place(1, 9, 1), Place(1, 1, 9)])
    def test_there_is_none_of_what_was_not_read(self, review, place):
        assert review.tasks.state(place) is None
        assert review.tasks.task(place, Look.FIRST) is None
        with pytest.raises(UsageError, match=str(place)):
            review.tasks.shown(place)

    @pytest.mark.parametrize(
        "change", ["reading = NULL", "status = 'failed'", "status = ''", "job = (SELECT max(id) FROM job)"]
    )
    def test_there_is_none_once_the_reading_is_gone_or_another_jobs(self, work, review, change):
        select(work, "INSERT INTO job (results) VALUES ('other')")
        select(work, f"UPDATE file SET {change} WHERE id = 1")
        assert review.tasks.state(NUMBER) is None

    def test_a_new_reading_is_seen_at_once(self, work, review):
        assert review.tasks.state(NUMBER) is not None
        (work.folder / "archive" / "a.jpg").write_text("5 123?")
        select(
            work, "UPDATE file SET reading = (SELECT reading FROM file WHERE id = 2), processed_at = 'later'"
        )
        assert review.tasks.state(NUMBER).number.text == "77"


class TestShown:
    def test_a_first_look_shows_what_was_read_and_what_waits(self, review):
        shown = review.tasks.task(NUMBER, Look.FIRST).shown()
        assert [(d["value"], d["waits"]) for d in shown["digits"]] == [
            ("1", True),
            ("2", False),
            ("3", False),
        ]
        assert (shown["place"], shown["reasons"], shown["confidence"]) == ("1-1-2", ["low-confidence"], 0.4)

    @pytest.mark.parametrize(
        ("read", "other"),
        [("123?124", "124"), ("123?12", "12"), ("123?", ""), ("123?123", ""), (f"123?{'1' * 41}", "")],
    )
    def test_the_other_readers_text_is_offered_where_it_differs_and_can_be_an_answer(self, work, read, other):
        work.put("a.jpg", read)
        work.run()
        with review_of(work) as review:
            assert review.tasks.task(Place(1, 1, 1), Look.FIRST).shown()["other"] == other

    @pytest.mark.parametrize("look", [Look.SECOND, Look.AUDIT, Look.THIRD])
    def test_further_looks_offer_no_other_text(self, work, look):
        work.put("a.jpg", "123?124")
        work.run()
        with review_of(work) as review:
            place = Place(1, 1, 1)
            shown = review.tasks.task(place, look, OpenLook(5, place, ("123", "723"), "")).shown()
            assert (shown["other"], shown["reasons"]) == ("", [])

    @pytest.mark.parametrize("look", [Look.SECOND, Look.AUDIT, Look.THIRD])
    def test_further_looks_show_nothing_that_was_read(self, review, look):
        further = OpenLook(5, NUMBER, ("123", "723"), "")
        task = review.tasks.task(NUMBER, look, further)
        shown = task.shown()
        assert (shown["digits"], shown["reasons"], shown["confidence"], task.waiting) == ([], [], None, ())
        assert (task.further, shown["texts"]) == (5, ["123", "723"])

    def test_a_digit_that_was_answered_waits_no_more(self, work, review):
        ann = Person(review)
        task = review.tasks.task(NUMBER, Look.FIRST)
        ann.accept(task)
        assert review.tasks.task(NUMBER, Look.FIRST).waiting == ()
