import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reviewers import Look, Person, queue, review_of, select, tables

from digitocr.results import overlay
from digitocr.review.rules import Rules
from digitocr.store.review import Place
from flows.apply_review import apply_review


class TestDeciding:
    def test_accepting_settles_a_number_in_all_tables(self, work, review, ann):
        (task,) = ann.take()
        assert ann.accept(task) == ""
        assert tables(work, review)["a.jpg", 2] == ("123", "confirmed")
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

    @pytest.mark.parametrize("other", ["124", "1234", "07"])
    def test_the_other_readers_text_is_a_correction_of_the_whole_number(self, work, other):
        work.put("a.jpg", f"123?{other}")
        work.run()
        assert [row["reasons"] for row in work.table("review/queue.csv")] == [f"readers-disagree:{other}"]
        with review_of(work) as review:
            ann = Person(review)
            (task,) = ann.take()
            assert ann.say(task, task.shown()["other"]) == ""
            assert tables(work, review)["a.jpg", 1] == (other, "corrected")
        (row,) = work.table("review/audit.csv")
        assert (row["kind"], row["old"], row["new"]) == ("number", "123", other)

    def test_what_was_left_as_it_was_read_is_counted_apart_from_what_was_corrected(self, work, review, ann):
        for text in ("", "9", ""):
            (task,) = ann.take()
            assert (ann.say(task, text) if text else ann.accept(task)) in ("", None)
        tables(work, review)
        assert review.statistics.settled_numbers() == (2, 1)

    def test_what_nobody_can_read_stays_for_review_and_is_not_asked_again(self, work, review, ann, bob):
        (task,) = ann.take()
        assert ann.say(task, "?") == ""
        assert tables(work, review)["a.jpg", 2] == ("123", "review")
        assert queue(work) == [("b.jpg", "1"), ("b.jpg", "2")]
        row = next(
            r for r in work.table("results/numbers.csv") if r["number"] == "2" and r["file"] == "a.jpg"
        )
        assert row["reasons"] == "low-confidence;illegible"
        assert task.place not in {t.place for t in bob.take(9)}
        assert review.statistics.illegible_numbers() == 1
        assert review.statistics.waiting_numbers() == 2
        (again,), _ = ann.undo()
        assert again.place == task.place
        assert "illegible" not in again.number.now.reasons
        tables(work, review)
        assert review.statistics.illegible_numbers() == 0

    def test_a_page_on_which_nothing_was_found_and_nobody_can_read_anything(self, work):
        work.put("a.jpg", "none")
        work.run()
        with review_of(work) as review:
            ann = Person(review)
            assert ann.say(ann.take()[0], "?") == ""
            assert tables(work, review)["a.jpg", 1] == ("", "review")
            assert ann.take() == []
            assert queue(work) == []

    def test_a_decimal_mark_is_kept(self, work, review, ann):
        (task,) = ann.take()
        assert ann.say(task, "12,3") == ""
        tables(work, review)
        row = next(
            r for r in work.table("results/numbers.csv") if r["number"] == "2" and r["file"] == "a.jpg"
        )
        assert (row["text"], row["marks"], row["status"]) == ("123", ",", "corrected")

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
        assert review.assignments.of_digit(eve.session, "eve", 1, 9) == []

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
                read = review.tasks.task(key, Look.FIRST).number.machine.text
                assert (text, status) == (said[key], "confirmed" if said[key] == read else "corrected")
            else:
                assert status in ("review", "accepted")
        assert len(queue(work)) == sum(status == "review" for _, status in got.values())


def test_words_taken_back_leave_what_was_read(work):
    work.put("a.jpg", "1?")
    work.run()
    with review_of(work) as review:
        machine = review.tasks.reading(1, "")
        ann = Person(review)
        ann.say(ann.take()[0], _1="7")
        ann.undo()
        assert overlay.corrected(machine, review.ledger.corrections.of(1)) == machine
