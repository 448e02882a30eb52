"""Mistakes are told once, with all of their rows."""

import pytest

from lesion_jax.errors import DataError
from lesion_jax.sources.review import DataErrors, Doubt, Mistakes, Review


def test_a_mistake_of_a_file_names_the_rows_and_one_of_a_row_does_not_repeat_it():
    mistakes = Mistakes()
    for line in range(12, 20):
        with mistakes.collected([f"a.csv line {line}"]):
            raise DataError("a.png is black; draw it.")
    with mistakes.collected(["a.csv line 1"]):
        raise DataError("a.csv line 1: bad.")
    mistakes.add("a.csv line 12: as before.", ["a.csv line 12", "a.csv line 1"])
    file, row, two = mistakes.found
    assert (
        str(file) == ("a.png is black; draw it (a.csv line 12, line 13, line 14, line 15, line 16 and 3 more).")
        and len(file.rows) == 8
    )
    assert str(row) == "a.csv line 1: bad."
    # Line 1 is not line 12.
    assert str(two) == "a.csv line 12: as before (also line 1)."


def test_rows_are_shown_whole_where_no_line_is_in_them():
    mistakes = Mistakes()
    mistakes.add("a.png is black.", ["b.seg: segment 2", "b.seg: segment 3"])
    assert str(mistakes.found[0]) == "a.png is black (b.seg: segment 2, b.seg: segment 3)."


def test_errors_within_errors_keep_their_rows_and_checks():
    review = Review()
    review.doubt(Doubt("air", "a.csv line 3: air"), ["a.csv line 3"])
    outer = Mistakes()
    with outer.collected(["not these"]):
        review.check()
    with pytest.raises(DataErrors) as caught:
        outer.check()
    (mistake,) = caught.value.each
    assert mistake.rows == ("a.csv line 3",) and mistake.check == "air"
