import sqlite3
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_desk import Look, Person, open_desk, tables

from digitocr.errors import UsageError
from digitocr.results import overlay, publish
from digitocr.review.desk import LEASE_SECONDS
from digitocr.review.figures import overview
from digitocr.review.numbers import Place
from digitocr.review.rules import Order, Rules
from flows.apply_review import apply_review


@pytest.fixture
def desk(work):
    work.put("a.jpg", "5 123?")
    work.put("b.jpg", "4? 77? 8")
    work.run()
    with open_desk(work) as desk:
        yield desk


@pytest.fixture
def ann(desk):
    return Person(desk, "ann")


@pytest.fixture
def bob(desk):
    return Person(desk, "bob")


def queue(work):
    return [(row["file"], row["number"]) for row in work.table("review/queue.csv")]


class TestDeciding:
    def test_accepting_settles_a_number_in_all_tables(self, work, desk, ann):
        (task,) = ann.take()
        assert ann.accept(task) == ""
        assert tables(work, desk)["a.jpg", 2] == ("123", "corrected")
        assert queue(work) == [("b.jpg", "1"), ("b.jpg", "2")]
        (row,) = work.table("review/audit.csv")
        assert (row["who"], row["kind"], row["old"], row["new"]) == ("ann", "digit", "1", "1")

    @pytest.mark.parametrize(
        ("said", "text"),
        [({"_1": "7"}, "723"), ({"_1": "-"}, "23"), ({"text": "456"}, "456"), ({"text": "1234"}, "1234")],
    )
    def test_what_is_said_is_in_the_tables(self, work, desk, ann, said, text):
        (task,) = ann.take()
        assert ann.say(task, **said) == ""
        assert tables(work, desk)["a.jpg", 2] == (text, "corrected")

    def test_what_is_no_number_goes(self, work, desk, ann):
        (task,) = ann.take()
        ann.say(task, "-")
        assert ("a.jpg", 2) not in tables(work, desk)

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
    def test_what_cannot_be_meant_is_refused_and_changes_nothing(self, work, desk, ann, said):
        (task,) = ann.take()
        assert ann.say(task, **said)
        assert tables(work, desk)["a.jpg", 2] == ("123", "review")

    def test_the_same_token_is_the_same_decision(self, work, desk, ann):
        (task,) = ann.take()
        ann.say(task, _1="7", token="token-again")
        assert ann.say(task, _1="7", token="token-again") == ""
        tables(work, desk)
        assert len(work.table("review/audit.csv")) == 1

    def test_an_empty_file_is_given_its_number_or_confirmed(self, work, ann):
        work.put("c.jpg", "nothing")
        work.put("d.jpg", "none")
        work.run()
        given_one, none = [task for task in ann.take(9) if not task.place.number]
        ann.say(given_one, "42")
        ann.say(none, "-")
        assert tables(work, ann.desk)["c.jpg", 1] == ("42", "corrected")
        assert work.statuses()["d.jpg"] == "empty"
        assert ("d.jpg", "0") not in queue(work)

    def test_every_decision_is_kept_with_what_was_shown(self, desk, ann):
        (task,) = ann.take()
        ann.say(task, _1="7")
        ann.undo()
        rows = desk.figures("SELECT who, look, answer, shown FROM decision ORDER BY id")
        assert [row[:2] for row in rows] == [("ann", "first"), ("ann", "undo")]
        assert '"runner_up": "7"' in rows[0][3]
        for sql in ("DELETE FROM decision", "UPDATE decision SET who = 'bob'", "DELETE FROM correction"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                desk._db.execute(sql)


class TestUndo:
    @pytest.mark.parametrize("said", [{"_1": "7"}, {"text": "9"}, {"text": "-"}])
    def test_it_waits_again_as_it_was_and_the_word_is_kept(self, work, desk, ann, said):
        before = tables(work, desk), queue(work)
        (task,) = ann.take()
        ann.say(task, **said)
        tables(work, desk)
        (again,), refused = ann.undo()
        assert refused == []
        assert again.shown() | {"last_word": 0} == task.shown()
        assert (tables(work, desk), queue(work)) == before
        assert [row["new"] for row in work.table("review/audit.csv")][-1] == ""

    def test_it_can_be_decided_anew(self, work, desk, ann):
        (task,) = ann.take()
        ann.say(task, _1="7")
        (again,), _ = ann.undo()
        assert ann.say(again, _1="9") == ""
        assert tables(work, desk)["a.jpg", 2] == ("923", "corrected")

    def test_twice_is_once(self, work, desk, ann):
        (task,) = ann.take()
        ann.say(task, _1="7")
        token = ann.last
        ann.undo(token)
        ann.undo(token)
        assert tables(work, desk)["a.jpg", 2] == ("123", "review")
        assert len(work.table("review/audit.csv")) == 2

    def test_not_another_persons(self, work, desk, ann, bob):
        (task,) = ann.take()
        ann.say(task, _1="7")
        assert bob.undo(ann.last)[1]
        assert tables(work, desk)["a.jpg", 2] == ("723", "corrected")

    def test_not_what_was_built_upon(self, work, desk, ann, bob):
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
        assert tables(work, desk)["a.jpg", 2] == ("923", "corrected")
        tasks, refused = ann.undo(second)
        assert (len(tasks), refused) == (1, [])

    def test_not_what_the_table_way_changed_since(self, work, desk, ann):
        kept = (work.folder / "review" / "queue.csv").read_text()
        (task,) = ann.take()
        ann.say(task, _1="7")
        (work.folder / "review" / "queue.csv").write_text(kept.replace("png,,", "png,9,", 1))
        apply_review(work.settings(), "eve")
        assert ann.undo()[1]
        assert tables(work, desk)["a.jpg", 2] == ("923", "corrected")


class TestTwoPeople:
    def test_they_never_get_the_same_number(self, ann, bob):
        mine, yours = ann.take(2), bob.take(9)
        assert len({task.place for task in mine + yours}) == len(mine) + len(yours) == 3

    def test_many_at_once_never_get_the_same_number(self, work):
        for i in range(12):
            work.put(f"{i}.jpg", f"{i}? 5{i}? 6{i}?")
        work.run()
        taken, guard = [], threading.Lock()
        with open_desk(work) as desk:

            def sit(name):
                one = Person(desk, name)
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
            assert all(status != "review" for _, status in tables(work, desk).values())

    def test_processes_share_the_leases(self, work, desk, ann):
        with open_desk(work) as other:
            mine, yours = ann.take(2), Person(other, "bob").take(9)
        assert not {task.place for task in mine} & {task.place for task in yours}

    def test_what_is_left_behind_is_given_on_after_a_while(self, desk, ann, bob):
        (task,) = ann.take()
        desk._clock.time += LEASE_SECONDS - 1
        assert task.place not in {t.place for t in bob.take(9)}
        desk._clock.time += 2
        assert task.place in {t.place for t in bob.take(9)}

    def test_a_page_that_shows_signs_of_life_keeps_what_it_has(self, desk, ann, bob):
        (task,) = ann.take()
        for _ in range(3):
            desk._clock.time += LEASE_SECONDS - 1
            ann.take(0, have=[task.place])
        assert task.place not in {t.place for t in bob.take(9)}

    def test_the_slower_one_is_told_and_overwrites_nothing(self, work, desk, ann, bob):
        (task,) = ann.take()
        desk._clock.time += LEASE_SECONDS + 1
        (same, *_) = bob.take(9)
        assert same.place == task.place
        assert bob.say(same, _1="7") == ""
        assert "bob" in ann.say(task, _1="9")
        assert tables(work, desk)["a.jpg", 2] == ("723", "corrected")

    def test_what_is_given_back_is_free_at_once(self, desk, ann, bob):
        first, second = ann.take(2)
        desk.give_back(ann.session, [second.place])
        got = {t.place for t in bob.take(9)}
        assert first.place in got
        assert second.place not in got

    def test_a_skipped_number_comes_last_and_others_may_have_it(self, desk, ann, bob):
        first, *_ = ann.take(1)
        desk.skip(ann.session, first.place)
        rest = ann.take(9)
        assert first.place not in {t.place for t in rest}
        for task in rest:
            ann.accept(task)
        assert [t.place for t in ann.take(9)] == [first.place]
        desk.skip(ann.session, first.place)
        assert [t.place for t in bob.take(9)] == [first.place]


class TestSameTruth:
    def test_what_the_table_settles_is_not_offered(self, work, desk, ann):
        path = work.folder / "review" / "queue.csv"
        path.write_text(path.read_text().replace("png,,", "png,9,", 1))
        apply_review(work.settings(), "eve")
        assert "a.jpg" not in {task.file for task in ann.take(9)}

    def test_what_the_table_settles_in_between_is_kept(self, work, desk, ann):
        (task,) = ann.take()
        path = work.folder / "review" / "queue.csv"
        path.write_text(path.read_text().replace("png,,", "png,9,", 1))
        apply_review(work.settings(), "eve")
        assert "eve" in ann.say(task, _1="7")
        assert tables(work, desk)["a.jpg", 2] == ("923", "corrected")

    def test_what_someone_types_into_the_table_meanwhile_stays_there(self, work, desk, ann):
        path = work.folder / "review" / "queue.csv"
        path.write_text(path.read_text().replace("png,,", "png,9,"))
        (task,) = ann.take()
        ann.accept(task)
        tables(work, desk)
        assert [row["correction"] for row in work.table("review/queue.csv")] == ["9", "9", "9"]

    def test_a_file_read_again_in_between_is_looked_at_anew(self, work, desk, ann, monkeypatch):
        (task,) = ann.take()
        desk._db.execute("UPDATE file SET processed_at = '2030-01-01T00:00:00Z'")
        assert "read again" in ann.accept(task)


class TestOrder:
    @pytest.fixture
    def desk(self, work):
        work.put("a.jpg", "1? 2?")
        work.put("b.jpg", "3?")
        work.run()
        with open_desk(work) as desk:
            import json

            for rank, (identity, cells) in enumerate(
                desk.figures("SELECT review_id, cells FROM item ORDER BY file, rank")
            ):
                row = json.loads(cells)
                row[3], row[7] = ("b", "b", "a")[rank], ("0.5", "0.3", "0.4")[rank]
                desk._db.execute("UPDATE item SET cells = ? WHERE review_id = ?", (json.dumps(row), identity))
            yield desk

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
        with open_desk(work) as desk:
            ann = Person(desk)
            tasks = desk.wall(ann.session, "7", 60)
            assert [task.number.text for task in tasks] == ["7", "71", "72"]
            ann.say(tasks[0], _1="7")
            ann.say(tasks[1], _1="1")
            got = tables(work, desk)
            assert [got["a.jpg", i] for i in (1, 2, 3)] == [
                ("7", "corrected"), ("11", "corrected"), ("72", "review"),
            ]  # fmt: skip

    def test_only_where_nothing_else_is_odd_of_the_number(self, work):
        work.put("a.jpg", "7? 7?")
        work.run()
        with open_desk(work) as desk:
            desk._db.execute(
                "UPDATE item SET cells = json_set(cells, '$[11]', 'low-confidence;neighbour') WHERE rank = 0"
            )
            assert [task.place.number for task in desk.wall("0" * 32, "7", 60)] == [2]

    def test_what_is_on_a_wall_is_in_no_ones_hands(self, work):
        work.put("a.jpg", "7? 8?")
        work.run()
        with open_desk(work) as desk:
            ann, bob = Person(desk), Person(desk, "bob")
            desk.wall(ann.session, "7", 60)
            assert [task.number.text for task in bob.take(9)] == ["8"]


class TestSecondReading:
    @pytest.fixture
    def desk(self, work):
        work.put("a.jpg", "123?")
        work.run()
        with open_desk(work, Rules(second_share=1, audit_share=0)) as desk:
            yield desk

    def test_it_is_blind_and_another_persons(self, desk, ann, bob):
        (task,) = ann.take()
        ann.say(task, _1="7")
        assert ann.take() == []
        (second,) = bob.take()
        assert second.look is Look.SECOND
        told = second.shown()
        assert (told["digits"], told["texts"], told["reasons"], told["confidence"]) == ([], [], [], None)
        assert "723" not in str(told)
        ann.desk.give_back(bob.session)
        assert "another person" in ann.say(second, "723")

    def test_agreement_leaves_it_settled(self, work, desk, ann, bob):
        ann.say(ann.take()[0], _1="7")
        assert bob.say(bob.take()[0], "723") == ""
        assert tables(work, desk)["a.jpg", 1] == ("723", "corrected")
        assert bob.take() == ann.take() == []

    def test_disagreement_waits_for_a_third_look_that_decides(self, work, desk, ann, bob):
        ann.say(ann.take()[0], _1="7")
        bob.say(bob.take()[0], "923")
        assert tables(work, desk)["a.jpg", 1] == ("123", "review")
        eve = Person(desk, "eve")
        (third,) = eve.take()
        assert (third.look, third.texts) == (Look.THIRD, ("723", "923"))
        assert eve.say(third, "923") == ""
        assert tables(work, desk)["a.jpg", 1] == ("923", "corrected")
        assert eve.take() == []
        assert [c.new for _, c in desk.audit(desk.shelf.job)] == ["7", "", "923"]

    def test_who_skips_a_dispute_does_not_get_it_as_if_there_were_none(self, desk, ann, bob):
        ann.say(ann.take()[0], _1="7")
        bob.say(bob.take()[0], "923")
        eve = Person(desk, "eve")
        (third,) = eve.take()
        desk.skip(eve.session, third.place)
        assert {task.look for task in eve.take(9)} <= {Look.THIRD}
        assert desk.wall(eve.session, "1", 9) == []

    def test_undoing_the_first_takes_the_second_with_it(self, desk, ann, bob):
        ann.say(ann.take()[0], _1="7")
        ann.undo()
        assert [task.look for task in ann.take(9)] == [Look.FIRST]
        desk.give_back(ann.session)
        assert [task.look for task in bob.take(9)] == [Look.FIRST]

    def test_undoing_the_second_brings_back_the_first(self, work, desk, ann, bob):
        ann.say(ann.take()[0], _1="7")
        bob.say(bob.take()[0], "923")
        (again,), refused = bob.undo()
        assert (again.look, refused) == (Look.SECOND, [])
        assert tables(work, desk)["a.jpg", 1] == ("723", "corrected")
        assert bob.say(again, "723") == ""
        assert bob.take() == []

    def test_the_first_cannot_be_undone_after_the_second(self, desk, ann, bob):
        ann.say(ann.take()[0], _1="7")
        bob.say(bob.take()[0], "723")
        assert ann.undo()[1]

    def test_undoing_the_third_asks_again(self, work, desk, ann, bob):
        ann.say(ann.take()[0], _1="7")
        bob.say(bob.take()[0], "923")
        eve = Person(desk, "eve")
        eve.say(eve.take()[0], "923")
        (again,), _ = eve.undo()
        assert again.look is Look.THIRD
        assert tables(work, desk)["a.jpg", 1] == ("123", "review")


class TestAudit:
    @pytest.fixture
    def desk(self, work):
        work.put("a.jpg", "11 22 33?")
        work.run()
        with open_desk(work, Rules(audit_share=1)) as desk:
            desk.draw_audits()
            desk.draw_audits()
            yield desk

    def test_accepted_numbers_are_drawn_once_and_shown_blind(self, desk, ann):
        audits = ann.take(9, look=Look.AUDIT)
        assert [task.place.number for task in audits] == [1, 2]
        assert all(not task.shown()["digits"] for task in audits)

    def test_the_estimate_and_its_interval(self, work, desk, ann):
        one, two = ann.take(9, look=Look.AUDIT)
        ann.say(one, "11")
        error = overview(desk).error
        assert (error.looked, error.wrong, error.open, error.accepted) == (1, 0, 1, 2)
        ann.say(two, "27")
        assert overview(desk).error.looked == 1  # two say different things: not settled
        assert tables(work, desk)["a.jpg", 2] == ("22", "accepted")
        (third,) = ann.take(9, look=Look.THIRD)
        assert third.texts == ("22", "27")
        ann.say(third, "27")
        error = overview(desk).error
        assert (error.looked, error.wrong) == (2, 1)
        assert error.low < 0.5 < error.high
        assert tables(work, desk)["a.jpg", 2] == ("27", "corrected")

    def test_a_slip_of_the_auditor_is_no_error(self, work, desk, ann):
        one, _ = ann.take(9, look=Look.AUDIT)
        ann.say(one, "71")
        (third,) = ann.take(9, look=Look.THIRD)
        ann.say(third, "11")
        assert overview(desk).error.wrong == 0
        assert tables(work, desk)["a.jpg", 1] == ("11", "accepted")

    def test_undone_it_is_open_again(self, desk, ann):
        one, _ = ann.take(9, look=Look.AUDIT)
        ann.say(one, "11")
        ann.undo()
        assert (overview(desk).error.looked, overview(desk).error.open) == (0, 2)

    def test_audits_come_among_the_rest(self, desk, ann):
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
    with open_desk(work, Rules(audit_share=0)) as desk:
        people = {name: Person(desk, name) for name in "abc"}
        hands = {name: [] for name in "abc"}
        tokens = {name: [] for name in "abc"}
        for name, action in actions:
            one, hand = people[name], hands[name]
            if action == "take":
                hand += one.take(2, have=[task.place for task in hand])
            elif action == "leave":
                desk.give_back(one.session)
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
        by_file = {known.id: known.file for known in desk.known(desk.shelf.job)}
        got = tables(work, desk)
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
    with open_desk(work) as desk:
        ann = Person(desk)
        one, other = ann.take(2)
        ann.say(one, _1="7")
        write = publish._write

        def slowly(*args):
            done = write(*args)
            monkeypatch.setattr(publish, "_write", write)
            assert ann.say(other, _1="8") == ""
            return done

        monkeypatch.setattr(publish, "_write", slowly)
        tables(work, desk)
        assert ann.take(9) == []
        assert [text for text, _ in tables(work, desk).values()] == ["7", "8"]
        assert queue(work) == []


def test_nothing_to_review_before_anything_was_read(work):
    with pytest.raises(UsageError, match="nothing was read"):
        open_desk(work)


@pytest.mark.parametrize("text", ["", "1-2", "1-2-x", "../1-1-1", "1-1-1/..", "-1-1-1", "٣-1-1"])
def test_what_names_no_number(text):
    with pytest.raises(UsageError):
        Place.parse(text)


def test_words_taken_back_leave_what_was_read(work):
    work.put("a.jpg", "1?")
    work.run()
    with open_desk(work) as desk:
        machine = desk._machine(1, "")
        ann = Person(desk)
        ann.say(ann.take()[0], _1="7")
        ann.undo()
        assert overlay.corrected(machine, desk.corrections(1)) == machine


def test_a_file_whose_reading_housekeeping_dropped_stands_in_nobodys_way(work):
    work.put("a.jpg", "11 22")
    work.run()
    with open_desk(work, Rules(audit_share=1)) as desk:
        assert desk.settle(desk.shelf.job, "2999-01-01T00:00:00Z") == 1
        desk.draw_audits()
        assert Person(desk).take(9) == []
