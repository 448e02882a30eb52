"""Repeated partitions, folds by tag, independent test sets, and fewer training patients."""

import collections
import dataclasses

import pytest

from lesion_jax.config import DataConfig
from lesion_jax.core.types import LesionSet
from lesion_jax.data.cohort import Cohort
from lesion_jax.errors import ConfigError, FoldError
from tests.train.tiny import cohort

# Patient 5 of each class is the site's outsider; lesions alternate between two scanners within a patient.
SITES = {f"patient{i:02}": "far" if i % 10 > 6 else "near" for i in range(30)}


def tagged(**tags):
    """The tiny cohort with tags: f(lesion) by name."""
    found = cohort()
    lesions = [
        dataclasses.replace(lesion, tags={name: value(lesion) for name, value in tags.items()})
        for lesion in found.lesions.lesions
    ]
    return Cohort(LesionSet.of(lesions, found.lesions.class_names, "HU"), None)


@pytest.fixture(scope="module")
def sites():
    return tagged(site=lambda lesion: SITES[lesion.patient], scanner=lambda lesion: lesion.lesion_id[-1])


def test_a_repeat_is_another_partition_of_as_many_folds():
    found = cohort()
    one, other = found.partition("repeat:1"), found.partition("repeat:2")
    assert one.num_folds == other.num_folds == 3 and one.fold_of != other.fold_of
    assert found.partition("repeat:1") is one and found.partition() is found.folds


def test_a_tag_can_be_an_independent_test_set(sites):
    data = DataConfig(dataset="x", partition="tag:site=far", classic_size=84)
    parts = sites.split(data)
    assert {lesion.tags["site"] for lesion in parts.test} == {"far"} and len(parts.test) == 18
    assert {lesion.tags["site"] for lesion in (*parts.train, *parts.inner)} == {"near"}
    assert parts.inner and not {x.patient for x in parts.inner} & {x.patient for x in parts.train}
    # One training part: the nominal size is that of all its lesions, inner ones included.
    assert sites.copies_per_lesion(data) == 84 / (60 - 18) and sites.training_folds(data) == 1
    with pytest.raises(ConfigError, match=r"data.fold is 1; x has fold 0\."):
        sites.split(dataclasses.replace(data, fold=1))


def test_a_tag_can_be_ones_own_folds(sites):
    folds = sites.partition("tag:site")
    assert folds.num_folds == 2 and folds.fold_of == {p: 0 if site == "far" else 1 for p, site in SITES.items()}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "no folds of its own.*tag:NAME"),
        ("tag:age", "60 of 60 lesions have no tag 'age'.*keeps scanner, site.*--tags=age"),
        ("tag:site=moon", "no site is 'moon' .there are far, near"),
        ("tag:scanner=1", "Patient patient00 has lesions with scanner 0 and 1"),
    ],
)
def test_a_partition_that_cannot_be_is_refused(sites, name, text):
    with pytest.raises(FoldError, match=text):
        sites.partition(name)


def test_where_there_is_a_test_set_it_is_named_in_place_of_folds_to_build():
    split = tagged(split=lambda lesion: "test" if int(lesion.patient[-2:]) % 10 > 6 else "train")
    with pytest.raises(FoldError, match=r"no folds of its own; name its test set with data.partition='tag:split=test'"):
        split.partition("")


def test_a_site_without_a_class_or_without_others_is_refused():
    one_class = tagged(site=lambda lesion: "cysts" if lesion.label == 0 else "others", place=lambda lesion: "here")
    with pytest.raises(FoldError, match="no lesion of cyst to train on"):
        one_class.partition("tag:site=cysts")
    with pytest.raises(FoldError, match="every place is 'here'"):
        one_class.partition("tag:place")


def test_fewer_lesions_are_exactly_as_many_as_asked_and_of_few_patients():
    found = cohort()
    data = DataConfig(dataset="x", per_class=(8, 7, 4), hold_out_inner=False)
    train = found.split(data).train
    assert collections.Counter(lesion.label for lesion in train) == {0: 8, 1: 7, 2: 4}
    everyone = found.split(dataclasses.replace(data, per_class=()))
    taken = {lesion.patient for lesion in train}
    assert taken < {lesion.patient for lesion in everyone.train}
    # Two lesions each: only the last metastasis is alone.
    assert len(taken) == 4 + 4 + 2
    assert found.split(data).test == everyone.test
    others = found.split(dataclasses.replace(data, subset=1)).train
    assert {lesion.patient for lesion in others} != taken
    # Inner patients come out of those, not beside them.
    held = found.split(dataclasses.replace(data, hold_out_inner=True))
    assert {x.patient for x in (*held.train, *held.inner)} == taken and held.inner


@pytest.mark.parametrize(
    ("per_class", "text"),
    [
        ((8, 8), "give one number, or one for each of cyst, metastasis"),
        ((90,), "90 training lesions of cyst, but there are 12"),
    ],
)
def test_numbers_that_cannot_be_are_refused(per_class, text):
    with pytest.raises(ConfigError, match=text):
        cohort().split(DataConfig(dataset="x", per_class=per_class))
