from digitocr.records import Reason
from digitocr.review.words import WORDS, ended_in_words, in_words


def test_every_reason_has_words():
    assert set(WORDS) == {reason.value for reason in Reason}


def test_what_follows_the_colon_is_kept():
    assert in_words("rule-broken:people in all") == "broken rule: people in all"
    assert in_words("of-a-later-release") == "of-a-later-release"


def test_a_duplicate_names_the_other_file_and_errors_stay_as_they_are():
    assert ended_in_words("of:a: b.jpg") == "the same as a: b.jpg"
    assert ended_in_words("damaged picture: cut off") == "damaged picture: cut off"
