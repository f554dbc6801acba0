from datetime import UTC, datetime, timedelta

from reviewers import Person, review_of, select

from digitocr.review.figures import overview
from digitocr.review.rules import Rules


def bars(found):
    return {bar.label: bar.count for bar in found}


def test_what_was_read_and_what_waits(work):
    work.put("a.jpg", "5 123?")
    work.put("b.jpg", "4? 77? 8")
    work.put("c.jpg", "nothing")
    work.put("bad.jpg", "BAD")
    work.run()
    with review_of(work) as review:
        o = overview(review.statistics)
    assert bars(o.files) == {"done": 2, "empty": 1, "failed": 1}
    assert (o.numbers, o.waiting, o.illegible) == (5, 4, 0)
    assert bars(o.reasons) == {"low-confidence": 3, "nothing-found": 1}
    assert bars(o.unsure_digits) == {"1": 1, "4": 1, "7": 1}
    assert o.failed == (("bad.jpg", "cannot be decoded"),)
    assert (o.decided, o.people, o.seconds_each, o.fields) == (0, (), None, ())
    assert o.waiting_files == ((1, "a.jpg", 1), (2, "b.jpg", 2), (4, "c.jpg", 1))
    assert o.share == 0.8
    assert (o.error.accepted, o.error.looked) == (2, 0)


def test_each_reason_counts_for_itself_and_bars_have_lengths(work):
    work.put("a.jpg", "1? 2? 3?")
    work.run()
    select(work, "UPDATE item SET reasons = 'low-confidence;neighbour' WHERE rank = 0")
    with review_of(work) as review:
        reasons = overview(review.statistics).reasons
    assert [(bar.label, bar.count, bar.length) for bar in reasons] == [
        ("low-confidence", 3, 1.0), ("neighbour", 1, 1 / 3),
    ]  # fmt: skip


def test_readers_that_disagree_are_one_reason_whatever_their_texts_but_each_rule_is_its_own(work):
    work.put("a.jpg", "12?13 45?46 7?")
    work.run()
    select(work, "UPDATE item SET reasons = 'rule-broken:' || rank || ';readers-disagree:9' WHERE rank < 2")
    with review_of(work) as review:
        assert bars(overview(review.statistics).reasons) == {
            "readers-disagree": 2, "rule-broken:0": 1, "rule-broken:1": 1, "low-confidence": 1,
        }  # fmt: skip


def test_decisions_by_day_and_person(work):
    work.put("a.jpg", "1? 2? 3?")
    work.run()
    with review_of(work) as review:
        for name in ("ann", "ann", "bob"):
            one = Person(review, name)
            one.accept(one.take()[0])
        one.undo()
        today = datetime.now(UTC)
        o = overview(review.statistics, today)
        assert (o.decided, bars(o.people)) == (3, {"ann": 2, "bob": 1})
        assert [bar.count for bar in o.decisions] == [0] * 13 + [3]
        assert sum(bar.count for bar in overview(review.statistics, today + timedelta(days=1)).decisions) == 3
        assert (
            sum(bar.count for bar in overview(review.statistics, today + timedelta(days=14)).decisions) == 0
        )


def test_the_pace_leaves_pauses_out(work):
    work.put("a.jpg", " ".join(f"{i}?" for i in range(1, 9)))
    work.run()
    with review_of(work, Rules(audit_share=0)) as review:
        ann = Person(review)
        for task in ann.take(8):
            ann.accept(task)
        select(work, "DROP TRIGGER decision_unchanged")
        for identity, second in enumerate((0, 2, 4, 6, 600, 602, 605, 607), 1):
            at = f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z"
            select(work, "UPDATE decision SET at = ? WHERE id = ?", at, identity)
        assert overview(review.statistics).seconds_each == 2.0
