"""Says what a sweep, a training or the paper would cost: programs, trainings, steps, memory, device-hours.

lesion-jax plan --config configs/sweep.py --config.base.data.dataset=DATASET
lesion-jax plan --config configs/sweep.py --config.base.data.dataset=DATASET --topology=v5e:4x4
lesion-jax plan --config configs/paper.py --config.dataset=DATASET

It measures a few steps on the device at hand; with --topology it asks the TPU's compiler, which needs no TPU (pip
install libtpu), and gives a lower limit. The number of a sweep's programs is the size of an array for `sweep --index`.
Of the sizes that the paper chooses along the way it takes the largest. Nothing is written. Where it does not fit, it
says so and ends with status 2.
"""

import dataclasses
import json
import os
import sys

from absl import flags

from lesion_jax.commands.config_flag import config_of, define_config
from lesion_jax.errors import ConfigError

# The TPU's compiler then asks no cloud for a machine, and does not lock itself against other processes.
TPU_ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
}


def define_flags(values: flags.FlagValues) -> None:
    """--config, --topology, --json."""
    define_config(values)
    flags.DEFINE_string("topology", None, "TPUs to plan for, such as v5e:4x4 or v5p:2x2x2.", flag_values=values)
    flags.DEFINE_bool("json", False, "As JSON.", flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Prints the plan."""
    config = config_of(values)
    if values.topology:
        import jax

        os.environ |= TPU_ENVIRONMENT
        # The config's families have imported JAX.
        jax.config.update("jax_platforms", "cpu")
    from lesion_jax.paper.plan import make_paper_plan
    from lesion_jax.sweep.plan import describe_plan, make_plan

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    if config.kind == "paper":
        plan = make_paper_plan(config, topology=values.topology, tell=tell)
    else:
        plan = make_plan(config, topology=values.topology, tell=tell)
    print(json.dumps(dataclasses.asdict(plan), indent=2) if values.json else describe_plan(plan))
    if plan.refusals:
        raise ConfigError(plan.refusals[0])
