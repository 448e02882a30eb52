"""A changed config of a sweep: which cells there are already, which are new, and what is refused."""

import dataclasses

import pytest

from lesion_jax.disk.lock import locked
from lesion_jax.errors import RunError
from lesion_jax.sweep.config import HalvingConfig, SweepConfig
from lesion_jax.sweep.directory import Sweep, open_sweep
from tests.train.tiny import cohort, configs

CLASSIFIER = dataclasses.replace(configs()["classifier"], num_devices=1)
BEFORE = SweepConfig(base=CLASSIFIER, grid=(("seed", (0, 1)), ("learning_rate", (1e-3, 2e-3))))


@pytest.fixture(scope="module")
def tiny():
    return cohort()


def changed(base=None, **fields):
    return dataclasses.replace(BEFORE, base=dataclasses.replace(CLASSIFIER, **base) if base else CLASSIFIER, **fields)


def lasting(duration):
    return {"loop": dataclasses.replace(CLASSIFIER.loop, duration=duration)}


def claimed(config, workdir, tiny):
    sweep = Sweep.of(config, workdir).continued(tiny)
    sweep.claim(tiny)
    assert open_sweep(workdir) == sweep
    return [cell.changes for cell in sweep.cells]


def test_cells_keep_their_numbers_and_new_ones_come_after_them(tiny, tmp_path):
    there = claimed(BEFORE, tmp_path, tiny)
    grid = (("learning_rate", (5e-4, 1e-3, 2e-3)), ("seed", (1, 0)))
    found = claimed(changed(grid=grid), tmp_path, tiny)
    assert found[:4] == there
    assert found[4:] == [{"learning_rate": 5e-4, "seed": 1}, {"learning_rate": 5e-4, "seed": 0}]
    # And once more, in another order again.
    again = claimed(changed(grid=(("seed", (2, 1, 0)), ("learning_rate", (2e-3, 1e-3, 5e-4)))), tmp_path, tiny)
    assert again[:6] == found and [cell["seed"] for cell in again[6:]] == [2, 2, 2]


def test_a_sweep_may_vary_another_field_when_it_holds_what_there_is(tiny, tmp_path):
    there = claimed(changed(grid=(("seed", (0, 1)),)), tmp_path, tiny)
    grid = (("loop.duration", ("8 steps", "16 steps")), ("seed", (0, 1)))
    found = claimed(changed(grid=grid), tmp_path, tiny)
    assert [cell["seed"] for cell in found[:2]] == [cell["seed"] for cell in there]
    assert [cell["loop.duration"] for cell in found] == ["8 steps"] * 2 + ["16 steps"] * 2


def test_a_longer_one_has_the_same_cells_and_a_shorter_one_is_refused(tiny, tmp_path):
    there = claimed(BEFORE, tmp_path, tiny)
    assert claimed(changed(lasting("16 steps")), tmp_path, tiny) == there
    with pytest.raises(RunError, match=r"Cell 0 .* is of 16 steps, but loop.duration now means 8; .* never shorter"):
        claimed(BEFORE, tmp_path, tiny)
    # What a schedule over the length began, it would have begun otherwise.
    recipe = {"data": dataclasses.replace(CLASSIFIER.data, banks=("b",), synthetic_size=2, synthetic_until=0.5)}
    claimed(changed(recipe), tmp_path / "s", tiny)
    with pytest.raises(RunError, match=r"loop.duration is \"8 steps\" there and \"16 steps\" here.* 4 of its 4 cells"):
        claimed(changed(recipe | lasting("16 steps")), tmp_path / "s", tiny)


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (changed(grid=(("seed", (1, 2)), BEFORE.grid[1])), r"grid is .*2 of its 4 cells .* cell 0 \({'seed': 0"),
        (changed({"width": 3}), r"base.width is 2 there and 3 here\).*4 of its 4 cells"),
        (changed(halving=HalvingConfig(rungs=("50%",))), "halving.rungs is"),
    ],
)
def test_what_really_differs_is_refused_with_the_difference(now, message, tiny, tmp_path):
    claimed(BEFORE, tmp_path, tiny)
    before = (tmp_path / "sweep.json").read_bytes()
    with pytest.raises(RunError, match=message):
        claimed(now, tmp_path, tiny)
    assert (tmp_path / "sweep.json").read_bytes() == before


@pytest.mark.parametrize("now", [{"grid": (*BEFORE.grid, ("momentum", (0.9, 0.8)))}, {"base": lasting("16 steps")}])
def test_halving_does_not_grow(now, tiny, tmp_path):
    halving = HalvingConfig(rungs=("4 steps",))
    claimed(changed(halving=halving), tmp_path, tiny)
    with pytest.raises(RunError, match="Halving compares cells as they come"):
        claimed(changed(halving=halving, **now), tmp_path, tiny)


def test_nothing_is_added_while_another_process_trains(tiny, tmp_path):
    claimed(BEFORE, tmp_path, tiny)
    note, lock = (tmp_path / "programs" / f"0000.{kind}" for kind in ("json", "lock"))
    note.touch()
    grown = changed(grid=(("seed", (0, 1, 2)), BEFORE.grid[1]))
    with (
        locked(lock, what=lock),
        pytest.raises(RunError, match="cannot be added to while it is trained.*0000 is being"),
    ):
        claimed(grown, tmp_path, tiny)
    task = Sweep.of(grown, tmp_path).continued(tiny)
    claimed(grown, tmp_path, tiny)
    # Of programs that are cut otherwise now.
    assert not note.exists()
    with locked(lock, what=lock):
        # A task that looked before its neighbour began.
        task.claim(tiny)
    with pytest.raises(RunError, match="added to by another process"):
        Sweep.of(changed(grid=(("seed", (5, 0, 1, 2)), BEFORE.grid[1])), tmp_path).claim(tiny)
