"""Broken banks are called broken, for the right reason; banks in order are not."""

import dataclasses
import functools
import json

import numpy as np
import pytest
from scipy import ndimage

from lesion_jax.inference.audit import audit_bank, judged
from lesion_jax.metrics.floor import floor_values
from lesion_jax.metrics.images import floor_ranges
from lesion_jax.metrics.label_audit import audit_labels
from lesion_jax.metrics.leaks import find_leaks, has_flat_corner, has_hole
from tests.metrics.drawn import NAMES, bank, collapsed, lesions, near_copies, noise, relabelled

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def train():
    return lesions(60, 0)


@pytest.fixture(scope="module")
def held_out():
    return lesions(36, 1)


@pytest.fixture(scope="module")
def fresh():
    return lesions(72, 2)


def test_a_fresh_bank_is_in_order(train, held_out, fresh):
    found = audit_bank(fresh, train, held_out, NAMES, ranges=lambda counts: {"variety": [0.8, 1.2]})
    assert found["broken"] == [] and found["labels"]["verdict"] == "right"
    assert found["sentence"].startswith("Nothing is broken in the bank")
    assert found["metrics"]["metrics"]["variety"]["floor_range"] == [0.8, 1.2]
    assert json.loads(json.dumps(found)) == found
    assert (found["num_bank"], found["num_train"], found["num_held_out"]) == (72, 60, 36)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("swapped", ["wrong labels"]),
        ("noise", ["not lesions"]),
        ("grey", ["not lesions"]),
        ("collapsed", ["collapsed"]),
    ],
)
def test_a_broken_bank_is_called_so_for_the_right_reason(train, held_out, fresh, name, words):
    made = {
        "swapped": lambda: relabelled(fresh, (1, 0, 2)),
        "noise": lambda: noise(72, 0),
        "grey": lambda: bank(np.full((72, 32, 32), 100), np.arange(72) % 3),
        "collapsed": lambda: collapsed(fresh, 72, 3, 0),
    }
    found = audit_bank(made[name](), train, held_out, NAMES)
    assert found["broken"] == words and found["sentence"].startswith("The bank is broken: ")
    if name == "swapped":
        assert "swapped (cyst for metastasis, metastasis for cyst)" in found["sentence"]


def test_a_bank_of_near_copies_is_called_so(train, held_out):
    found = audit_bank(near_copies(train, 60, 0), train, held_out, NAMES)
    assert "copies" in found["broken"] and "copies of training lesions" in found["sentence"]
    best = found["copies"]["pairs"][0]
    assert best["ratio"] < 1 / 3 and 0 <= best["lesion"] < 60


def test_labels_that_cannot_be_told_on_real_lesions_get_no_verdict(train, held_out, fresh):
    scrambled = lesions(60, 0)
    scrambled.labels[:] = np.random.default_rng(0).permutation(scrambled.labels)
    assert audit_labels(fresh, scrambled, None, NAMES)["verdict"] == "cannot tell"
    half = bank(fresh.pixels, np.where(np.arange(72) % 4 == 0, (fresh.labels + 1) % 3, fresh.labels))
    assert audit_labels(half, train, held_out, NAMES)["verdict"] == "weaker than real"


def test_a_dataset_of_one_class_is_audited_and_has_no_wrong_labels(train, held_out, fresh):
    cysts = [sample[sample.labels == 0] for sample in (fresh, train, held_out)]
    found = audit_bank(*cysts, NAMES[:1])
    assert found["broken"] == [] and found["labels"]["verdict"] == "one class"
    assert "label" not in found["sentence"] and found["labels"]["confusion"] == [[len(cysts[0])]]


def test_a_bank_that_is_farther_than_chance_allows_is_said_to_be(train, held_out, fresh):
    ranges = functools.partial(floor_ranges, train, held_out)
    assert not any("farther" in one for one in audit_bank(fresh, train, held_out, NAMES, ranges=ranges)["warnings"])
    # Of every lesion a blurred one: no collapse, the labels right, and not what a scanner sees.
    soft = dataclasses.replace(fresh, pixels=ndimage.gaussian_filter(fresh.pixels.astype(float), (0, 0.6, 0.6)))
    found = audit_bank(soft, train, held_out, NAMES, ranges=ranges)
    (said,) = (one for one in found["warnings"] if "farther" in one)
    assert found["broken"] == [] and "kernel distance" in said and "of real ones" in said


def test_where_a_class_is_rare_fresh_images_are_not_farther_than_chance_allows(train, held_out, fresh):
    rare = train[np.sort(np.concatenate([np.flatnonzero(train.labels == i)[:n] for i, n in enumerate((20, 20, 4))]))]
    found = audit_bank(fresh, rare, held_out, NAMES, ranges=functools.partial(floor_ranges, rare, held_out))
    assert not any("farther" in one for one in found["warnings"])
    # Four of each class are compared with their like.
    score = found["metrics"]["metrics"]["frechet"]
    assert score["n"] == 12 and score["floor_range"][0] <= score["floor"]


def test_a_bank_of_one_class_is_compared_with_lesions_of_that_class(train, held_out, fresh):
    cysts = fresh[fresh.labels == 0]
    found = audit_bank(cysts, train, held_out, NAMES, ranges=functools.partial(floor_ranges, train, held_out))
    assert (found["num_train"], found["num_held_out"]) == (20, 12) and found["metrics"]["num_floor"] == 20
    assert found["broken"] == [] and not any("farther" in one for one in found["warnings"])
    alone = audit_bank(*(sample[sample.labels == 0] for sample in (cysts, train, held_out)), NAMES[:1])
    for name, score in alone["metrics"]["metrics"].items():
        assert found["metrics"]["metrics"][name] is None or found["metrics"]["metrics"][name]["value"] == score["value"]


def test_a_class_whose_only_patient_is_left_out_is_audited(train, held_out, fresh):
    kept = [sample[sample.labels < 2] for sample in (fresh, train, held_out)]
    rare = kept[1]
    patients = np.where(rare.labels == 1, rare.patients.max() + 1, rare.patients)
    found = audit_labels(kept[0], dataclasses.replace(rare, patients=patients), kept[2], NAMES[:2])
    assert np.sum(found["floor_confusion"]) == len(rare) + len(kept[2])


def test_leaks_are_seen_where_real_images_have_none(train, held_out, fresh):
    clean = find_leaks(fresh, train, held_out)
    assert not any(leak["leaks"] for leak in clean.values() if leak is not None)
    # These lesions have no left and right; a gradient gives them one.
    assert clean["mirrored left-right"] is None
    corners, holes = fresh.pixels.copy(), fresh.pixels.copy()
    corners[:, :5, :5], holes[:, 8:20, 8:20] = -20, 0
    assert has_flat_corner(bank(corners, fresh.labels).unit).all() and has_hole(bank(holes, fresh.labels).unit).all()
    assert find_leaks(bank(corners, fresh.labels), train, held_out)["corners"]["leaks"]
    assert find_leaks(bank(holes, fresh.labels), train, held_out)["holes"]["leaks"]
    slope = np.linspace(-40, 40, 32)[None, None]
    sloped = [bank(x.pixels + slope, x.labels) for x in (fresh, train, held_out)]
    assert not find_leaks(*sloped)["mirrored left-right"]["leaks"]
    flipped = np.where(np.arange(72)[:, None, None] % 2, sloped[0].pixels, sloped[0].pixels[:, :, ::-1])
    assert find_leaks(bank(flipped, fresh.labels), *sloped[1:])["mirrored left-right"]["leaks"]


def test_a_bank_is_judged_in_the_proportions_of_the_real_images():
    real = np.repeat([0, 1, 2], [20, 10, 10])
    chosen = judged(np.arange(3000) % 3, real)
    assert np.bincount(np.arange(3000)[chosen] % 3).tolist() == [128, 64, 64]
    assert judged(np.ones(50, int), real).tolist() == list(range(50))


def test_the_floor_is_that_of_real_images_at_their_number(train, held_out):
    values = floor_values(lambda fake, real: {"value": len(fake) / len(real)}, train, held_out, (9, 9, 4))
    assert values == [22 / 36] * 20
    assert floor_values(lambda fake, real: {"value": 1.0}, train, held_out, (60, 9, 4)) == []
