import sqlite3
import threading
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reviewers import Clock, Look, Person, review_of, tables

from digitocr.errors import UsageError
from digitocr.results import overlay, publish
from digitocr.review.assignments import LEASE_SECONDS
from digitocr.review.figures import overview
from digitocr.review.rules import Order, Rules
from digitocr.store.review import Place
from flows.apply_review import apply_review


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def review(work, clock):
    work.put("a.jpg", "5 123?")
    work.put("b.jpg", "4? 77? 8")
    work.run()
    with review_of(work, clock=clock) as review:
        yield review


@pytest.fixture
def ann(review):
    return Person(review, "ann")


@pytest.fixture
def bob(review):
    return Person(review, "bob")


def select(work, sql, *values):
    with closing(sqlite3.connect(work.folder / ".digitocr" / "ledger.sqlite")) as db, db:
        return db.execute(sql, values).fetchall()


def queue(work):
    return [(row["file"], row["number"]) for row in work.table("review/queue.csv")]


class TestDeciding:
    def test_accepting_settles_a_number_in_all_tables(self, work, review, ann):
        (task,) = ann.take()
        assert ann.accept(task) == ""
        assert tables(work, review)["a.jpg", 2] == ("123", "corrected")
        assert queue(work) == [("b.jpg", "1"), ("b.jpg", "2")]
        (row,) = work.table("review/audit.csv")
        assert (row["who"], row["kind"], row["old"], row["new"]) == ("ann", "digit", "1", "1")

    @pytest.mark.parametrize(
        ("said", "text"),
        [({"_1": "7"}, "723"), ({"_1": "-"}, "23"), ({"text": "456"}, "456"), ({"text": "1234"}, "1234")],
    )
    def test_what_is_said_is_in_the_tables(self, work, review, ann, said, text):
        (task,) = ann.take()
        assert ann.say(task, **said) == ""
        assert tables(work, review)["a.jpg", 2] == (text, "corrected")

    def test_what_is_no_number_goes(self, work, review, ann):
        (task,) = ann.take()
        ann.say(task, "-")
        assert ("a.jpg", 2) not in tables(work, review)

    @pytest.mark.parametrize(
        "said",
        [
            {},
            {"text": "seven"},
            {"text": "1" * 41},
            {"_1": ""},
            {"_2": "5"},
            {"_1": "1", "text": "123"},
            {"_9": "1"},
        ],
    )
    def test_what_cannot_be_meant_is_refused_and_changes_nothing(self, work, review, ann, said):
        (task,) = ann.take()
        assert ann.say(task, **said)
        assert tables(work, review)["a.jpg", 2] == ("123", "review")

    def test_the_same_token_is_the_same_decision(self, work, review, ann):
        (task,) = ann.take()
        ann.say(task, _1="7", token="token-again")
        assert ann.say(task, _1="7", token="token-again") == ""
        tables(work, review)
        assert len(work.table("review/audit.csv")) == 1

    def test_an_empty_file_is_given_its_number_or_confirmed(self, work, ann):
        work.put("c.jpg", "nothing")
        work.put("d.jpg", "none")
        work.run()
        given_one, none = [task for task in ann.take(9) if not task.place.number]
        ann.say(given_one, "42")
        ann.say(none, "-")
        assert tables(work, ann.review)["c.jpg", 1] == ("42", "corrected")
        assert work.statuses()["d.jpg"] == "empty"
        assert ("d.jpg", "0") not in queue(work)

    def test_every_decision_is_kept_with_what_was_shown(self, work, review, ann):
        (task,) = ann.take()
        ann.say(task, _1="7")
        ann.undo()
        rows = review.ledger.database.rows("SELECT who, look, answer, shown FROM decision ORDER BY id")
        assert [row[:2] for row in rows] == [("ann", "first"), ("ann", "undo")]
        assert '"runner_up": "7"' in rows[0][3]
        for sql in ("DELETE FROM decision", "UPDATE decision SET who = 'bob'", "DELETE FROM correction"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                select(work, sql)


class TestUndo:
    @pytest.mark.parametrize("said", [{"_1": "7"}, {"text": "9"}, {"text": "-"}])
    def test_it_waits_again_as_it_was_and_the_word_is_kept(self, work, review, ann, said):
        before = tables(work, review), queue(work)
        (task,) = ann.take()
        ann.say(task, **said)
        tables(work, review)
        (again,), refused = ann.undo()
        assert refused == []
        assert again.shown() | {"last_word": 0} == task.shown()
        assert (tables(work, review), queue(work)) == before
        assert [row["new"] for row in work.table("review/audit.csv")][-1] == ""

    def test_it_can_be_decided_anew(self, work, review, ann):
        (task,) = ann.take()
        ann.say(task, _1="7")
        (again,), _ = ann.undo()
        assert ann.say(again, _1="9") == ""
        assert tables(work, review)["a.jpg", 2] == ("923", "corrected")

    def test_twice_is_once(self, work, review, ann):
        (task,) = ann.take()
        ann.say(task, _1="7")
        token = ann.last
        ann.undo(token)
        ann.undo(token)
        assert tables(work, review)["a.jpg", 2] == ("123", "review")
        assert len(work.table("review/audit.csv")) == 2

    def test_not_another_persons(self, work, review, ann, bob):
        (task,) = ann.take()
        ann.say(task, _1="7")
        assert bob.undo(ann.last)[1]
        assert tables(work, review)["a.jpg", 2] == ("723", "corrected")

    def test_not_what_was_built_upon(self, work, review, ann, bob):
        (task,) = ann.take()
        ann.say(task, _1="7")
        first = ann.last
        ann.undo()
        (again,) = (
            task
            for task in ann.take(9)
            if task.place == Place(task.place.file, 1, 2) and task.file == "a.jpg"
        )
        ann.say(again, _1="9")
        second = ann.last
        assert ann.undo(first)[1] == []  # undone before; nothing happens
        assert tables(work, review)["a.jpg", 2] == ("923", "corrected")
        tasks, refused = ann.undo(second)
        assert (len(tasks), refused) == (1, [])

    def test_not_what_the_table_way_changed_since(self, work, review, ann):
        kept = (work.folder / "review" / "queue.csv").read_text()
        (task,) = ann.take()
        ann.say(task, _1="7")
        (work.folder / "review" / "queue.csv").write_text(kept.replace("png,,", "png,9,", 1))
        apply_review(work.settings(), "eve")
        assert ann.undo()[1]
        assert tables(work, review)["a.jpg", 2] == ("923", "corrected")


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


class TestSameTruth:
    def test_what_the_table_settles_is_not_offered(self, work, review, ann):
        path = work.folder / "review" / "queue.csv"
        path.write_text(path.read_text().replace("png,,", "png,9,", 1))
        apply_review(work.settings(), "eve")
        assert "a.jpg" not in {task.file for task in ann.take(9)}

    def test_what_the_table_settles_in_between_is_kept(self, work, review, ann):
        (task,) = ann.take()
        path = work.folder / "review" / "queue.csv"
        path.write_text(path.read_text().replace("png,,", "png,9,", 1))
        apply_review(work.settings(), "eve")
        assert "eve" in ann.say(task, _1="7")
        assert tables(work, review)["a.jpg", 2] == ("923", "corrected")

    def test_what_someone_types_into_the_table_meanwhile_stays_there(self, work, review, ann):
        path = work.folder / "review" / "queue.csv"
        path.write_text(path.read_text().replace("png,,", "png,9,"))
        (task,) = ann.take()
        ann.accept(task)
        tables(work, review)
        assert [row["correction"] for row in work.table("review/queue.csv")] == ["9", "9", "9"]

    def test_a_file_read_again_in_between_is_looked_at_anew(self, work, review, ann, monkeypatch):
        (task,) = ann.take()
        select(work, "UPDATE file SET processed_at = '2030-01-01T00:00:00Z'")
        assert "read again" in ann.accept(task)


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


class TestWall:
    def test_the_odd_ones_wait_and_the_rest_is_settled(self, work):
        work.put("a.jpg", "7? 71? 72? 1?")
        work.run()
        with review_of(work) as review:
            ann = Person(review)
            tasks = review.assignments.of_digit(ann.session, 7, 60)
            assert [task.number.text for task in tasks] == ["7", "71", "72"]
            ann.say(tasks[0], _1="7")
            ann.say(tasks[1], _1="1")
            got = tables(work, review)
            assert [got["a.jpg", i] for i in (1, 2, 3)] == [
                ("7", "corrected"), ("11", "corrected"), ("72", "review"),
            ]  # fmt: skip

    def test_only_where_nothing_else_is_odd_of_the_number(self, work):
        work.put("a.jpg", "7? 7?")
        work.run()
        with review_of(work) as review:
            select(work, "UPDATE item SET reasons = 'low-confidence;neighbour' WHERE rank = 0")
            assert [task.place.number for task in review.assignments.of_digit("0" * 32, 7, 60)] == [2]

    def test_what_is_on_a_wall_is_in_no_ones_hands(self, work):
        work.put("a.jpg", "7? 8?")
        work.run()
        with review_of(work) as review:
            ann, bob = Person(review), Person(review, "bob")
            review.assignments.of_digit(ann.session, 7, 60)
            assert [task.number.text for task in bob.take(9)] == ["8"]


class TestSecondReading:
    @pytest.fixture
    def review(self, work):
        work.put("a.jpg", "123?")
        work.run()
        with review_of(work, Rules(second_share=1, audit_share=0)) as review:
            yield review

    def test_it_is_blind_and_another_persons(self, review, ann, bob):
        (task,) = ann.take()
        ann.say(task, _1="7")
        assert ann.take() == []
        (second,) = bob.take()
        assert second.look is Look.SECOND
        told = second.shown()
        assert (told["digits"], told["texts"], told["reasons"], told["confidence"]) == ([], [], [], None)
        assert "723" not in str(told)
        review.assignments.give_back(bob.session)
        assert "another person" in ann.say(second, "723")

    def test_agreement_leaves_it_settled(self, work, review, ann, bob):
        ann.say(ann.take()[0], _1="7")
        assert bob.say(bob.take()[0], "723") == ""
        assert tables(work, review)["a.jpg", 1] == ("723", "corrected")
        assert bob.take() == ann.take() == []

    def test_disagreement_waits_for_a_third_look_that_decides(self, work, review, ann, bob):
        ann.say(ann.take()[0], _1="7")
        bob.say(bob.take()[0], "923")
        assert tables(work, review)["a.jpg", 1] == ("123", "review")
        eve = Person(review, "eve")
        (third,) = eve.take()
        assert (third.look, third.texts) == (Look.THIRD, ("723", "923"))
        assert eve.say(third, "923") == ""
        assert tables(work, review)["a.jpg", 1] == ("923", "corrected")
        assert eve.take() == []
        assert [c.new for _, c in review.ledger.corrections.all(review.shelf.job)] == ["7", "", "923"]

    def test_who_skips_a_dispute_does_not_get_it_as_if_there_were_none(self, review, ann, bob):
        ann.say(ann.take()[0], _1="7")
        bob.say(bob.take()[0], "923")
        eve = Person(review, "eve")
        (third,) = eve.take()
        review.assignments.skip(eve.session, third.place)
        assert {task.look for task in eve.take(9)} <= {Look.THIRD}
        assert review.assignments.of_digit(eve.session, 1, 9) == []

    def test_undoing_the_first_takes_the_second_with_it(self, review, ann, bob):
        ann.say(ann.take()[0], _1="7")
        ann.undo()
        assert [task.look for task in ann.take(9)] == [Look.FIRST]
        review.assignments.give_back(ann.session)
        assert [task.look for task in bob.take(9)] == [Look.FIRST]

    def test_undoing_the_second_brings_back_the_first(self, work, review, ann, bob):
        ann.say(ann.take()[0], _1="7")
        bob.say(bob.take()[0], "923")
        (again,), refused = bob.undo()
        assert (again.look, refused) == (Look.SECOND, [])
        assert tables(work, review)["a.jpg", 1] == ("723", "corrected")
        assert bob.say(again, "723") == ""
        assert bob.take() == []

    def test_the_first_cannot_be_undone_after_the_second(self, review, ann, bob):
        ann.say(ann.take()[0], _1="7")
        bob.say(bob.take()[0], "723")
        assert ann.undo()[1]

    def test_undoing_the_third_asks_again(self, work, review, ann, bob):
        ann.say(ann.take()[0], _1="7")
        bob.say(bob.take()[0], "923")
        eve = Person(review, "eve")
        eve.say(eve.take()[0], "923")
        (again,), _ = eve.undo()
        assert again.look is Look.THIRD
        assert tables(work, review)["a.jpg", 1] == ("123", "review")


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


actions = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["take", "accept", "replace", "whole", "undo", "leave", "csv"]),
    ),
    max_size=25,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions)
def test_whatever_people_do_the_tables_are_what_the_last_words_say(tmp_path_factory, monkeypatch, actions):
    from workplace import Workplace

    folder = tmp_path_factory.mktemp("work")
    monkeypatch.chdir(folder)
    work = Workplace(folder)
    work.put("a.jpg", "1? 2? 34? 5")
    work.put("b.jpg", "6?")
    work.run()
    said = {}
    with review_of(work, Rules(audit_share=0)) as review:
        people = {name: Person(review, name) for name in "abc"}
        hands = {name: [] for name in "abc"}
        tokens = {name: [] for name in "abc"}
        for name, action in actions:
            one, hand = people[name], hands[name]
            if action == "take":
                hand += one.take(2, have=[task.place for task in hand])
            elif action == "leave":
                review.assignments.give_back(one.session)
                hand.clear()
            elif action == "undo" and tokens[name]:
                place = tokens[name].pop()
                again, refused = one.undo(place[0])
                assert refused == []
                hand += again
                said.pop(place[1])
            elif hand:
                task = hand.pop(0)
                text = task.number.machine.text
                if action == "whole":
                    text = "88"
                    assert one.say(task, text) == ""
                elif action == "replace":
                    text = "9" + text[1:]
                    assert one.say(task, _1="9") == ""
                else:
                    assert one.accept(task) == ""
                said[task.place] = text
                tokens[name].append((one.last, task.place))
            places = [task.place for held in hands.values() for task in held]
            assert len(places) == len(set(places))
            assert not set(places) & set(said)
        by_file = {known.id: known.file for known in review.ledger.known(review.shelf.job)}
        got = tables(work, review)
        for (file, number), (text, status) in got.items():
            key = next((p for p in said if by_file[p.file] == file and p.number == number), None)
            if key is not None:
                assert (text, status) == (said[key], "corrected")
            else:
                assert status in ("review", "accepted")
        assert len(queue(work)) == sum(status == "review" for _, status in got.values())


def test_a_word_said_while_tables_are_made_is_in_the_next(work, monkeypatch):
    work.put("a.jpg", "1? 2?")
    work.run()
    with review_of(work) as review:
        ann = Person(review)
        one, other = ann.take(2)
        ann.say(one, _1="7")
        write = publish._write

        def slowly(*args):
            done = write(*args)
            monkeypatch.setattr(publish, "_write", write)
            assert ann.say(other, _1="8") == ""
            return done

        monkeypatch.setattr(publish, "_write", slowly)
        tables(work, review)
        assert ann.take(9) == []
        assert [text for text, _ in tables(work, review).values()] == ["7", "8"]
        assert queue(work) == []


def test_nothing_to_review_before_anything_was_read(work):
    with pytest.raises(UsageError, match="nothing was read"):
        review_of(work)


@pytest.mark.parametrize("text", ["", "1-2", "1-2-x", "../1-1-1", "1-1-1/..", "-1-1-1", "٣-1-1"])
def test_what_names_no_number(text):
    with pytest.raises(UsageError):
        Place.parse(text)


def test_words_taken_back_leave_what_was_read(work):
    work.put("a.jpg", "1?")
    work.run()
    with review_of(work) as review:
        machine = review.tasks.reading(1, "")
        ann = Person(review)
        ann.say(ann.take()[0], _1="7")
        ann.undo()
        assert overlay.corrected(machine, review.ledger.corrections.of(1)) == machine


def test_a_file_whose_reading_housekeeping_dropped_stands_in_nobodys_way(work):
    work.put("a.jpg", "11 22")
    work.run()
    with review_of(work, Rules(audit_share=1)) as review:
        assert review.ledger.settle(review.shelf.job, "2999-01-01T00:00:00Z") == 1
        review.audits.draw()
        assert Person(review).take(9) == []
