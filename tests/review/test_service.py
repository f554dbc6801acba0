import pytest
from reviewers import Person, queue, review_of, tables

from digitocr.errors import UsageError
from digitocr.results import tables as tables_of_a_file


def test_a_word_said_while_tables_are_made_is_in_the_next(work, monkeypatch):
    work.put("a.jpg", "1? 2?")
    work.run()
    with review_of(work) as review:
        ann = Person(review)
        one, other = ann.take(2)
        ann.say(one, _1="7")
        write = tables_of_a_file.write_tables

        def slowly(*args):
            done = write(*args)
            monkeypatch.setattr(tables_of_a_file, "write_tables", write)
            assert ann.say(other, _1="8") == ""
            return done

        monkeypatch.setattr(tables_of_a_file, "write_tables", slowly)
        tables(work, review)
        assert ann.take(9) == []
        assert [text for text, _ in tables(work, review).values()] == ["7", "8"]
        assert queue(work) == []


def test_nothing_to_review_before_anything_was_read(work):
    with pytest.raises(UsageError, match="nothing was read"):
        review_of(work)
