import numpy as np
import pytest

from lesion_jax.core.types import Images
from lesion_jax.metrics import images
from lesion_jax.metrics.images import (
    GENERATOR_METRICS,
    GeneratorMetric,
    checkpoint_score,
    name_classes,
    scalars,
    score_images,
)
from lesion_jax.metrics.kernel_distance import kernel_distance
from lesion_jax.metrics.sample import Sample

WINDOW = (-160.0, 240.0)
NAMES = ("cyst", "metastasis", "hemangioma")


def real_images(counts=(10, 5, 5), seed=0):
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
    level = (60 * labels - 40)[:, None, None]
    return Images(generator.normal(level, 30, (len(labels), 32, 32)).astype(np.int16), labels)


def sample(images):
    return Sample.of(images, WINDOW)


def copying(real, seen):
    """A generator that gives back real images of the class it is asked for, and remembers the question."""

    def draw(labels, seed):
        seen.append((labels, seed))
        generator = np.random.default_rng(seed)
        return np.stack([real.pixels[generator.choice(np.flatnonzero(real.labels == label))] for label in labels])

    return draw


def test_256_images_are_asked_for_in_the_proportions_of_the_real_ones():
    real, seen = real_images(), []
    result = score_images(copying(real, seen), sample(real), 7)
    ((labels, seed),) = seen
    assert (len(labels), labels.dtype, seed) == (256, np.int32, 7)
    assert np.bincount(labels) == pytest.approx([128, 64, 64], abs=8)
    assert (result["num_real"], result["num_synthetic"]) == (20, 256)
    assert list(result["metrics"]) == list(GENERATOR_METRICS)


def test_the_numbers_are_those_of_the_metrics_on_the_images_drawn():
    real, seen = real_images(), []
    draw = copying(real, seen)
    result = score_images(draw, sample(real), 7, is_report=False)["metrics"]
    fake = draw(*seen[0])
    signed = [np.clip((x.astype(np.float32) + 160) / 400, 0, 1) * 2 - 1 for x in (fake, real.pixels)]
    found = result["kernel_distance"]
    assert (found["value"], found["std"]) == pytest.approx(kernel_distance(*signed), abs=1e-5)
    assert list(found["per_class"]) == [0, 1, 2] and found["n"] == 256
    assert list(result["variety"]["per_class"]) == [0, 1, 2]
    # Copies are as varied as what they are copied from.
    assert result["variety"]["value"] == pytest.approx(1, abs=0.1)


def test_a_worse_generator_has_a_lower_checkpoint_score():
    real = real_images()

    def grey(labels, seed):
        return np.zeros((len(labels), 32, 32), np.int16)

    copies, blank = (score_images(draw, sample(real), 0, is_report=False) for draw in (copying(real, []), grey))
    assert checkpoint_score(copies) == -copies["metrics"]["kernel_distance"]["value"]
    assert checkpoint_score(copies) > checkpoint_score(blank)
    assert blank["metrics"]["variety"]["value"] == 0


def test_too_few_real_images_have_no_score_and_none_at_all_are_refused():
    real = real_images((1, 1))
    result = score_images(copying(real, []), sample(real), 0, is_report=False)
    assert result["metrics"] == {"kernel_distance": None, "variety": None} and checkpoint_score(result) is None
    assert scalars(result, NAMES) == {}
    with pytest.raises(ValueError, match="there is none"):
        score_images(copying(real, []), sample(real[:0]), 0)


def test_files_and_scalars_name_classes():
    scored = {
        "metrics": {
            "kernel_distance": {"value": 0.25, "std": 0.5},
            "variety": {"value": 0.5, "per_class": {0: 0.25, 2: 0.75}},
        }
    }
    named = name_classes({**scored, "num_real": 3}, NAMES)
    assert named["metrics"]["variety"] == {"value": 0.5, "per_class": {"cyst": 0.25, "hemangioma": 0.75}}
    assert named["num_real"] == 3 and named["metrics"]["kernel_distance"] == scored["metrics"]["kernel_distance"]
    assert scalars(scored, NAMES) == {
        "kernel_distance/value": 0.25,
        "kernel_distance/std": 0.5,
        "variety/value": 0.5,
        "variety/cyst": 0.25,
        "variety/hemangioma": 0.75,
    }


def test_a_metric_added_to_the_table_is_scored_and_can_choose(monkeypatch):
    def brightness(fake, real):
        assert (len(fake), len(real), real.window) == (256, 20, WINDOW)
        return {"value": float(fake.pixels.mean() - real.pixels.mean())}

    added = GeneratorMetric("brightness", "Brightness", "higher", brightness)
    monkeypatch.setitem(GENERATOR_METRICS, "brightness", added)
    real = real_images()
    grey = lambda labels, seed: np.full((len(labels), 32, 32), 100, np.int16)  # noqa: E731
    result = score_images(grey, sample(real), 0, is_report=False)
    expected = 100 - float(real.pixels.mean())
    assert result["metrics"]["brightness"] == {"value": expected, "n": 256}
    assert scalars(result, NAMES)["brightness/value"] == expected
    monkeypatch.setattr(images, "CHOOSES", "brightness")
    assert checkpoint_score(result) == expected


def test_each_row_carries_its_own_name():
    assert all(metric.name == name and metric.title for name, metric in GENERATOR_METRICS.items())
    assert images.CHOOSES in GENERATOR_METRICS


def test_the_floor_is_the_metric_of_as_many_other_real_images_and_of_as_many_synthetic_ones():
    real, others, fake = (
        sample(real_images(counts, i)) for i, counts in enumerate(((12, 6, 6), (10, 9, 9), (60, 30, 30)))
    )
    result = images.compare(fake, real, others=others)
    assert (result["num_real"], result["num_floor"], result["num_synthetic"]) == (24, 20, 120)
    metrics = result["metrics"]
    assert list(metrics) == list(GENERATOR_METRICS)
    for name, row in GENERATOR_METRICS.items():
        # Those that depend on the number take as many as the floor has.
        assert metrics[name]["n"] == (20 if row.depends_on_n else 120), name
    taken, floor = images.matched(fake, others, real)
    assert np.bincount(taken.labels).tolist() == np.bincount(floor.labels).tolist() == [10, 5, 5]
    assert metrics["frechet"]["floor"] == images.score_frechet(floor, real)["value"]
    # What differs in nothing but chance lies at its floor.
    assert 0.5 < metrics["frechet"]["value"] / metrics["frechet"]["floor"] < 2
    assert {"frechet", "two_sample"}.isdisjoint(images.compare(fake, real, others=others, is_report=False)["metrics"])


def test_real_patients_stay_whole_in_the_partitions_of_the_floor():
    others, real = (
        Sample.of(real_images((8, 8, 8), i), WINDOW, [f"{i}-{n // 2}" for n in range(24)]) for i in range(2)
    )
    seen = []

    def compute(fake, reference):
        seen.append({*fake.pixels[:, 0, 0].tolist()})
        assert not (taken := {*fake.patients.tolist()}) & {*reference.patients.tolist()}
        # Each of the 24 patients has two lesions.
        assert len(reference) == min(24, 2 * (24 - len(taken)))
        return {"value": float(len(fake))}

    values = images.floor_values(compute, others, real, (8, 8, 8))
    assert values == [24.0] * 20 and len({frozenset(some) for some in seen}) == 20
