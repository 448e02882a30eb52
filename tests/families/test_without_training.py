"""Generators that learn nothing: what they draw, of whom, and what they refuse."""

import dataclasses
import json

import numpy as np
import pytest

from lesion_jax.commands import main
from lesion_jax.config import DataConfig, replace
from lesion_jax.core import keys
from lesion_jax.core.types import LesionSet
from lesion_jax.data.augment import augmented
from lesion_jax.data.bank import load_bank
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.folds import make_folds, save_folds, split
from lesion_jax.data.lesion_arrays import write_lesion_arrays
from lesion_jax.data.training_images import check_images, prepare_images
from lesion_jax.errors import BankError, ConfigError, RunError
from lesion_jax.families import FAMILIES, ClassifierConfig
from lesion_jax.families.context import Context
from lesion_jax.inference.export import export_run
from lesion_jax.inference.sample import draw_bank
from lesion_jax.sources.phantom.options import Phantom, Scanner
from lesion_jax.train.run import train
from tests.families.test_blending import lesion
from tests.train import tiny

MADE_OF_LESIONS = ("more_classic", "paste", "recombine")
# All are scored on 256 images when they are trained; one that is quick will do in the fast suite.
TRAINED = ["more_classic", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("paste", "recombine"))]


def draw(kind, context, labels, seed=0):
    labels = np.asarray(labels, np.int32)
    family, image_keys = FAMILIES[kind], keys.per_image(seed, len(labels))
    arguments = (family.config(), 3, {}, image_keys, labels, context)
    return family.draw(*arguments), family.origins(*arguments)


@pytest.fixture(scope="module")
def context():
    """Six patients, two of each class; each lesion and each liver has values of its own."""
    found = [
        lesion(f"{label}{i}", 10 * label + 3 * i, 100 + 20 * i + 5 * label, diameter=20.0 + i, label=label)
        for label in range(3)
        for i in range(2)
    ]
    return Context(tuple(found), 40, 0.5, "HU")


@pytest.mark.parametrize("kind", MADE_OF_LESIONS)
def test_a_smaller_drawing_is_a_prefix_and_labels_are_those_of_the_lesions(kind, context):
    labels = np.arange(12) % 3
    images, origins = draw(kind, context, labels)
    again, told = draw(kind, context, labels[:5])
    np.testing.assert_array_equal(again, images[:5])
    assert told.lesions == origins.lesions[:5] and told.tissue == origins.tissue[:5]
    assert (draw(kind, context, labels, seed=1)[0] != images).any((1, 2)).all()
    assert [{name[0] for name in names} for names in origins.lesions] == [{str(label)} for label in labels]
    assert images.shape == (12, 40, 40) and draw(kind, context, [])[0].shape == (0, 40, 40)


def test_paste_keeps_the_lesion_its_size_and_the_others_tissue(context):
    by_id = {one.lesion_id: one for one in context.lesions}
    images, origins = draw("paste", context, np.arange(30) % 3)
    for image, (name,), place in zip(images, origins.lesions, origins.tissue, strict=True):
        pasted, tissue = by_id[name], by_id[place]
        assert pasted.patient != tissue.patient and tissue.diameter_mm <= pasted.diameter_mm
        # The lesion's own value in its middle, the other patient's liver at the border of the image.
        assert abs(image[18:22, 18:22].astype(int) - pasted.patch[60, 60]).max() <= 2
        assert {*image[0], *image[-1], *image[:, 0], *image[:, -1]} == {tissue.patch[0, 0]}
        # Its diameter is half of the image, whatever the place held before.
        assert (image < 70).sum() == pytest.approx(np.pi * 10**2, rel=0.1)
    assert len({*origins.tissue}) > 2


def test_recombine_mixes_two_lesions_of_a_class_in_the_tissue_of_the_first():
    dark, grey = lesion("dark", 20, 100), lesion("grey", 60, 102, diameter=22.0)
    images, origins = draw("recombine", Context((dark, grey), 40, 0.5, "HU"), np.zeros(20))
    is_both = []
    for image, names, place in zip(images, origins.lesions, origins.tissue, strict=True):
        assert {*names} == {"dark", "grey"} and place == names[0]
        assert {*image[0], *image[-1]} == {100 if place == "dark" else 102}
        # Inside of the edges a mixture, mostly of one or the other.
        middle = image[15:25, 15:25]
        assert 16 <= middle.min() <= middle.max() <= 64
        is_both.append(middle.min() < 25 and middle.max() > 55)
    assert np.mean(is_both) > 0.5 and {*origins.tissue} == {"dark", "grey"}


def test_more_classic_is_like_classic_and_none_of_it():
    cohort = tiny.cohort(num_patients=6)
    some = cohort.lesions.lesions[:3]
    few = Context(some, 16, 0.25, "HU")
    images, origins = draw("more_classic", few, np.zeros(200))
    known = {image.tobytes() for one in some for image in augmented(one, range(480), 16, 0.25, 0)}
    drawn = {image.tobytes() for image in images}
    assert len(drawn) == 200 and not drawn & known
    counts = [sum(names == (one.lesion_id,) for names in origins.lesions) for one in some if one.label == 0]
    assert min(counts) > 60 and sum(counts) == 200 and origins.tissue == tuple(name for (name,) in origins.lesions)


@pytest.fixture(scope="module")
def cohort():
    made = tiny.cohort()
    lesions = LesionSet.of(made.lesions.lesions, made.lesions.class_names, made.lesions.unit)
    return Cohort(lesions, make_folds(lesions, 3, 0))


@pytest.fixture(scope="module")
def dataset(cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    write_lesion_arrays(cohort.lesions, folder)
    save_folds(cohort.folds, folder / "folds.json")
    return folder


@pytest.fixture(scope="module")
def data(dataset):
    return DataConfig(dataset=str(dataset), image_size=16, window=tiny.WINDOW, classic_size=40, batch_size=8)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TRAINED)
def test_a_bank_is_of_training_patients_and_no_other_fold_takes_it(kind, cohort, data, tmp_path):
    train(FAMILIES[kind].config(data=data), tmp_path / "run", cohort=cohort)
    draw_bank(tmp_path / "run", 6, tmp_path / "bank", seed=1)
    draw_bank(tmp_path / "run", 6, tmp_path / "bank", seed=1)
    bank = load_bank(tmp_path / "bank")
    own = {one.patient for one in split(cohort.lesions, cohort.folds, 0, hold_out_inner=True).train}
    assert bank.origins is not None and {*bank.origins.patients.values()} <= own
    label_of = {one.lesion_id: one.label for one in cohort.lesions.lesions}
    assert [label_of[names[-1]] for names in bank.origins.lesions] == bank.images.labels.tolist()
    mixing = {"banks": (str(tmp_path / "bank"),), "synthetic_size": 3}
    classifier = ClassifierConfig(data=dataclasses.replace(data, **mixing))
    found = prepare_images(classifier, cohort)
    np.testing.assert_array_equal(np.sort(found.images.labels[-18:]), np.repeat([0, 1, 2], 6))
    with pytest.raises(BankError, match="use a bank of the same fold"):
        check_images(replace(classifier, {"data.fold": 1}), cohort)
    with pytest.raises(RunError, match="cannot be exported"):
        export_run(tmp_path / "run", tmp_path / "export")


@pytest.mark.slow
def test_every_verb_takes_one(dataset, tmp_path, capsys):
    path = tmp_path / "config.py"
    path.write_text(
        "from lesion_jax.config import DataConfig, to_config_dict\n"
        "from lesion_jax.families import MoreClassicConfig\n"
        "from lesion_jax.sweep.config import SweepConfig\n\n\n"
        "def get_config():\n"
        f"    data = DataConfig(dataset={str(dataset)!r}, image_size=16, classic_size=40)\n"
        "    base = MoreClassicConfig(data=data)\n"
        "    return to_config_dict(SweepConfig(base=base, grid=(('data.fold', (0, 1)),)))\n"
    )
    assert main(["plan", f"--config={path}"]) == 0
    assert main(["sweep", f"--config={path}", f"--workdir={tmp_path / 'sweep'}"]) == 0
    assert main(["sweep", f"--workdir={tmp_path / 'sweep'}", "--status"]) == 0
    assert "2 cells, 2 done" in capsys.readouterr().out
    run = next(path.parent for path in sorted((tmp_path / "sweep").rglob("DONE")))
    assert main(["evaluate", f"--workdir={run}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"]["num_synthetic"] == 256
    assert main(["sample", f"--workdir={run}", "--num=2", f"--out={tmp_path / 'bank'}"]) == 0
    assert main(["export", f"--workdir={run}", f"--out={tmp_path / 'export'}"]) == 2
    assert "cannot be exported; name a run of: Classifier, DCGAN, ACGAN" in capsys.readouterr().err


def of_one_patient(cohort, class_name):
    """The cohort with one patient for all training lesions of a class."""
    label = cohort.lesions.class_names.index(class_name)
    keep = next(one.patient for one in split(cohort.lesions, cohort.folds, 0, hold_out_inner=False).train)
    some = [one for one in cohort.lesions.lesions if one.label != label or one.patient == keep]
    return dataclasses.replace(cohort, lesions=dataclasses.replace(cohort.lesions, lesions=tuple(some)))


def test_what_cannot_be_put_together_is_refused_before_anything_is_written(cohort, data, tmp_path):
    plain = dataclasses.replace(data, hold_out_inner=False)
    name = cohort.lesions.class_names[split(cohort.lesions, cohort.folds, 0, hold_out_inner=False).train[0].label]
    with pytest.raises(ConfigError, match=f"all training lesions of {name} .test fold 0. are of one patient"):
        train(FAMILIES["recombine"].config(data=plain), tmp_path / "a", cohort=of_one_patient(cohort, name))
    rising = tuple(
        dataclasses.replace(one, diameter_mm=4.0 * 2**i) if i < 2 else dataclasses.replace(one, diameter_mm=10.0)
        for i, one in enumerate(cohort.lesions.lesions)
    )
    other = dataclasses.replace(cohort, lesions=dataclasses.replace(cohort.lesions, lesions=rising))
    train(FAMILIES["paste"].config(data=plain), tmp_path / "b", cohort=other)
    tiny_ones = tuple(
        dataclasses.replace(one, diameter_mm=2.0 if one.label == 0 else 10.0) for one in cohort.lesions.lesions
    )
    lone = tuple(one for one in tiny_ones if one.label != 0 or one.patient == tiny_ones[0].patient)
    other = dataclasses.replace(cohort, lesions=dataclasses.replace(cohort.lesions, lesions=lone))
    with pytest.raises(ConfigError, match=r"no training lesion of cyst .* can take another patient's lesion's place"):
        fold = next(fold for fold in range(3) if cohort.folds.fold_of[tiny_ones[0].patient] != fold)
        train(FAMILIES["paste"].config(data=dataclasses.replace(plain, fold=fold)), tmp_path / "c", cohort=other)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b"]


@pytest.fixture(scope="module")
def phantom_images(data):
    """What a training on a phantom is given whose scanner is 100 HU off, and whose classes have another order."""
    made, record = tiny.cohort(), Phantom(scanner=Scanner(offset_hu=100.0)).record(seed=3)
    names = ("hemangioma", "cyst", "metastasis")
    lesions = dataclasses.replace(made.lesions, class_names=names, phantom=record)
    return prepare_images(FAMILIES["oracle"].config(data=data), Cohort(lesions, made.folds))


def test_the_oracle_draws_the_class_that_a_label_means_with_the_datasets_own_scanner(data, phantom_images):
    family = FAMILIES["oracle"]
    config = family.config(data=replace(data, {"image_size": 32}))
    family.check(config, dataclasses.replace(tiny.cohort().lesions, phantom=phantom_images.provenance["phantom"]), ())
    arrays, labels = family.fit(config, phantom_images), np.array([1, 0], np.int32)
    images = family.draw(config, 3, arrays, keys.per_image(0, 2), labels, None)
    # A cyst is of 0 to 15 HU, and everything else of at least 45.
    middle = images[:, 12:20, 12:20].mean((1, 2)) - 100
    assert -20 < middle[0] < 30 < middle[1] < 250
    np.testing.assert_array_equal(family.draw(config, 3, arrays, keys.per_image(0, 1), labels[:1], None), images[:1])


def test_the_oracle_draws_with_either_scanner_where_a_class_is_confounded_with_one(data, phantom_images):
    family = FAMILIES["oracle"]
    config = family.config(data=replace(data, {"image_size": 32}))
    record = Phantom().record(test_scanner=dataclasses.asdict(Scanner(offset_hu=100.0)), test_scanner_shares={})
    images = dataclasses.replace(phantom_images, provenance={**phantom_images.provenance, "phantom": record})
    arrays = family.fit(config, images)
    for label in range(3):
        drawn = family.draw(config, 3, arrays, keys.per_image(label, 8), np.full(8, label, np.int32), None)
        # No scanner of the other has a liver as bright.
        assert 1 <= (np.median(drawn, axis=(1, 2)) > 150).sum() <= 7


def test_the_oracle_refuses_what_is_no_phantom(data):
    family = FAMILIES["oracle"]
    with pytest.raises(ConfigError, match="no phantom's: there is no oracle for real images"):
        family.check(family.config(data=data), tiny.cohort().lesions, ())
