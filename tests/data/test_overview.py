"""Tables of a dataset: numbers by hand."""

from lesion_jax.core.types import LesionSet
from lesion_jax.data.folds import ALWAYS_TRAINED, Folds
from lesion_jax.data.overview import folds_text, lesions_text


def cells(text):
    return [line.split() for line in text.splitlines()]


def make_set(new_lesion, names=("a", "b"), tags=lambda i: {}):
    sizes = ((0, 4.0), (0, 10.0), (0, 30.0), (1, 7.25))
    lesions = [
        new_lesion(f"{i}", label=label, diameter_mm=size, patient=f"P{i // 2}", spacing_mm=(0.5, 0.5 + i), tags=tags(i))
        for i, (label, size) in enumerate(sizes)
    ]
    return LesionSet.of(lesions, names, "HU")


def test_lesions_patients_sizes_and_spacings_of_each_class(new_lesion):
    rows = cells(lesions_text(make_set(new_lesion)))
    assert rows[0][-4:] == ["from", "-160", "to", "240"]
    assert rows[2:] == [
        ["a", "3", "2", "4.0,", "10.0,", "30.0", "0.5", "to", "2.5"],
        ["b", "1", "1", "7.2,", "7.2,", "7.2", "0.5", "to", "3.5"],
        ["(all)", "4", "2", "4.0,", "8.6,", "30.0", "0.5", "to", "3.5"],
    ]


def test_a_class_without_lesions_and_a_single_class(new_lesion):
    assert ["c", "0", "0", "-", "-"] in cells(lesions_text(make_set(new_lesion, names=("a", "b", "c"))))
    alone = LesionSet.of([new_lesion("x")], ("a",), "HU")
    assert cells(lesions_text(alone))[2:] == [["a", "1", "1", "20.0,", "20.0,", "20.0", "1"]]


def test_lesions_by_tag_most_frequent_value_first(new_lesion):
    rows = cells(lesions_text(make_set(new_lesion, tags=lambda i: {"site": "AB"[i < 3]} if i else {})))
    assert rows[5:] == [["site", "lesions", "of", "a", "lesions", "of", "b"]] + [["B", "2", "0"], ["-", "1", "0"]] + [
        ["A", "0", "1"]
    ]
    # What differs between a training and a test set is not seen in their sum.
    parts = {"split": "train", "site": "A"}, {"split": "test", "site": "A"}
    split = cells(lesions_text(make_set(new_lesion, tags=lambda i: parts[i < 3])))
    assert ["A,", "test", "3", "0"] in split and ["A,", "train", "0", "1"] in split and ["test", "3", "0"] in split
    many = LesionSet.of([new_lesion(f"{i}", tags={"x": f"{i}"}) for i in range(15)], ("a",), "HU")
    assert lesions_text(many).endswith("... and 3 more values")


def test_folds_by_class_with_those_never_tested(new_lesion):
    lesions = make_set(new_lesion)
    folds = Folds(1, 0, {"P0": 0, "P1": ALWAYS_TRAINED}, (frozenset(),), lesions.fingerprint, "")
    assert cells(folds_text(lesions, folds))[1:] == [["never", "tested", "1", "1", "1"], ["0", "1", "2", "0"]]
