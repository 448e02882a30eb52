import json

import numpy as np
import pytest

from lesion_jax import restore_classifier, restore_generator
from lesion_jax.commands import main
from lesion_jax.core.types import Images
from lesion_jax.data.augment import original
from lesion_jax.data.folds import split
from lesion_jax.errors import RunError
from lesion_jax.inference.score_run import score_run
from lesion_jax.inference.text import describe
from lesion_jax.metrics.estimates import mean_of
from lesion_jax.metrics.images import GENERATOR_METRICS, GeneratorMetric, name_classes, score_images
from lesion_jax.metrics.predictions import PREDICTION_METRICS, PredictionMetric
from lesion_jax.metrics.sample import Sample
from tests.inference.conftest import DATA

pytestmark = pytest.mark.slow

NAMES = ["cyst", "metastasis", "hemangioma"]


@pytest.fixture(scope="module")
def test_lesions(cohort):
    return split(cohort.lesions, cohort.folds, 0, hold_out_inner=True).test


def images_of(lesions):
    pixels = np.stack([original(lesion, 32, DATA.margin) for lesion in lesions])
    return Images(pixels, np.array([lesion.label for lesion in lesions], np.int32))


def sample_of(lesions):
    return Sample.of(images_of(lesions), (-160.0, 240.0), [lesion.patient for lesion in lesions])


def test_a_classifier_is_scored_on_its_own_test_lesions(runs, dataset, test_lesions):
    result = score_run(runs["classifier"], dataset=dataset)
    images = images_of(test_lesions)
    right = restore_classifier(runs["classifier"])(images.pixels)[0].argmax(-1) == images.labels
    found = result["predictions"]
    assert found["metrics"]["accuracy"]["total"]["value"] == right.mean()
    assert np.sum(found["confusion"], axis=1).tolist() == np.bincount(images.labels).tolist()
    assert (result["n"], result["part"], result["fold"]) == (len(test_lesions), "test", 0)
    assert (found["checkpoint"], found["step"]) == ("best", 40) and result["class_names"] == NAMES
    assert "images" not in result


def test_a_generator_is_scored_by_the_protocol_of_the_training(runs, dataset, cohort, test_lesions):
    result = score_run(runs["acgan"], dataset=dataset)
    generator = restore_generator(runs["acgan"])
    train = split(cohort.lesions, cohort.folds, 0, hold_out_inner=True).train
    by_hand = score_images(generator, sample_of(test_lesions), generator.config.seed, others=sample_of(train))
    assert result["images"] == {"checkpoint": "best", "step": 40, **name_classes(by_hand, NAMES)}
    assert (result["images"]["num_real"], result["images"]["num_synthetic"]) == (len(test_lesions), 256)
    # What chooses its checkpoint is its images; its discriminator is read from the last.
    assert result["predictions"]["checkpoint"] == "last"
    assert score_run(runs["acgan"], dataset=dataset, which="best")["predictions"]["checkpoint"] == "best"


def test_a_dcgan_is_scored_against_its_own_class_alone(runs, dataset, test_lesions):
    result = score_run(runs["dcgan"], dataset=dataset)
    assert "predictions" not in result
    assert result["n"] == result["images"]["num_real"] == sum(lesion.label == 1 for lesion in test_lesions)
    assert list(result["images"]["metrics"]["variety"]["per_class"]) == ["metastasis"]


def test_parts_are_those_of_the_run(runs, dataset, cohort):
    parts = split(cohort.lesions, cohort.folds, 0, hold_out_inner=True)
    for part in ("train", "inner"):
        assert score_run(runs["classifier"], dataset=dataset, part=part)["n"] == len(getattr(parts, part))


def test_a_dataset_that_is_away_or_another_is_refused(runs, dataset, tmp_path, cohort):
    with pytest.raises(RunError, match=r"is not at .*moved away; say where it lies now with --dataset"):
        score_run(runs["classifier"])
    with pytest.raises(RunError, match="is not the directory of a run"):
        score_run(tmp_path, dataset=dataset)


def toy(labels, probabilities):
    assert probabilities.shape == (1, len(labels), 3)
    return mean_of(np.full((1, len(labels)), 1.5))


def brightness(fake, real):
    return {"value": 12.5, "per_class": {0: 10.0, 2: 15.0}}


def test_metrics_added_to_the_tables_are_printed(runs, dataset, monkeypatch, capsys):
    monkeypatch.setitem(PREDICTION_METRICS, "toy", PredictionMetric("toy", "Toyness", toy, unit="", largest=None))
    monkeypatch.setitem(
        GENERATOR_METRICS, "brightness", GeneratorMetric("brightness", "Brightness", "lower", brightness)
    )
    words = ["evaluate", f"--workdir={runs['acgan']}", f"--dataset={dataset}"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    (found,) = [line for line in lines if "Toyness" in line]
    assert found.split() == ["Toyness", "1.500", "[1.500,", "1.500]", "n", "=", "24"]
    at = lines.index(next(line for line in lines if "Brightness (lower is better)" in line))
    assert [line.split() for line in lines[at + 1 : at + 3]] == [["cyst", "10.0000"], ["hemangioma", "15.0000"]]
    assert "as a classifier, last checkpoint, step 40" in lines
    assert any(
        "as a generator, best checkpoint, step 40: 256 synthetic images against 24 real" in line for line in lines
    )
    assert main([*words, "--json", "--checkpoint=last"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["images"]["metrics"]["brightness"]["value"] == 12.5
    assert result["images"]["checkpoint"] == result["predictions"]["checkpoint"] == "last"


def test_text_of_every_kind_of_number():
    share = {"value": 0.5, "low": 0.25, "high": 0.75, "n": 8}
    result = {
        "run": "RUN",
        "kind": "acgan",
        "fold": 1,
        "part": "test",
        "n": 8,
        "class_names": ["a", "b"],
        "predictions": {
            "checkpoint": "last",
            "step": 3,
            "confusion": [[4, 0], [4, 0]],
            "metrics": {"sensitivity": {"total": share, "per_class": [{**share, "n": 0}, share]}},
        },
        "images": {
            "checkpoint": "best",
            "step": 2,
            "num_real": 2,
            "num_synthetic": 256,
            "metrics": {"kernel_distance": None, "variety": {"value": 0.5, "std": 0.125}},
        },
    }
    lines = [line.split() for line in describe(result).splitlines()]
    assert ["Sensitivity", "50.0", "%", "[25.0,", "75.0]", "n", "=", "8"] in lines
    assert ["a", "-", "n", "=", "0"] in lines
    assert ["Kernel", "distance", "(lower", "is", "better)", "-", "too", "few", "images"] in lines
    assert ["Variety", "(higher", "is", "better)", "0.5000", "+-", "0.1250"] in lines
