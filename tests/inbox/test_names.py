from hypothesis import given
from hypothesis import strategies as st

from digitocr.inbox import names


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=255))
def test_names_of_tables_are_short_printable_and_keep_what_is_short(name):
    shown = names.printable(name)
    kept = names.storable(shown, "0123456789abcdef" * 4)
    assert kept.isprintable()
    assert len(kept.encode()) <= 200 + 16
    if len(shown.encode()) <= 200:
        assert kept == shown


@given(
    st.lists(st.text("ab/.", min_size=1).filter(lambda s: s.strip("/.")), max_size=6),
    st.text("ab.", min_size=1),
)
def test_a_free_name_is_free_and_keeps_its_ending(taken, name):
    name = f"x{name}y.jpg"
    free = names.free_name(name, "0123456789abcdef" * 4, lambda n: n not in {*taken, name})
    assert free not in taken
    assert free.endswith(".jpg")
    assert "~01234567" in free
