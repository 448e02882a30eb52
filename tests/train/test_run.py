import dataclasses
import functools
import json
import shutil
import subprocess
import sys

import flax.serialization
import jax
import numpy as np
import pytest

from lesion_jax.core import keys
from lesion_jax.core.types import Images
from lesion_jax.data.bank import save_bank
from lesion_jax.data.training_images import prepare_images, resolve_window
from lesion_jax.errors import BankError, ConfigError, DivergedError, Preempted, RunError
from lesion_jax.families import FAMILIES
from lesion_jax.inference.restore import restore_classifier
from lesion_jax.inference.sample import draw_bank
from lesion_jax.io.run_files import load_provenance
from lesion_jax.io.saved_checkpoints import load_checkpoint
from lesion_jax.runtime import parallel, preemption
from lesion_jax.train.recorder import Recorder
from lesion_jax.train.run import train
from lesion_jax.train.training import Training
from tests.reader.conftest import facts
from tests.train.tiny import cohort, configs, true_at

pytestmark = pytest.mark.slow

DCGAN, ACGAN, CLASSIFIER = configs().values()
ONE_DEVICE = dataclasses.replace(CLASSIFIER, num_devices=1)
LOOP = CLASSIFIER.loop


@pytest.fixture(scope="module")
def tiny():
    return cohort()


def with_data(config, **changes):
    return dataclasses.replace(config, data=dataclasses.replace(config.data, **changes))


def lasting(config, duration):
    return dataclasses.replace(config, loop=dataclasses.replace(config.loop, duration=duration))


def arrays(run, which="last"):
    note, tree = load_checkpoint(run / "checkpoints", which)
    step = note.step
    flat = {}

    def walk(node, path):
        if isinstance(node, dict):
            for name, child in node.items():
                walk(child, f"{path}/{name}")
        else:
            flat[path] = np.asarray(node)

    walk(tree, "")
    return step, flat


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory):
    """Config -> directory of its finished run, only to be looked at."""

    @functools.cache
    def of(config):
        path = tmp_path_factory.mktemp(config.kind) / "run"
        assert train(config, path, cohort=tiny)
        return path

    return of


@pytest.mark.parametrize("config", [CLASSIFIER, ACGAN], ids=lambda c: c.kind)
def test_a_run_leaves_everything_and_a_continued_one_leaves_the_same_bits(
    config, finished, tiny, tmp_path, monkeypatch
):
    whole, broken = finished(config), tmp_path / "broken"
    assert (whole / "DONE").exists() and not train(config, whole, cohort=tiny)
    records = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    assert [r["step"] for r in records if any(k.startswith("train/") for k in r)] == list(range(1, 9))
    assert any(k.startswith("inner/") for r in records for k in r)
    assert bool(list((whole / "samples").glob("*.png"))) == (config.kind != "classifier")

    # The one is made longer, the other was interrupted, where nothing else was due.
    if config is CLASSIFIER:
        train(lasting(config, "4 steps"), broken, cohort=tiny)
    else:
        with monkeypatch.context() as asked, pytest.raises(Preempted):
            asked.setattr(preemption, "requested", true_at(3))
            train(config, broken, cohort=tiny)
        assert (broken / "checkpoints" / "3").is_dir()
    assert train(config, broken, cohort=tiny)
    (step, first), (_, second) = arrays(whole), arrays(broken)
    assert step == 8 and first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert (whole / "metrics.jsonl").read_bytes() == (broken / "metrics.jsonl").read_bytes()


def test_a_training_says_what_it_does_before_its_first_step(tiny, tmp_path, capsys):
    train(lasting(ONE_DEVICE, "4 steps"), tmp_path, cohort=tiny, label="mine")
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == ["mine: prepares its images", "mine: compiles its step"] and told[-1].startswith("mine: 4/4")


@pytest.mark.parametrize(("saving", "continuing"), [(1, 4), (4, 2), (2, 1)])
def test_what_any_number_of_devices_began_any_other_number_ends(saving, continuing, tiny, tmp_path, finished):
    # That a GAN's step on devices is that of one is tests/families/test_replicas.py's.
    train(lasting(dataclasses.replace(CLASSIFIER, num_devices=saving), "4 steps"), tmp_path, cohort=tiny)
    train(dataclasses.replace(CLASSIFIER, num_devices=continuing), tmp_path, cohort=tiny)
    (_, expected), (step, found) = arrays(finished(ONE_DEVICE)), arrays(tmp_path)
    assert step == 8
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=2e-5, err_msg=name)


def test_with_each_devices_own_batch_norm_their_number_is_part_of_the_run(tiny, tmp_path):
    replica = dataclasses.replace(DCGAN, batch_norm="replica")
    with Recorder.open(Training.prepare(replica, tiny, num_devices=2, cache_dir=None), tmp_path / "run"):
        pass
    with pytest.raises(RunError, match="num_devices is 2 there and 1 here"):
        train(dataclasses.replace(replica, num_devices=1), tmp_path / "run", cohort=tiny)


def test_what_was_saved_under_pmap_goes_on_without_it(tiny, tmp_path):
    config = ONE_DEVICE
    train(lasting(config, "4 steps"), tmp_path, cohort=tiny)
    note, tree = load_checkpoint(tmp_path / "checkpoints", "last")
    step = note.step
    config = resolve_window(config, tiny)
    prepared = prepare_images(config, tiny)
    family = FAMILIES[config.kind]
    program = family.make_program(config, 3)
    state = flax.serialization.from_state_dict(family.init_state(config, program, prepared), tree)
    plain = jax.jit(program.make_step(parallel.alone))
    for at in range(step, 8):
        chosen = prepared.schedule.indices(at)
        batch = {
            "pixels": prepared.images.pixels[chosen],
            "label": prepared.images.labels[chosen],
            "index": np.arange(8),
        }
        state, _ = plain(state, batch, keys.stream(config.seed, "classifier"))
    train(config, tmp_path, cohort=tiny)
    assert_same_leaves(load_checkpoint(tmp_path / "checkpoints", "last")[1], flax.serialization.to_state_dict(state))


def assert_same_leaves(one, other):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_bank_joins_the_training_of_its_own_fold_and_no_other(tiny, finished, tmp_path):
    bank = tmp_path / "bank"
    draw_bank(finished(ACGAN), 10, bank)
    mixed = with_data(CLASSIFIER, banks=(str(bank),), synthetic_size=5)
    train(mixed, tmp_path / "mixed", cohort=tiny)
    facts = load_provenance(tmp_path / "mixed")
    # Per class and fold 5; two training folds; three classes.
    assert facts["num_synthetic"] == 5 * 2 * 3
    assert facts["parents"][0]["train_fingerprint"] == facts["train_fingerprint"]
    with pytest.raises(BankError, match="bank") as error:
        train(with_data(mixed, fold=1), tmp_path / "other", cohort=tiny)
    assert "fold 1" in str(error.value) and not (tmp_path / "other").exists()
    with pytest.raises(BankError, match="window"):
        train(with_data(mixed, window=(0.0, 1.0)), tmp_path / "other", cohort=tiny)
    with pytest.raises(BankError, match="margin"):
        train(with_data(mixed, margin=0.1), tmp_path / "other", cohort=tiny)
    renamed = dataclasses.replace(tiny, lesions=dataclasses.replace(tiny.lesions, class_names=("b", "a", "c")))
    with pytest.raises(BankError, match="class_names"):
        train(mixed, tmp_path / "other", cohort=renamed)
    # The same patients, with other pixels.
    rebuilt = dataclasses.replace(tiny, lesions=dataclasses.replace(tiny.lesions, fingerprint="of another build"))
    with pytest.raises(BankError, match="dataset_fingerprint"):
        train(mixed, tmp_path / "other", cohort=rebuilt)
    with pytest.raises(BankError):
        train(with_data(mixed, synthetic_size=50), tmp_path / "other", cohort=tiny)


def save_bank_of(label, tiny, path):
    """A bank by hand, of one class."""
    images = Images(np.zeros((10, 32, 32), np.int16), np.full(10, label, np.int32))
    save_bank(path, images, facts(tiny, image_size=32, window=[-160.0, 240.0], margin=DCGAN.data.margin))
    return str(path)


def test_a_bank_without_every_class_is_refused(tiny, tmp_path):
    banks = (save_bank_of(0, tiny, tmp_path / "bank"),)
    with pytest.raises(BankError, match="metastasis, hemangioma"):
        train(with_data(CLASSIFIER, banks=banks, synthetic_size=5), tmp_path / "mixed", cohort=tiny)


def test_two_banks_of_one_class_are_refused(tiny, tmp_path):
    banks = tuple(save_bank_of(0, tiny, tmp_path / name) for name in ("a", "b"))
    with pytest.raises(BankError, match="holds cyst, as does another"):
        train(with_data(CLASSIFIER, banks=banks, synthetic_size=5), tmp_path / "run", cohort=tiny)


def test_images_without_a_label_make_no_bank(finished, tmp_path, monkeypatch):
    assert FAMILIES["dcgan"].one_per_class
    # Another GAN that is trained already says the same of itself.
    unlabelled = dataclasses.replace(FAMILIES["acgan"], title="Painter", one_per_class=True)
    monkeypatch.setitem(FAMILIES, "acgan", unlabelled)
    with pytest.raises(BankError, match="one Painter of 3 classes"):
        draw_bank(finished(ACGAN), 10, tmp_path / "bank", which="last")
    assert not (tmp_path / "bank").exists()


def test_divergence_names_the_step_and_leaves_no_checkpoint_of_it(tiny, tmp_path):
    # A million standard deviations: the first update overflows the second step's logits.
    wild = dataclasses.replace(CLASSIFIER, learning_rate=1e30)
    with pytest.raises(DivergedError, match=r"Step [23]: loss"):
        train(wild, tmp_path, cohort=tiny)
    assert "Step" in json.loads((tmp_path / "FAILED").read_text())["reason"]
    with pytest.raises(RunError, match="no checkpoint"):
        load_checkpoint(tmp_path / "checkpoints", "last")


def test_devices_that_drift_apart_end_the_run_before_it_saves(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "replica_checksums", lambda state, devices: np.arange(len(devices)))
    with pytest.raises(DivergedError, match="Step 4: the 2 devices hold different weights"):
        train(CLASSIFIER, tmp_path, cohort=tiny)
    assert "different weights" in json.loads((tmp_path / "FAILED").read_text())["reason"]
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_checkpoint_of_another_seed_or_fold_is_not_continued(tiny, tmp_path):
    for name, config in (("a", CLASSIFIER), ("b", dataclasses.replace(CLASSIFIER, seed=7))):
        train(lasting(config, "4 steps"), tmp_path / name, cohort=tiny)
    shutil.rmtree(tmp_path / "a" / "checkpoints" / "4")
    shutil.copytree(tmp_path / "b" / "checkpoints" / "4", tmp_path / "a" / "checkpoints" / "4")
    with pytest.raises(RunError, match="was written by another run"):
        train(CLASSIFIER, tmp_path / "a", cohort=tiny)
    with pytest.raises(RunError, match="was written by another run"):
        restore_classifier(tmp_path / "a")


def test_a_finished_run_stays_finished_whatever_else_changes(tiny, finished, tmp_path):
    shutil.copytree(finished(CLASSIFIER), tmp_path, dirs_exist_ok=True)
    loop = dataclasses.replace(CLASSIFIER.loop, log_every="2 steps")
    assert not train(dataclasses.replace(CLASSIFIER, num_devices=1, loop=loop), tmp_path, cohort=tiny)
    with pytest.raises(RunError, match="evaluate_every"):
        changed = dataclasses.replace(CLASSIFIER.loop, evaluate_every="2 steps")
        train(dataclasses.replace(CLASSIFIER, loop=changed), tmp_path, cohort=tiny)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (with_data(CLASSIFIER, dataset=""), "data.dataset is empty"),
        (with_data(CLASSIFIER, fold=3), "data.fold is 3"),
        (with_data(DCGAN, label="abscess"), "abscess"),
        (dataclasses.replace(CLASSIFIER, num_devices=9), "num_devices is 9"),
        (with_data(CLASSIFIER, batch_size=7), "batch_size is 7"),
        (lasting(CLASSIFIER, "8"), "loop.duration is '8'"),
        (lasting(CLASSIFIER, "0 steps"), "one step at least"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(config, message, tiny, tmp_path):
    with pytest.raises(ConfigError, match=message):
        train(config, tmp_path / "run", cohort=tiny)
    assert not (tmp_path / "run").exists()


def test_a_run_can_be_made_longer_but_not_shorter(tiny, finished, tmp_path):
    shutil.copytree(finished(CLASSIFIER), tmp_path, dirs_exist_ok=True)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match="8 steps, but loop.duration means 4"):
        train(lasting(CLASSIFIER, "4 steps"), tmp_path, cohort=tiny)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    train(lasting(CLASSIFIER, "10 steps"), tmp_path, cohort=tiny)
    assert arrays(tmp_path)[0] == 10


def test_the_last_step_is_saved_even_where_nothing_asks_for_it(tiny, tmp_path):
    loop = dataclasses.replace(LOOP, evaluate_every="0 steps", checkpoint_every="0 steps")
    train(dataclasses.replace(CLASSIFIER, loop=loop), tmp_path, cohort=tiny)
    assert arrays(tmp_path)[0] == 8


def test_another_config_in_the_same_directory_is_refused(tiny, finished):
    with pytest.raises(RunError, match=r"learning_rate is 0.001 there and 0.01 here"):
        train(dataclasses.replace(CLASSIFIER, learning_rate=0.01), finished(CLASSIFIER), cohort=tiny)


def test_a_training_begins_without_what_only_others_need():
    # Each takes a second or more, before anything else is done.
    code = "import sys, lesion_jax.commands.train, lesion_jax.train.run\n"
    code += "found = {'tensorflow', 'sklearn', 'pydicom', 'scipy', 'orbax', 'matplotlib'} & {*sys.modules}\n"
    code += "assert not found, found\n"
    subprocess.run([sys.executable, "-c", code], check=True)
