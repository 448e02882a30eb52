"""The csv of refusals: every mistake for each of its rows, and nobody's file is overwritten."""

import csv

import pytest

from lesion_jax.errors import DataError, FoldError, RunError
from lesion_jax.sources.refusals import refusals_to
from lesion_jax.sources.review import Mistakes


def test_every_mistake_is_written_for_each_of_its_rows(tmp_path):
    mistakes = Mistakes()
    mistakes.add('x.png is "black", and small.', ["a b.csv line 3", "a b.csv line 12"], "size")
    mistakes.add("nothing is right.")
    path = tmp_path / "new" / "refusals.csv"
    with pytest.raises(DataError), refusals_to(path):
        mistakes.check()
    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["line", "accept", "mistake"],
            ["3", "size", 'x.png is "black", and small.'],
            ["12", "size", 'x.png is "black", and small.'],
            ["", "", "nothing is right."],
        ]


@pytest.mark.parametrize(("error", "lines"), [(DataError("one thing."), 2), (FoldError("no folds."), 1), (None, 1)])
def test_it_tells_of_this_run_alone(tmp_path, error, lines):
    path = tmp_path / "refusals.csv"
    path.write_text("line,accept,mistake\n1,,old\n2,,old\n")
    try:
        with refusals_to(path):
            assert not path.exists()
            if error:
                raise error
    except (DataError, FoldError) as raised:
        assert raised is error
    assert len(path.read_text().splitlines()) == lines and "old" not in path.read_text()


def test_another_file_is_left_alone(tmp_path):
    marks = tmp_path / "lesions.csv"
    marks.write_text("file,label\n")
    with pytest.raises(RunError, match="lesions.csv exists and lists no refusals"), refusals_to(marks):
        raise AssertionError("it began")
    assert marks.read_text() == "file,label\n"
    with pytest.raises(RunError, match="--refusals .* cannot be written"), refusals_to(marks / "x.csv"):
        raise AssertionError("it began")
    with refusals_to(None):
        pass
