import dataclasses

import jax
import numpy as np
import pytest

from lesion_jax import restore_classifier
from lesion_jax.config import DataConfig
from lesion_jax.core.types import Images
from lesion_jax.data.lesion_images import original_images
from lesion_jax.data.training_images import prepare_images, resolve_window
from lesion_jax.errors import ConfigError, DataError, RunError
from lesion_jax.families import BovwConfig, family_of
from lesion_jax.inference.export import export_run
from lesion_jax.inference.predict import predict
from lesion_jax.train.run import train
from tests.train.tiny import cohort

CONFIG = BovwConfig(num_words=20, data=DataConfig(dataset="tiny", image_size=24, classic_size=0))


def _lesions(patients):
    """Lesions of which only the patient matters."""
    return tuple(dataclasses.replace(cohort().lesions.lesions[0], patient=patient) for patient in patients)


@pytest.fixture(scope="module")
def images():
    """Three classes that differ by their texture, four lesions of each of twelve patients."""
    found = prepare_images(resolve_window(CONFIG, cohort()), cohort())
    generator = np.random.default_rng(0)
    labels = np.arange(48, dtype=np.int32) % 3
    pixels = generator.normal(40, 10 + 30 * labels[:, None, None], (48, 24, 24)).astype(np.int16)
    lesions = _lesions([f"patient {i // 4}" for i in range(48)])
    return dataclasses.replace(
        found,
        images=Images(pixels, labels),
        num_originals=48,
        lesions=lesions,
        schedule=dataclasses.replace(found.schedule, num_real=48, num_synthetic=0),
        class_names=("a", "b", "c"),
    )


def fitted(images, **changes):
    config = dataclasses.replace(resolve_window(CONFIG, cohort()), **changes)
    return config, family_of(config).fit(config, images)


def test_it_tells_textures_apart_and_permuted_labels_give_chance(images):
    half, rest = np.arange(48) < 24, np.arange(48) >= 24

    def accuracy(labels):
        seen = dataclasses.replace(
            images,
            images=Images(images.images.pixels[half], labels[half]),
            num_originals=24,
            lesions=images.lesions[:24],
            schedule=dataclasses.replace(images.schedule, num_real=24),
        )
        config, arrays = fitted(seen)
        probabilities, features = family_of(config).classify(config, 3, arrays, images.images.pixels[rest])
        assert probabilities.dtype == np.float32 and features.shape == (24, 7)
        np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
        return np.mean(probabilities.argmax(1) == labels[rest])

    labels = images.images.labels
    assert accuracy(labels) > 0.9
    permuted = [np.random.default_rng(i).permutation(labels) for i in range(8)]
    # 192 answers at 1/3: two standard errors are 7 points.
    assert 0.2 < np.mean([accuracy(some) for some in permuted]) < 0.47


def test_a_fit_is_a_function_of_the_seed(images):
    (_, one), (_, two), (_, other) = fitted(images), fitted(images), fitted(images, seed=1)
    assert all(np.asarray(one[name]).tobytes() == np.asarray(two[name]).tobytes() for name in one)
    assert one["words"].tobytes() != other["words"].tobytes()


def test_probabilities_of_what_cannot_be_told_are_even(images):
    _, clear = fitted(images)
    shuffled = Images(images.images.pixels, np.random.default_rng(5).permutation(images.images.labels))
    config, arrays = fitted(dataclasses.replace(images, images=shuffled))
    # Asked of patients that were held out, decision values of noise are worth nothing.
    assert arrays["scale"] < 0.5 < 1 < clear["scale"]
    probabilities, _ = family_of(config).classify(config, 3, arrays, images.images.pixels)
    assert np.abs(probabilities - 1 / 3).max() < 0.35


def test_too_few_patients_to_hold_any_out_leave_decision_values_as_they_are(images):
    _, arrays = fitted(dataclasses.replace(images, lesions=_lesions(["one"] * 48)))
    assert arrays["scale"] == 1


def test_a_class_without_an_image_is_refused(images):
    two = dataclasses.replace(images, class_names=("a", "b", "c", "d"))
    with pytest.raises(DataError, match="no training image of d"):
        fitted(two)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patch_size": 25}, "patch_size is 25, but data.image_size is 24"),
        ({"patch_size": 3}, "num_components is 10, but a patch of patch_size 3 has 9 pixels"),
        ({"kept_words": 0.0}, "kept_words is 0.0"),
        ({"data": dataclasses.replace(CONFIG.data, label="cyst")}, "takes all classes"),
        (
            {"data": dataclasses.replace(CONFIG.data, banks=("b",), synthetic_size=2, synthetic_share=0.5)},
            "synthetic_share is 0.5",
        ),
        ({"data": dataclasses.replace(CONFIG.data, sampling="balanced")}, "sampling is 'balanced'"),
    ],
)
def test_impossible_settings_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(CONFIG, **changes).check()


def test_a_run_is_restored_from_its_arrays_and_is_not_exported(tmp_path):
    tiny, run = cohort(), tmp_path / "run"
    config = dataclasses.replace(CONFIG, data=dataclasses.replace(CONFIG.data, classic_size=20))
    assert train(config, run, cohort=tiny) and not train(config, run, cohort=tiny)
    restored = restore_classifier(run)
    assert all(isinstance(leaf, np.ndarray | np.generic) for leaf in jax.tree.leaves(restored.arrays))
    lesions = tiny.lesions.lesions
    probabilities, features = restored(original_images(lesions, 24, 0.25).pixels)
    # An image's answer is its own, whatever stands beside it.
    alone, _ = restored(original_images(lesions[:1], 24, 0.25).pixels)
    np.testing.assert_allclose(alone, probabilities[:1], rtol=1e-5)
    assert probabilities.shape == (len(lesions), len(tiny.lesions.class_names)) and features.shape[1] == 7
    assert predict(run, lesions).classes.tolist() == probabilities.argmax(1).tolist()
    with pytest.raises(RunError, match="Bag of visual words. cannot be exported"):
        export_run(run, tmp_path / "export")
