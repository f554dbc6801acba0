import pytest
from reviewers import Clock, Person, review_of


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
