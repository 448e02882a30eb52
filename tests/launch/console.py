"""lesion-jax on the tiny cohort, whatever dataset is named, with steps slow enough to be interrupted."""

import os
import sys
import time
from pathlib import Path


def main():
    from tests.xla import compile_fast

    compile_fast(num_devices=2)
    from lesion_jax.commands import main as lesion_jax
    from lesion_jax.data.cohort import Cohort
    from lesion_jax.runtime import preemption
    from tests.train.tiny import cohort

    # Only a start that is going to be interrupted has to be slow.
    is_slow = int(os.environ.get("SLURM_RESTART_COUNT", "0")) < int(os.environ["SLOW_STARTS"])
    hurry, requested = Path(os.environ["HURRY"]), preemption.requested

    def slow():
        if is_slow and not hurry.exists():
            time.sleep(2.0)
        return requested()

    preemption.requested = slow
    Cohort.load = classmethod(lambda cls, directory: cohort())  # type: ignore[method-assign]
    return lesion_jax()


if __name__ == "__main__":
    sys.exit(main())
