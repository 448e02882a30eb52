"""Sizes that no machine holds are refused at once: what is being allocated or compiled is hard to interrupt."""

import dataclasses

import pytest

from lesion_jax.config import replace
from lesion_jax.errors import ConfigError
from lesion_jax.families import DcganConfig
from lesion_jax.sweep.cells import expand
from lesion_jax.sweep.config import SweepConfig
from lesion_jax.train.run import train
from tests.train import tiny


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"data.image_size": 10**6, "num_devices": 2},
            r"data.image_size is 1000000, and the \d+ images .* GiB of memory, but this",
        ),
        ({"data.batch_size": 10**9}, r"GiB, but .*data.batch_size \(1000000000\)"),
        ({"data.batch_size": 10**9, "num_devices": 2}, "data.batch_size 1000000000, and one batch takes"),
        ({"width": 10**9}, "GiB, but .* for it; choose a smaller .* or network"),
    ],
)
def test_a_training_that_no_machine_holds_is_refused(changes, message, tmp_path):
    config = replace(dataclasses.replace(tiny.configs()["classifier"], num_devices=1), changes)
    with pytest.raises(ConfigError, match=message):
        train(config, tmp_path / "run", cohort=tiny.cohort())
    assert not (tmp_path / "run").exists()


def test_a_sweep_of_more_cells_than_can_be_listed_is_refused():
    with pytest.raises(ConfigError, match="has 2000000000000 cells"):
        expand(
            SweepConfig(
                base=DcganConfig(),
                grid=(("seed", (0, 1)),),
                random=(("learning_rate", "uniform", 1e-4, 1e-3),),
                num_random=10**12,
            )
        )
