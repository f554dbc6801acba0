import pytest

from digitocr.errors import UsageError
from digitocr.store.review import Place


@pytest.mark.parametrize("text", ["", "1-2", "1-2-x", "../1-1-1", "1-1-1/..", "-1-1-1", "٣-1-1"])
def test_what_names_no_number(text):
    with pytest.raises(UsageError):
        Place.parse(text)
