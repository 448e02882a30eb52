import dataclasses
import json

import numpy as np
import pytest

from lesion_jax.core.types import LesionSet
from lesion_jax.data.folds import load_folds, make_folds, save_folds, split, train_fingerprint
from lesion_jax.errors import FoldError


def _patients(part):
    return {lesion.patient for lesion in part}


def _counts(part):
    return np.bincount([lesion.label for lesion in part], minlength=3).tolist()


def test_every_patient_is_tested_once_and_classes_are_balanced(cohort):
    folds = make_folds(cohort, 3, seed=0)
    tested = [_patients(split(cohort, folds, fold, hold_out_inner=False).test) for fold in range(3)]
    assert set().union(*tested) == _patients(cohort.lesions)
    assert sum(map(len, tested)) == 30
    for fold in range(3):
        counts = _counts(split(cohort, folds, fold, hold_out_inner=False).test)
        # 10 patients of 2 lesions in each class: 3 or 4 of them in a fold.
        assert set(counts) <= {6, 8}


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_split_is_disjoint_by_patient_and_complete(cohort, fold):
    folds = make_folds(cohort, 3, seed=1)
    parts = split(cohort, folds, fold, hold_out_inner=True)
    train, inner, test = map(_patients, (parts.train, parts.inner, parts.test))
    assert not (train & inner or train & test or inner & test)
    assert len(parts.train) + len(parts.inner) + len(parts.test) == 60
    assert 0.15 < len(parts.inner) / (len(parts.train) + len(parts.inner)) < 0.35
    assert min(_counts(parts.inner)) > 0 and min(_counts(parts.train)) > 0
    whole = split(cohort, folds, fold, hold_out_inner=False)
    assert _patients(whole.train) == train | inner and whole.inner == ()


def test_split_refuses_a_patient_on_both_sides(cohort):
    folds = make_folds(cohort, 3, seed=0)
    tested = next(patient for patient, fold in folds.fold_of.items() if fold == 0)
    leaky = dataclasses.replace(folds, inner=(folds.inner[0] | {tested}, *folds.inner[1:]))
    with pytest.raises(FoldError, match=tested):
        split(cohort, leaky, 0, hold_out_inner=True)


def test_split_refuses_a_fold_that_does_not_exist(cohort):
    with pytest.raises(FoldError, match="Fold 3.*folds 0 to 2"):
        split(cohort, make_folds(cohort, 3, seed=0), 3, hold_out_inner=False)


def test_folds_follow_the_seed(cohort):
    assert make_folds(cohort, 3, seed=5) == make_folds(cohort, 3, seed=5)
    assert make_folds(cohort, 3, seed=5).fold_of != make_folds(cohort, 3, seed=6).fold_of


def test_class_with_fewer_patients_than_folds(cohort):
    some = [x for x in cohort.lesions if x.label != 2 or x.patient in ("patient02", "patient05")]
    few = LesionSet(tuple(some), cohort.class_names, "HU", "few")
    with pytest.raises(FoldError, match="'hemangioma' has 2 patients, fewer than the 3 folds"):
        make_folds(few, 3, seed=0)
    # Two folds are possible, but then each leaves one training patient and nothing to hold out.
    folds = make_folds(few, 2, seed=0)
    with pytest.raises(FoldError, match="no inner validation patients"):
        split(few, folds, 0, hold_out_inner=True)
    assert len(split(few, folds, 0, hold_out_inner=False).test) > 0
    with pytest.raises(FoldError, match="at least 2"):
        make_folds(cohort, 1, seed=0)


def test_patients_that_cannot_be_divided_are_refused(cohort):
    # Every pair of the three patients shares a class that has no other patient: no two may be in one of two folds.
    carried = [("a", 0), ("a", 1), ("b", 0), ("b", 2), ("c", 1), ("c", 2)]
    lesions = tuple(
        dataclasses.replace(lesion, patient=patient, label=label)
        for lesion, (patient, label) in zip(cohort.lesions, carried, strict=False)
    )
    with pytest.raises(FoldError, match="every class into each of 2 folds"):
        make_folds(LesionSet(lesions, cohort.class_names, "HU", "knot"), 2, seed=0)


def test_saved_folds_come_back(cohort, tmp_path):
    folds = make_folds(cohort, 3, seed=0)
    save_folds(folds, tmp_path / "folds.json")
    assert load_folds(tmp_path / "folds.json", cohort) == folds
    assert [path.name for path in tmp_path.iterdir()] == ["folds.json"]


def test_load_refuses_what_does_not_belong(cohort, tmp_path):
    path = tmp_path / "folds.json"
    with pytest.raises(FoldError, match="does not exist; run `lesion-jax build`"):
        load_folds(path, cohort)
    save_folds(make_folds(cohort, 3, seed=0), path)
    with pytest.raises(FoldError, match="partitions dataset fingerprint"):
        load_folds(path, LesionSet(cohort.lesions, cohort.class_names, "HU", "another"))
    content = json.loads(path.read_text())
    content["fold_of"]["patient00"] = (content["fold_of"]["patient00"] + 1) % 3
    path.write_text(json.dumps(content))
    with pytest.raises(FoldError, match="was changed"):
        load_folds(path, cohort)
    for broken in (path.read_text()[:100], "[]", "{}"):
        path.write_text(broken)
        with pytest.raises(FoldError, match="not a partition"):
            load_folds(path, cohort)


def test_train_fingerprint_is_of_the_set_of_patients(cohort):
    lesions = cohort.lesions
    assert train_fingerprint(lesions[:10]) == train_fingerprint(lesions[9::-1])
    # Two lesions each: without one of them the patient is still there.
    assert train_fingerprint(lesions[:10]) == train_fingerprint(lesions[1:10])
    assert train_fingerprint(lesions[:10]) != train_fingerprint(lesions[:8])


def test_a_folder_in_the_place_of_the_file_is_refused(cohort, tmp_path):
    with pytest.raises(FoldError, match="cannot be read"):
        load_folds(tmp_path, cohort)
