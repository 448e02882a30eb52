"""Every family that takes steps, resumed and in a population: what loop and slots promise holds for each step.

The loop knows no family, and is tested with a classifier and a GAN; here are those whose state or step is another kind.
"""

import dataclasses

import pytest

from benchmarks.same_results import differences, results_of
from lesion_jax.config import DataConfig, LoopConfig
from lesion_jax.errors import Preempted
from lesion_jax.families import FAMILIES, InpaintConfig, RpganConfig
from lesion_jax.runtime import preemption
from lesion_jax.train.run import train
from tests.train.population import assert_same_run, train_all
from tests.train.tiny import WINDOW, cohort, configs, true_at

pytestmark = pytest.mark.slow

DATA = DataConfig(dataset="tiny", image_size=16, classic_size=0, margin=0.25, batch_size=8, window=WINDOW)
# Nothing is drawn: a sampler takes longer to compile than the step.
LOOP = LoopConfig(
    duration="6 steps",
    log_every="1 steps",
    evaluate_every="0 steps",
    checkpoint_every="3 steps",
    pictures_every="0 steps",
)
SMALL = {"num_blocks": 1, "num_devices": 1, "data": DATA, "loop": LOOP}
OTHERS = {
    "rpgan": RpganConfig(width=2, discriminator_width=2, latent_size=4, **SMALL),
    "inpaint": InpaintConfig(width=4, **SMALL),
}


@pytest.fixture(scope="module")
def tiny():
    return cohort()


def test_none_is_forgotten():
    assert {*OTHERS, *configs()} == {name for name, family in FAMILIES.items() if family.init_state is not None}


@pytest.fixture(scope="module", params=OTHERS)
def alone(request, tiny, tmp_path_factory):
    """(members that differ in seed, fold and learning rate, directories of them trained one by one)."""
    members = [
        dataclasses.replace(
            OTHERS[request.param], seed=i, learning_rate=1e-4 * (1 + i), data=dataclasses.replace(DATA, fold=i)
        )
        for i in range(2)
    ]
    root = tmp_path_factory.mktemp(request.param)
    for member in members:
        train(member, root / str(member.seed), cohort=tiny)
    return members, root


def test_interrupted_it_ends_with_the_same_bits(alone, tiny, tmp_path, monkeypatch):
    (member, _), root = alone
    monkeypatch.setattr(preemption, "requested", true_at(4))
    with pytest.raises(Preempted):
        train(member, tmp_path / "run", cohort=tiny)
    assert (tmp_path / "run" / "checkpoints" / "4").is_dir() and not (tmp_path / "run" / "DONE").exists()
    monkeypatch.undo()
    assert train(member, tmp_path / "run", cohort=tiny)
    assert differences(results_of(root / "0"), results_of(tmp_path / "run")) == []


def test_packed_members_are_those_trained_alone(alone, tiny, tmp_path):
    members, root = alone
    assert not train_all(members, tmp_path, tiny, packing="vmap", slots_per_device=2)
    for i in range(2):
        assert_same_run(root / str(i), tmp_path / str(i), exact=False)
