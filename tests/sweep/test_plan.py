import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from lesion_jax.data.training_images import prepare_images
from lesion_jax.errors import ConfigError
from lesion_jax.sweep import absent_devices as topology
from lesion_jax.sweep import estimates
from lesion_jax.sweep.config import SweepConfig
from lesion_jax.sweep.plan import describe_plan, make_plan
from lesion_jax.train.memory import num_steps
from lesion_jax.train.periods import Periods
from tests.train.tiny import cohort, configs

DCGAN, ACGAN, CLASSIFIER = (dataclasses.replace(config, num_devices=1) for config in configs().values())

# What plays no part.
COUNTS = {"needed_flops": 1e12, "num_kernels": None, "num_collectives": 0}


@pytest.fixture(scope="module")
def tiny():
    return cohort()


@pytest.mark.parametrize("config", [DCGAN, ACGAN, CLASSIFIER], ids=lambda c: c.kind)
def test_steps_are_counted_without_making_an_image(config, tiny):
    loop = dataclasses.replace(config.loop, duration="3 epochs")
    label = "cyst" if config.kind == "dcgan" else ""
    config = dataclasses.replace(config, loop=loop, data=dataclasses.replace(config.data, label=label, fold=1))
    schedule = prepare_images(config, tiny).schedule
    assert num_steps(config, tiny) == Periods.of(loop, schedule.steps_per_epoch).total


def test_a_plan_counts_what_the_sweep_will_do(tiny):
    sweep = SweepConfig(base=CLASSIFIER, grid=(("width", (2, 3)), ("seed", (0, 1, 2))), device_memory=1.0)
    plan = make_plan(sweep, cohort=tiny)
    assert [(p.num_trainings, p.num_steps, p.kind) for p in plan.programs] == [(3, 24, "classifier")] * 2
    assert all(p.device_hours == pytest.approx(p.num_steps * p.seconds_per_step / 3600) for p in plan.programs)
    assert all(0 < p.device_gib < 1 for p in plan.programs) and not plan.refusals
    counted = make_plan(sweep, cohort=tiny, measure=False)
    assert [(p.num_steps, p.device_gib, p.device_hours) for p in counted.programs] == [
        (p.num_steps, p.device_gib, None) for p in plan.programs
    ]
    assert "48 steps, times not measured" in describe_plan(counted)
    text = describe_plan(plan)
    assert "2 programs of 1 devices, 6 trainings, 48 steps" in text


def test_a_sweep_for_more_devices_than_are_here_is_planned_on_what_is_here(tiny, monkeypatch):
    monkeypatch.setattr(estimates, "measure_packing", lambda *_: {"seconds_per_step": 1.0})
    many = 2 * jax.local_device_count()
    plan = make_plan(SweepConfig(base=CLASSIFIER, num_devices=many, grid=(("seed", (0, 1)),)), cohort=tiny)
    (program,) = plan.programs
    assert program.seconds_per_step == 0.5 and program.device_hours == 16 * 0.5 * many / 3600
    assert f"as if on {many}" in plan.method


def test_a_single_training_is_held_against_the_device_alone(tiny, monkeypatch):
    monkeypatch.setattr(estimates, "measure_packing", lambda *_: {"seconds_per_step": 1.0})
    assert not make_plan(CLASSIFIER, cohort=tiny).refusals
    monkeypatch.setattr("lesion_jax.runtime.parallel.memory_bytes", lambda device: 1000)
    plan = make_plan(CLASSIFIER, cohort=tiny)
    assert plan.refusals and plan.programs[0].seconds_per_step is None
    json.loads(json.dumps(dataclasses.asdict(plan), allow_nan=False))


def test_more_devices_than_a_topology_has_are_refused(tiny, monkeypatch):
    found = topology.Compiled("TPU v5 lite", 4, 1000, 2**30, flops=1e12, bytes_moved=0.0, **COUNTS)
    monkeypatch.setattr(topology, "compile_for", lambda *_, **__: found)
    sweep = SweepConfig(base=CLASSIFIER, num_devices=8, grid=(("seed", (0, 1)),))
    assert "v5e:2x2 has 4 chips" in make_plan(sweep, topology="v5e:2x2", cohort=tiny).refusals[0]
    assert not make_plan(dataclasses.replace(sweep, num_devices=4), topology="v5e:2x2", cohort=tiny).refusals


def test_what_does_not_fit_is_refused(tiny, monkeypatch):
    with pytest.raises(ConfigError, match="needs about"):
        make_plan(SweepConfig(base=DCGAN, device_memory=1e-5), cohort=tiny)
    # Less than the config says of the device.
    monkeypatch.setattr("lesion_jax.runtime.parallel.memory_bytes", lambda device: 1000)
    plan = make_plan(SweepConfig(base=DCGAN, grid=(("seed", (0, 1)),)), cohort=tiny)
    assert "lower device_memory" in plan.refusals[0] and "DOES NOT FIT" in describe_plan(plan)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compiler", "topology", "num_devices", "kind"),
    [("libtpu", "v5e:2x2", 4, "TPU v5 lite"), ("jax_cuda13_plugin", "h100:8", 8, "NVIDIA H100 80GB HBM3")],
)
def test_an_accelerator_that_is_not_here_is_planned_for(compiler, topology, num_devices, kind):
    if importlib.util.find_spec(compiler) is None:
        pytest.skip(f"no {compiler}")
    script = f"""
import dataclasses, os
from lesion_jax.commands.plan import environment_for
os.environ |= environment_for("{topology}")
from lesion_jax.sweep.absent_devices import compile_for
from lesion_jax.errors import ConfigError
from tests.train.tiny import WINDOW, configs
from lesion_jax.config import replace
config = replace(configs()["dcgan"], {{"data.window": WINDOW}})
found = compile_for("{topology}", config, num_classes=3, num_trainings=2, num_images=10)
assert found.num_devices == {num_devices} and found.kind == "{kind}" and found.flops > 0 and found.seconds > 0
assert found.needed_flops > 0 and found.num_collectives == 0
assert "TPU" in found.kind or (found.num_kernels > 50 and found.flops < 1.2 * found.needed_flops)
assert 0 < found.device_bytes < found.memory
try:
    compile_for("v5e", config, num_classes=3, num_trainings=2, num_images=10)
except ConfigError as error:
    assert "v5e:4x4" in str(error)
else:
    raise AssertionError("a topology without a shape")
"""
    environment = os.environ | {"XLA_FLAGS": ""}
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], env=environment, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_without_the_tpus_compiler_it_says_what_to_install(monkeypatch):
    from jax.experimental import topologies

    from lesion_jax.sweep.absent_devices import compile_for

    def missing(**_):
        raise RuntimeError("no libtpu")

    monkeypatch.setattr(topologies, "get_topology_desc", missing)
    with pytest.raises(ConfigError, match="pip install libtpu"):
        compile_for("v5e:4x4", DCGAN, num_classes=3, num_trainings=1, num_images=1)


def test_a_program_over_several_chips_costs_as_many_device_hours(tiny, monkeypatch):
    from lesion_jax.sweep import absent_devices as topology

    compiled = topology.Compiled("TPU v5 lite", 4, 1000, 2**30, flops=197e12, bytes_moved=0.0, **COUNTS)
    monkeypatch.setattr(topology, "compile_for", lambda *_, **__: compiled)
    hours = []
    for num_devices in (1, 2):
        sweep = SweepConfig(base=CLASSIFIER, grid=(("seed", (0, 1, 2, 3)),), num_devices=num_devices)
        (program,) = make_plan(sweep, topology="v5e:2x2", cohort=tiny).programs
        # A call of one second takes a step of every member that is in its place.
        assert program.seconds_per_step == 1 / 4
        hours.append(program.device_hours)
    assert hours[1] == 2 * hours[0] == pytest.approx(2 * 32 / 4 / 3600)
