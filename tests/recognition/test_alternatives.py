"""Of numbers that overlap those are taken that promise more digits read right."""

from dataclasses import replace

from digitocr.imaging.sheet import Seen
from digitocr.networks.card import ModelCard
from digitocr.recognition.alternatives import chosen
from digitocr.recognition.confidence import NAMES, named
from digitocr.recognition.judge import Judge
from digitocr.recognition.parameters import Acceptance
from tests.support.decoded import decoded

WEIGHTS = named([float(name == "logit_text") for name in NAMES] + [0.0])
JUDGE = Judge(0.5, ModelCard("", "", (), 0.5, number_confidence=WEIGHTS), Acceptance())


def number(text, x, *, sure, is_found):
    one = decoded(text, x)
    return replace(one, features=replace(one.features, logit_text=sure), seen=Seen(0.9, is_found=is_found))


def texts(*numbers):
    return [one.text for one in chosen(numbers, JUDGE)]


def test_numbers_apart_all_stay():
    assert texts(number("12", 0, sure=1, is_found=False), number("3", 300, sure=-3, is_found=True)) == [
        "12",
        "3",
    ]


def test_one_sure_number_is_taken_rather_than_its_doubtful_parts():
    whole = number("123", 0, sure=3, is_found=True)
    parts = number("12", 0, sure=-1, is_found=False), number("3", 48, sure=-1, is_found=False)
    assert texts(whole, *parts) == ["123"]


def test_sure_parts_are_taken_rather_than_a_doubtful_whole():
    whole = number("123", 0, sure=-2, is_found=True)
    parts = number("12", 0, sure=3, is_found=False), number("3", 48, sure=3, is_found=False)
    assert texts(whole, *parts) == ["12", "3"]


def test_a_longer_number_is_taken_rather_than_a_part_of_it_as_sure():
    assert texts(number("45", 0, sure=2, is_found=False), number("456", 0, sure=2, is_found=True)) == ["456"]


def test_a_number_is_not_worth_more_for_being_torn_apart():
    whole = number("12345", 0, sure=2.9, is_found=False)
    parts = [number(text, 24 * k, sure=2.9, is_found=True) for k, text in enumerate("12345")]
    assert texts(whole, *parts) == ["12345"]


def test_what_only_one_found_stays_however_unsure():
    assert texts(number("7", 0, sure=-6, is_found=True)) == ["7"]


def test_what_both_find_and_read_alike_is_confirmed():
    both = number("45", 0, sure=2, is_found=False), number("45", 2, sure=1, is_found=True)
    assert [(one.text, one.is_confirmed) for one in chosen(both, JUDGE)] == [("45", True)]
    other = number("45", 0, sure=2, is_found=False), number("46", 2, sure=1, is_found=True)
    assert [(one.text, one.is_confirmed) for one in chosen(other, JUDGE)] == [("45", False)]


def test_numbers_of_a_field_all_stay():
    assert [one.text for one in chosen([decoded("1"), decoded("1")], JUDGE)] == ["1", "1"]
    assert chosen([], JUDGE) == []
