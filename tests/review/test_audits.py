import pytest
from reviewers import Look, Person, review_of, tables

from digitocr.review.figures import overview
from digitocr.review.rules import Rules


class TestAudit:
    @pytest.fixture
    def review(self, work):
        work.put("a.jpg", "11 22 33?")
        work.run()
        with review_of(work, Rules(audit_share=1)) as review:
            review.audits.draw()
            review.audits.draw()
            yield review

    def test_accepted_numbers_are_drawn_once_and_shown_blind(self, review, ann):
        audits = ann.take(9, look=Look.AUDIT)
        assert [task.place.number for task in audits] == [1, 2]
        assert all(not task.shown()["digits"] for task in audits)

    def test_the_estimate_and_its_interval(self, work, review, ann):
        one, two = ann.take(9, look=Look.AUDIT)
        ann.say(one, "11")
        error = overview(review.statistics).error
        assert (error.looked, error.wrong, error.open, error.accepted) == (1, 0, 1, 2)
        ann.say(two, "27")
        assert overview(review.statistics).error.looked == 1  # two say different things: not settled
        assert tables(work, review)["a.jpg", 2] == ("22", "accepted")
        (third,) = ann.take(9, look=Look.THIRD)
        assert third.texts == ("22", "27")
        ann.say(third, "27")
        error = overview(review.statistics).error
        assert (error.looked, error.wrong) == (2, 1)
        assert error.low < 0.5 < error.high
        assert tables(work, review)["a.jpg", 2] == ("27", "corrected")

    def test_a_slip_of_the_auditor_is_no_error(self, work, review, ann):
        one, _ = ann.take(9, look=Look.AUDIT)
        ann.say(one, "71")
        (third,) = ann.take(9, look=Look.THIRD)
        ann.say(third, "11")
        assert overview(review.statistics).error.wrong == 0
        assert tables(work, review)["a.jpg", 1] == ("11", "accepted")

    def test_undone_it_is_open_again(self, review, ann):
        one, _ = ann.take(9, look=Look.AUDIT)
        ann.say(one, "11")
        ann.undo()
        assert (overview(review.statistics).error.looked, overview(review.statistics).error.open) == (0, 2)

    def test_audits_come_among_the_rest(self, review, ann):
        assert {task.look for task in ann.take(9)} == {Look.FIRST, Look.AUDIT}


def test_a_file_whose_reading_housekeeping_dropped_stands_in_nobodys_way(work):
    work.put("a.jpg", "11 22")
    work.run()
    with review_of(work, Rules(audit_share=1)) as review:
        assert review.ledger.settle(review.shelf.job, "2999-01-01T00:00:00Z") == 1
        review.audits.draw()
        assert Person(review).take(9) == []
