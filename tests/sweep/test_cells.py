import pytest

from lesion_jax.config import DataConfig, from_mapping, replace, to_config_dict, to_dict
from lesion_jax.config.fields import settings_of
from lesion_jax.config.program import program_key
from lesion_jax.errors import ConfigError
from lesion_jax.families import AcganConfig, ClassifierConfig, DcganConfig, config_kinds
from lesion_jax.sweep.cells import expand
from lesion_jax.sweep.config import SweepConfig
from lesion_jax.train.training import make_program

KINDS = {**config_kinds(), "sweep": SweepConfig}

BASE = DcganConfig(data=DataConfig(dataset="some"))


def changes(**fields):
    return [cell.changes for cell in expand(SweepConfig(base=BASE, **fields))]


def test_a_grid_is_every_combination_and_its_last_field_varies_fastest():
    found = changes(grid=(("seed", (0, 1)), ("data.fold", (2, 1))))
    assert found == [{"seed": s, "data.fold": f} for s in (0, 1) for f in (2, 1)]


def test_a_zip_goes_in_step_and_joins_a_grid():
    found = changes(zip=(("learning_rate", (1e-4, 2e-4)), ("beta1", (0.5, 0.0))), grid=(("seed", (0, 1)),))
    assert found[0] == {"seed": 0, "learning_rate": 1e-4, "beta1": 0.5}
    assert found[-1] == {"seed": 1, "learning_rate": 2e-4, "beta1": 0.0} and len(found) == 4


def test_random_draws_stay_as_they_are_when_more_are_asked_for():
    fields = (
        ("learning_rate", "log_uniform", 1e-5, 1e-2),
        ("seed", "uniform", 0, 9),
        ("loss", "choice", ("hinge", "minimax")),
    )
    three, five = changes(random=fields, num_random=3), changes(random=fields, num_random=5)
    assert five[:3] == three and len(five) == 5
    assert all(1e-5 <= cell["learning_rate"] <= 1e-2 for cell in five)
    assert all(isinstance(cell["seed"], int) and 0 <= cell["seed"] <= 9 for cell in five)
    assert {cell["loss"] for cell in five} <= {"hinge", "minimax"}
    assert changes(random=fields[:1], num_random=3)[2]["learning_rate"] == three[2]["learning_rate"]
    assert changes(random=fields, num_random=3, random_seed=1) != three


def test_what_is_drawn_is_whole_where_the_field_is():
    found = changes(random=(("beta1", "uniform", 0, 1), ("seed", "uniform", 0, 9)), num_random=8)
    assert all(isinstance(row["seed"], int) for row in found)
    assert any(row["beta1"] % 1 for row in found)


def test_a_list_of_cells_may_vary_different_fields():
    cells = expand(SweepConfig(base=BASE, cells=((("width", 16),), (("loss", "hinge"), ("seed", 3)))))
    assert [cell.config.width for cell in cells] == [16, 128]
    assert cells[1].config.seed == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"grid": (("learning_rat", (1.0,)),)}, "learning_rat cannot be varied"),
        ({"grid": (("data", (1,)),)}, "data cannot be varied"),
        ({"grid": (("seed", (0, 0)),)}, "Cells 0 and 1 are the same"),
        ({"grid": (("seed", (0,)),), "zip": (("seed", (1,)),)}, "seed is varied twice"),
        ({"grid": (("beta1", (0.5, 1.5)),)}, "Cell 1.*beta1 is 1.5"),
        ({"grid": (("kind", ({"a": 1},)),)}, "Cell 0.*kind is"),
        ({"grid": (("num_devices", (1, 2)),)}, "num_devices cannot be varied"),
    ],
)
def test_what_cannot_be_is_said_with_its_cell(fields, message):
    with pytest.raises(ConfigError, match=message):
        changes(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"zip": (("seed", (0, 1)), ("width", (16,)))}, "as many"),
        ({"grid": (("seed", ()),)}, "no value"),
        ({"random": (("seed", "normal", 0, 1),)}, "random has"),
        ({"random": (("learning_rate", "log_uniform", 0.0, 1.0),)}, "above 0"),
        ({"random": (("learning_rate", "uniform", 2, 1),)}, "random has"),
        ({"random": (("learning_rate", "uniform", 0, float("inf")),)}, "random has"),
        ({"random": ((3, "uniform", 0, 1),)}, "random has"),
        ({"random": ((),)}, "random has"),
        ({"grid": (("seed", (0,)), ("seed", (1,)))}, "grid names a field twice"),
        ({"zip": (("seed", (0, 1)), ("seed", (2,)))}, "zip names a field twice"),
        ({"random": (("seed", "uniform", 0, 1), ("seed", "uniform", 0, 9))}, "random names a field twice"),
        ({"cells": ((("width", 16),), (("seed", 0), ("seed", 1)))}, r"cells\[1\] names a field twice"),
        ({"halving": {"keep": 1.0}}, "keep"),
        ({"device_memory": 0.0}, "device_memory"),
        ({"base": {"kind": "paper"}}, "base.kind"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_at_the_door(fields, message):
    with pytest.raises(ConfigError, match=message):
        from_mapping({"kind": "sweep", **fields}, KINDS)


def test_a_sweep_survives_text():
    sweep = SweepConfig(base=ClassifierConfig(), grid=(("data.window", ((0.0, 1.0), (0.0, 2.0))),), num_devices=2)
    assert from_mapping(to_config_dict(sweep), KINDS) == sweep == from_mapping(to_dict(sweep), KINDS)


@pytest.mark.parametrize("base", [BASE, AcganConfig(), ClassifierConfig()], ids=lambda c: c.kind)
def test_configs_share_a_program_where_they_compile_the_same(base):
    base = replace(base, {"data.window": (0.0, 2.0)})

    def compiled(config):
        """What a step is made from; its arrays aside."""
        return make_program(config, 3), config.data.batch_size, config.data.image_size, config.kind

    for name, setting, value in settings_of(base):
        if name == "kind" or name.startswith("loop."):
            continue
        others = {"dtype": "bfloat16", "loss": "hinge", "batch_norm": "replica", "data.window": (0.0, 1.0)}
        # Two choices that no program knows of.
        others |= {"on_collapse": "stop", "data.feed": "stream", "data.hold_out_inner": False}
        other = others.get(name, ("x",) if isinstance(value, tuple) else "x" if isinstance(value, str) else None)
        changed = replace(base, {name: 2 * value + 1 if other is None else other})
        same = compiled(changed) == compiled(base)
        assert (program_key(changed) == program_key(base)) == same, name
        assert same == (setting.role != "compiled" and setting.off is None), name


def test_traced_settings_that_switch_a_part_on_share_a_program_whatever_their_value():
    on, more, off = (replace(ClassifierConfig(), {"weight_decay": value}) for value in (0.1, 0.2, 0.0))
    assert program_key(on) == program_key(more) != program_key(off) == program_key(ClassifierConfig())
