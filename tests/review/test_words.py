from digitocr.records import Reason
from digitocr.review.words import WORDS, in_words


def test_every_reason_has_words():
    assert set(WORDS) == {reason.value for reason in Reason}


def test_what_follows_the_colon_is_kept():
    assert in_words("rule-broken:people in all") == "broken rule: people in all"
    assert in_words("of-a-later-release") == "of-a-later-release"
