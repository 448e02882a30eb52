import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lesion_jax import restore_classifier, restore_generator
from lesion_jax.core import keys
from lesion_jax.errors import DamagedError, RunError
from lesion_jax.families import FAMILIES, ClassifierConfig
from lesion_jax.inference.predict import predict

CHECKOUT = Path(__file__).parents[2]
# Tests that train a GAN are slow; classifiers, and a family that draws without steps, are restored every day.
Z = np.random.default_rng(0).uniform(-1, 1, (70, 6)).astype(np.float32)
LABELS = np.arange(70, dtype=np.int32) % 3


def state_of(folder):
    """What a program that writes nothing leaves as it was."""
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in [folder, *folder.rglob("*")]}


def in_a_fresh_process(code, cwd, *argv):
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-W", "error", "-c", code, *map(str, argv)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def test_the_package_alone_loads_no_framework(tmp_path):
    code = "import sys, lesion_jax; print({'jax', 'flax', 'numpy', 'tensorflow', 'orbax'} & {*sys.modules})"
    done = in_a_fresh_process(code, tmp_path)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")


def test_another_name_of_the_package_is_still_missing():
    import lesion_jax

    with pytest.raises(AttributeError, match="restore_everything"):
        _ = lesion_jax.restore_everything


SCRIPT = """
import sys
sys.modules["tensorflow"] = None
import json
import numpy as np
from lesion_jax import restore_classifier, restore_generator
generator = restore_generator(sys.argv[1])
images = generator.from_latents(np.zeros((2, 6), np.float32), np.array([0, 2]))
probabilities, features = restore_classifier(sys.argv[2])(images)
print(json.dumps([images.tolist(), probabilities.tolist()]))
"""


@pytest.mark.slow
def test_three_lines_need_neither_tensorflow_nor_the_dataset_and_write_nothing(runs, tmp_path):
    used = runs["acgan"], runs["classifier"]
    before = [state_of(run) for run in used]
    for run in used:
        run.chmod(0o555)
    try:
        done = in_a_fresh_process(SCRIPT, tmp_path, *used)
    finally:
        for run in used:
            run.chmod(0o755)
    assert done.returncode == 0, done.stderr[-2000:]
    images, probabilities = json.loads(done.stdout)
    here = restore_generator(runs["acgan"]).from_latents(np.zeros((2, 6), np.float32), np.array([0, 2]))
    np.testing.assert_array_equal(images, here)
    np.testing.assert_allclose(probabilities, restore_classifier(runs["classifier"])(here)[0], atol=1e-5)
    assert [state_of(run) for run in used] == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_image_from_latents_depends_on_its_own_latent_and_label(runs):
    generator = restore_generator(runs["acgan"])
    images = generator.from_latents(Z, LABELS)
    assert images.shape == (70, 32, 32) and images.dtype == np.int16 and images.std() > 1
    np.testing.assert_array_equal(generator.from_latents(Z[66:], LABELS[66:]), images[66:])
    other = generator.from_latents(Z, (LABELS + 1) % 3)
    assert all(not np.array_equal(a, b) for a, b in zip(images, other, strict=True))


@pytest.mark.slow
def test_drawing_by_seed_is_drawing_from_the_latents_of_that_seed(runs):
    generator = restore_generator(runs["acgan"])
    z = np.asarray(keys.latents(keys.per_example(keys.stream(5, "samples"), np.arange(70)), 6))
    images = generator(LABELS, seed=5)
    np.testing.assert_array_equal(images, generator.from_latents(z, LABELS))
    assert not np.array_equal(generator(LABELS, seed=6), images)


def test_what_is_restored_does_what_was_trained(runs, cohort):
    # Three grey levels 100 HU apart: what was really restored tells more than two of them apart.
    assert predict(runs["classifier"], cohort.lesions.lesions).accuracy > 0.7
    classifier = restore_classifier(runs["classifier"])
    assert classifier.class_names == ("cyst", "metastasis", "hemangioma")
    probabilities, features = classifier(np.zeros((70, 32, 32), np.int16))
    assert probabilities.shape == (70, 3) and features.shape == (70, 32)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


@pytest.mark.slow
def test_nothing_in_gives_nothing_out(runs):
    generator, classifier = restore_generator(runs["acgan"]), restore_classifier(runs["classifier"])
    for images in (generator([], seed=0), generator.from_latents(Z[:0], LABELS[:0])):
        assert images.shape == (0, 32, 32) and images.dtype == np.int16
    assert [x.shape for x in classifier(np.zeros((0, 32, 32), np.int16))] == [(0, 3), (0, 32)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("z", "labels", "message"),
    [
        (Z[:, :5], LABELS, r"latents \[N, 6\], got \[70, 5\]"),
        (Z[0], LABELS[:1], r"latents \[N, 6\], got \[6\]"),
        (np.full((2, 6), np.nan), LABELS[:2], "finite numbers, but 12 of 12"),
        (np.where(Z.max() == Z, np.inf, Z), LABELS, "but 1 of 420 are not"),
        (Z, LABELS[:69], "70 latents and 69 labels"),
        (Z, LABELS[:, None], r"int32 \[N\], got int32 \[70, 1\]"),
        (Z, LABELS.astype(np.float32), "got float32"),
        (Z, LABELS + 1, r"0 \(cyst\), 1 \(metastasis\), 2 \(hemangioma\); got 3"),
        (Z, LABELS - 1, r"2 \(hemangioma\); got -1"),
    ],
)
def test_wrong_latents_and_labels_are_refused_naming_both(runs, z, labels, message):
    with pytest.raises(ValueError, match=message):
        restore_generator(runs["acgan"]).from_latents(z, labels)


@pytest.mark.slow
def test_a_dcgan_of_one_class_makes_no_other(runs):
    generator = restore_generator(runs["dcgan"])
    assert generator.from_latents(Z[:2], np.array([1, 1])).std() > 1
    for draw in (lambda labels: generator.from_latents(Z[:2], labels), lambda labels: generator(labels, seed=0)):
        with pytest.raises(ValueError, match=r"makes the labels 1 \(metastasis\); got 0, 2"):
            draw(np.array([0, 2]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("restore", "kind", "message"),
    [
        (restore_classifier, "dcgan", r"dcgan \(DCGAN\) cannot classify; name a run of: Classifier, .*ACGAN"),
        (restore_generator, "classifier", r"\(Classifier\) cannot draw images; name a run of: DCGAN, ACGAN"),
    ],
)
def test_what_a_run_cannot_do_is_refused_naming_what_can(runs, restore, kind, message):
    with pytest.raises(RunError, match=message):
        restore(runs[kind])


@pytest.mark.slow
def test_the_list_of_what_can_is_the_table_at_the_time(runs, monkeypatch):
    toy = dataclasses.replace(FAMILIES["classifier"], name="toy", title="Toy", config=ClassifierConfig)
    monkeypatch.setitem(FAMILIES, "toy", toy)
    with pytest.raises(RunError, match=r"name a run of: Classifier, .*, Toy\."):
        restore_classifier(runs["dcgan"])


@pytest.mark.slow
def test_each_run_classifies_with_the_checkpoint_that_its_family_says(runs):
    assert restore_classifier(runs["classifier"]).which == "best"
    assert restore_classifier(runs["acgan"]).which == "last" and restore_generator(runs["acgan"]).which == "best"
    assert restore_classifier(runs["acgan"], "best").which == "best"


@pytest.mark.slow
def test_a_step_gives_the_checkpoint_of_that_step(runs):
    steps = sorted(int(path.name) for path in (runs["classifier"] / "checkpoints").iterdir())
    assert len(steps) > 1
    assert [restore_classifier(runs["classifier"], step).step for step in steps] == steps
    # numpy's integers too, and a script can write which it was.
    assert json.dumps(restore_generator(runs["dcgan"], np.int64(steps[0])).which) == str(steps[0])


@pytest.mark.slow
@pytest.mark.parametrize("which", ["Last", "newest", "", "4", None, True, 3.0, 270, -1])
def test_no_other_word_or_step_gives_a_checkpoint(which, runs):
    # The last of the runs is at another step.
    with pytest.raises(RunError, match="'best', 'last' or the number of a step|the steps that it holds: "):
        restore_classifier(runs["classifier"], which)
    with pytest.raises(RunError, match="'best', 'last' or the number of a step|the steps that it holds: "):
        restore_generator(runs["dcgan"], which)


def test_for_a_damaged_checkpoint_of_a_step_no_other_is_taken(runs, tmp_path):
    run = shutil.copytree(runs["classifier"], tmp_path / "run")
    step = max(int(path.name) for path in (run / "checkpoints").iterdir())
    (run / "checkpoints" / str(step) / "_CHECKPOINT_METADATA").write_text("{}")
    assert restore_classifier(run, "last").step < step
    with pytest.raises(DamagedError, match=rf"checkpoints/{step} is damaged"):
        restore_classifier(run, step)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((1, 32, 32), np.nan), "whole numbers, int16 in HU, got float64"),
        (np.full((1, 32, 32), 0.5, np.float32), "not scaled"),
        (np.full((1, 32, 32), True), "got bool"),
        (np.full((1, 32, 32), -50, np.int16).astype(np.uint16), "made unsigned"),
        (np.full((1, 32, 32), 2**40), "from -32768 to 32767"),
        (np.zeros((32, 32), np.int16), "got"),
        (np.zeros((1, 32, 31), np.int16), "got"),
    ],
)
def test_numbers_that_are_no_images_are_refused(pixels, message, runs):
    with pytest.raises(ValueError, match=message):
        restore_classifier(runs["classifier"])(pixels)


def test_whole_numbers_of_any_type_are_the_images_that_they_say(runs):
    classifier = restore_classifier(runs["classifier"])
    pixels = np.arange(1024).reshape(1, 32, 32) % 200
    for kind in (np.int64, np.uint8):
        np.testing.assert_array_equal(classifier(pixels.astype(kind))[0], classifier(pixels.astype(np.int16))[0])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [-1, 2**31, 2**40])
def test_a_seed_beyond_its_range_is_refused(seed, runs):
    with pytest.raises(ValueError, match="A seed lies in"):
        restore_generator(runs["acgan"])(np.zeros(1, np.int32), seed=seed)
