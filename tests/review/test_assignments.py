import threading

import pytest
from reviewers import Person, review_of, select, tables

from digitocr.review.assignments import LEASE_SECONDS
from digitocr.review.rules import Order


class TestTwoPeople:
    def test_they_never_get_the_same_number(self, ann, bob):
        mine, yours = ann.take(2), bob.take(9)
        assert len({task.place for task in mine + yours}) == len(mine) + len(yours) == 3

    def test_many_at_once_never_get_the_same_number(self, work):
        for i in range(12):
            work.put(f"{i}.jpg", f"{i}? 5{i}? 6{i}?")
        work.run()
        taken, guard = [], threading.Lock()
        with review_of(work) as review:

            def sit(name):
                one = Person(review, name)
                while tasks := one.take(2):
                    with guard:
                        taken.extend(task.place for task in tasks)
                    for task in tasks:
                        assert one.accept(task) == ""

            threads = [threading.Thread(target=sit, args=(f"p{i}",)) for i in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(taken) == len(set(taken)) == 36
            assert all(status != "review" for _, status in tables(work, review).values())

    def test_processes_share_the_leases(self, work, review, ann):
        with review_of(work) as other:
            mine, yours = ann.take(2), Person(other, "bob").take(9)
        assert not {task.place for task in mine} & {task.place for task in yours}

    def test_what_is_left_behind_is_given_on_after_a_while(self, clock, review, ann, bob):
        (task,) = ann.take()
        clock.time += LEASE_SECONDS - 1
        assert task.place not in {t.place for t in bob.take(9)}
        clock.time += 2
        assert task.place in {t.place for t in bob.take(9)}

    def test_a_page_that_shows_signs_of_life_keeps_what_it_has(self, clock, review, ann, bob):
        (task,) = ann.take()
        for _ in range(3):
            clock.time += LEASE_SECONDS - 1
            ann.take(0, have=[task.place])
        assert task.place not in {t.place for t in bob.take(9)}

    def test_the_slower_one_is_told_and_overwrites_nothing(self, clock, work, review, ann, bob):
        (task,) = ann.take()
        clock.time += LEASE_SECONDS + 1
        (same, *_) = bob.take(9)
        assert same.place == task.place
        assert bob.say(same, _1="7") == ""
        assert "bob" in ann.say(task, _1="9")
        assert tables(work, review)["a.jpg", 2] == ("723", "corrected")

    def test_what_is_given_back_is_free_at_once(self, review, ann, bob):
        first, second = ann.take(2)
        review.assignments.give_back(ann.session, [second.place])
        got = {t.place for t in bob.take(9)}
        assert first.place in got
        assert second.place not in got

    def test_a_skipped_number_comes_last_and_others_may_have_it(self, review, ann, bob):
        first, *_ = ann.take(1)
        review.assignments.skip(ann.session, first.place)
        rest = ann.take(9)
        assert first.place not in {t.place for t in rest}
        for task in rest:
            ann.accept(task)
        assert [t.place for t in ann.take(9)] == [first.place]
        review.assignments.skip(ann.session, first.place)
        assert [t.place for t in bob.take(9)] == [first.place]


class TestOrder:
    @pytest.fixture
    def review(self, work):
        work.put("a.jpg", "1? 2?")
        work.put("b.jpg", "3?")
        work.run()
        with review_of(work) as review:
            ids = [name for (name,) in select(work, "SELECT review_id FROM item ORDER BY file, rank")]
            for name, field, confidence in zip(ids, "bba", (0.5, 0.3, 0.4), strict=True):
                sql = "UPDATE item SET field = ?, confidence = ? WHERE review_id = ?"
                select(work, sql, field, confidence, name)
            yield review

    @pytest.mark.parametrize(
        ("order", "texts"),
        [(Order.FILE, "123"), (Order.FIELD, "312"), (Order.UNSURE, "231")],
    )
    def test_by_file_by_field_least_sure_first(self, ann, order, texts):
        assert "".join(task.number.text for task in ann.take(9, order=order)) == texts

    def test_one_field_only(self, ann):
        assert [task.number.text for task in ann.take(9, field="b")] == ["1", "2"]

    def test_nothing_comes_twice(self, ann):
        first = ann.take(2)
        rest = ann.take(9, have=[task.place for task in first])
        assert len({task.place for task in first + rest}) == len(first + rest) == 3


class TestSameDigit:
    def test_the_odd_ones_wait_and_the_rest_is_settled(self, work):
        work.put("a.jpg", "7? 71? 72? 1?")
        work.run()
        with review_of(work) as review:
            ann = Person(review)
            tasks = review.assignments.of_digit(ann.session, "ann", 7, 60)
            assert [task.number.text for task in tasks] == ["7", "71", "72"]
            ann.say(tasks[0], _1="7")
            ann.say(tasks[1], _1="1")
            got = tables(work, review)
            assert [got["a.jpg", i] for i in (1, 2, 3)] == [
                ("7", "confirmed"), ("11", "corrected"), ("72", "review"),
            ]  # fmt: skip

    @pytest.mark.parametrize("reasons", ["low-confidence;neighbour", "readers-disagree:70"])
    def test_only_where_nothing_else_is_odd_of_the_number(self, work, reasons):
        work.put("a.jpg", "7? 7?")
        work.run()
        with review_of(work) as review:
            select(work, "UPDATE item SET reasons = ? WHERE rank = 0", reasons)
            assert [task.place.number for task in review.assignments.of_digit("0" * 32, "ann", 7, 60)] == [2]

    def test_what_is_on_a_wall_is_in_no_ones_hands(self, work):
        work.put("a.jpg", "7? 8?")
        work.run()
        with review_of(work) as review:
            ann, bob = Person(review), Person(review, "bob")
            review.assignments.of_digit(ann.session, "ann", 7, 60)
            assert [task.number.text for task in bob.take(9)] == ["8"]
