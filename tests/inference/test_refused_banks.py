"""A training that is told to refuses banks that are broken."""

import dataclasses

import pytest

from lesion_jax.config import ClassifierConfig, DataConfig
from lesion_jax.core.types import LesionSet
from lesion_jax.data.bank import save_bank
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.folds import make_folds, save_folds, split
from lesion_jax.data.lesion_arrays import write_lesion_arrays
from lesion_jax.data.lesion_images import original_images
from lesion_jax.errors import BankError
from lesion_jax.train.training import Training
from tests.data.conftest import make_lesion
from tests.metrics.drawn import NAMES, WINDOW, lesions
from tests.reader.conftest import facts

pytestmark = pytest.mark.slow

SIDE = 32


def test_broken_banks_are_refused_where_that_is_asked_for(tmp_path):
    images = lesions(72, 0, side=3 * SIDE)
    drawn = LesionSet.of(
        (
            make_lesion(f"{i:02}", patient=f"{i // 2:02}", label=int(images.labels[i]), patch=images.pixels[i])
            for i in range(72)
        ),
        NAMES,
        "HU",
    )
    folds, dataset = make_folds(drawn, 3, seed=0), tmp_path / "dataset"
    dataset.mkdir()
    write_lesion_arrays(drawn, dataset)
    save_folds(folds, dataset / "folds.json")
    cohort, parts = Cohort(drawn, folds), split(drawn, folds, 0, hold_out_inner=True)
    known = facts(cohort, image_size=SIDE, window=list(WINDOW))
    # Other patients' lesions are as good as a bank can be; the training ones are copies of themselves.
    for name, some in (("fresh", parts.test), ("copies", parts.train)):
        save_bank(tmp_path / name, original_images(some, SIDE, known["margin"]), known)
    data = DataConfig(
        dataset=str(dataset),
        banks=(str(tmp_path / "fresh"),),
        image_size=SIDE,
        margin=known["margin"],
        window=WINDOW,
        classic_size=0,
        synthetic_size=1,
        refuse_broken_banks=True,
    )

    def prepare(data):
        config = ClassifierConfig(data=data, num_devices=1)
        return Training.prepare(config, cohort, num_devices=1, cache_dir=None)

    prepare(data)
    copies = dataclasses.replace(data, banks=(str(tmp_path / "copies"),))
    with pytest.raises(BankError, match="The bank is broken: .* copies .*refuse_broken_banks=False"):
        prepare(copies)
    prepare(dataclasses.replace(copies, refuse_broken_banks=False))
