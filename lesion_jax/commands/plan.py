"""Says what a sweep, a training, a study or the paper would cost: programs, trainings, steps, memory, device-hours.

lesion-jax plan --config configs/sweep.py --config.base.data.dataset=DATASET
lesion-jax plan --config configs/sweep.py --config.base.data.dataset=DATASET --topology=v5e:4x4    (or h100:8)
lesion-jax plan --config configs/paper.py --config.dataset=DATASET
lesion-jax plan --config configs/study_smoke.py --config.dataset=DATASET --pilot=STUDY

It measures a few steps on the device at hand; with --topology it asks the compiler of TPUs (pip install libtpu) or of
NVIDIA GPUs (pip install 'lesion-jax[aot-cuda]', 4 GB), which need no such device, and gives a lower limit; with
--nomeasure it counts at once what a sweep or a training has. An array for `sweep --index` has as many tasks as the
sweep has programs, one for `study --index` as many as the study has settings. Of the sizes that the paper chooses
along the way it takes the largest. Of a study it also says which differences it could show, by the variances of a
finished one, --pilot, or by those measured on the phantom. Nothing is written. Where it does not fit, it says so and
ends with status 2.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path

from absl import flags

from lesion_jax.commands.config_flag import config_of, define_config, define_path
from lesion_jax.errors import ConfigError

# The TPU's compiler then asks no cloud for a machine, and does not lock itself against other processes.
TPU_ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
}
# What is compiled for a GPU that is not here cannot be read back: nothing is kept.
GPU_ENVIRONMENT = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1", "JAX_ENABLE_COMPILATION_CACHE": "false"}
# There is no GPU to time algorithms on: counts are true, times unknown. Operations are those of training.
_GPU_FLAGS = "--xla_gpu_autotune_level=0 --xla_gpu_deterministic_ops=true"


def environment_for(topology: str) -> dict[str, str]:
    """Variables that a process needs to compile for a topology; set before JAX starts its backend."""
    if topology[:1] == "v":
        return TPU_ENVIRONMENT
    return {**GPU_ENVIRONMENT, "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {_GPU_FLAGS}".strip()}


def define_flags(values: flags.FlagValues) -> None:
    """--config, --topology, --measure, --pilot, --json."""
    define_config(values)
    text = "What to plan for: TPUs such as v5e:4x4 or v5p:2x2x2, or GPUs of one host, h100:8, h200:8, a100:8."
    flags.DEFINE_string("topology", None, text, flag_values=values)
    measure = "Find out times; --nomeasure counts programs, steps and memory of a sweep, and compiles nothing."
    flags.DEFINE_bool("measure", True, measure, flag_values=values)
    define_path(values, "pilot", "Workdir of a finished study, whose variances are taken.", required=False)
    flags.DEFINE_bool("json", False, "As JSON.", flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Prints the plan."""
    config = config_of(values)
    if not values.measure and config.kind in ("paper", "study"):
        raise ConfigError(f"--nomeasure plans a sweep or a training; --config is of kind {config.kind!r}.")
    if values.topology:
        import jax

        os.environ |= environment_for(values.topology)
        # The config's families have imported JAX.
        jax.config.update("jax_platforms", "cpu")
        if values.topology[:1] != "v":
            jax.config.update("jax_enable_compilation_cache", False)
    from lesion_jax.paper.plan import make_paper_plan
    from lesion_jax.sweep.plan import describe_plan, make_plan

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    if config.kind == "paper":
        plan = make_paper_plan(config, topology=values.topology, tell=tell)
    elif config.kind == "study":
        from lesion_jax.study.plan import plan_study
        from lesion_jax.study.power import components_of, describe_power, power_of
        from lesion_jax.study.run import prepare, tasks_of

        layout = prepare(config, Path("."))
        powers = power_of(layout, components_of(values.pilot, layout) if values.pilot else None)
        num, tuned = len(tasks_of(layout)), len(layout.tuning_settings)
        first = f", of which the first {tuned} try recipes and must be finished before the others" if tuned else ""
        power = describe_power(powers, config.margin, config.metric, values.pilot)
        text = f"{power}\nSettings, for --index: {num}{first}"
        print(text, file=sys.stderr if values.json else sys.stdout)
        plan = plan_study(layout, topology=values.topology, tell=tell)
    else:
        plan = make_plan(config, topology=values.topology, measure=values.measure, tell=tell)
    print(json.dumps(dataclasses.asdict(plan), indent=2) if values.json else describe_plan(plan))
    if plan.refusals:
        raise ConfigError(plan.refusals[0])
