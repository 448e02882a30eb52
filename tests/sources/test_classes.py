"""Names of classes: their order, and those that only look alike."""

import pytest

from lesion_jax.errors import DataError
from lesion_jax.sources.classes import PAPER_CLASSES, as_read, order_classes
from lesion_jax.sources.review import DataErrors


def order(*labels, wanted=None):
    return order_classes([(f"line {i}", label) for i, label in enumerate(labels, start=2)], wanted)


def test_the_papers_names_have_its_order_and_others_that_of_first_appearance():
    assert order("hemangioma", "cyst", "metastasis") == PAPER_CLASSES
    assert order("b", "a", "b", "c d") == ("b", "a", "c d")
    assert order("10", "2", "1", "2") == ("1", "2", "10")
    assert order("b", "a", wanted=["a", "b"]) == ("a", "b")


@pytest.mark.parametrize(
    "other",
    [
        "Cyst",
        "CYST",
        "cyst\u200b",
        " cyst",
        "cy st",
        "cyst\u00a0",
        "\uff43yst",
        "\u0441yst",
        "c\u0443st",
        "CYST\u0301",
        "cy-st",
        "cy_st",
        "\u0421\u03a5st",
    ],
)
def test_names_that_a_reader_cannot_tell_apart_are_refused_with_both_lines(other):
    with pytest.raises(DataError, match=r"line 4: label .* differs from 'cyst' \(line 2\) in case, spaces or invis"):
        order("cyst", "b", other)


@pytest.mark.parametrize("label", ["cyst\nbig", "cyst\rbig", "cyst\u2028big", "cy\0st", "cyst\ud800"])
def test_a_name_of_two_lines_is_refused(label):
    with pytest.raises(DataError, match="line 3: label 'cy.* has a line break or a control character"):
        order("cyst big", label)


def test_a_name_that_shows_nothing_is_refused():
    with pytest.raises(DataError, match=r"line 2: label '\\u200b' shows nothing"):
        order_classes([("line 2", "\u200b"), ("line 3", "cyst")], None)


def test_all_wrong_labels_are_told_with_all_of_their_rows():
    with pytest.raises(DataErrors) as caught:
        order("cyst", "Cyst", "a\nb", "Cyst", "boil", wanted=["cyst", "cyst", "scar"])
    assert [(one.rows, str(one)[:25]) for one in caught.value.each] == [
        (("line 3", "line 5"), "line 3: label 'Cyst' diff"),
        (("line 4",), "line 4: label 'a\\nb' has "),
        (("line 6",), "line 6: label 'boil' is n"),
        ((), "--class_names cyst,cyst,s"),
        ((), "--class_names has 'scar',"),
    ]


def test_names_that_differ_in_a_sign_are_two():
    assert len(order("grade 1", "grade 2", "grade-1", "Zyste", "cyste")) == 5


@pytest.mark.parametrize(
    ("one", "other"), [("1", "1.0"), ("1", "01"), ("T\u0435st", "test"), ("kyste h\u00e9p.", "kyste hep")]
)
def test_one_name_in_two_writings_is_asked_about(one, other):
    with pytest.raises(DataError, match="write them in one way"):
        order(one, "2", other)


def test_a_whole_text_is_no_name():
    with pytest.raises(DataError, match="has 101 characters; a name has up to 100"):
        order("x" * 101)


def test_a_name_of_many_digits_is_a_name(tmp_path):
    assert as_read("0" + "7" * 5000) == "7" * 5000 and as_read("\u0660\u0667.0") == "7" and as_read("000") == "0"
    with pytest.raises(DataError, match="has 5000 characters; a name has up to 100"):
        order_classes([("line 2", "7" * 5000)], None)
