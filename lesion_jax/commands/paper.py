"""Runs the paper's protocol: trainings with and without synthetic images, selection, tables, figures, report.

lesion-jax paper --config configs/smoke.py --workdir RUNS/smoke

Without --config.dataset it first makes the phantom and builds it below the workdir. Every training is a
run directory below WORKDIR/runs; a finished one is not repeated, so the same command again carries on.
Read WORKDIR/report/report.md.
"""

import json
from typing import Any

from absl import flags

from lesion_jax.commands.config_flag import apply_deterministic, config_of, define_job
from lesion_jax.io.run_directory import check_workdir


def define_flags(values: flags.FlagValues) -> None:
    """--config, --workdir, --deterministic."""
    define_job(values)


def run(values: flags.FlagValues) -> None:
    """Runs the protocol, and says what came out, where the report is and what to do next."""
    apply_deterministic(values)
    check_workdir(values.workdir)
    config = config_of(values, "paper")
    from lesion_jax.paper.run import run_paper
    from lesion_jax.runtime.compile_cache import keep_compiled

    keep_compiled(values.workdir / "compiled")

    report = run_paper(config, values.workdir)
    answer = json.loads((report.parent / "results.json").read_text())["answer"]
    print(f"{answer}\n\nReport: {report}\n\n{_next(config)}")


def _next(config: Any) -> str:
    if not config.dataset:
        return (
            "Next, your own lesions (lesion-jax build --help says what the csv of marks holds):\n"
            "  lesion-jax build --input IMAGES --annotations MARKS.csv --out DATASET\n"
            "  lesion-jax paper --config configs/desk.py --config.dataset=DATASET --workdir runs/mine"
        )
    if len(config.seeds) == 1:
        return (
            'Next, more seeds, which show how much a retraining alone changes: --config.seeds="(0, 1, 2)" and a new '
            "--workdir."
        )
    return "Next: any run below WORKDIR/runs can be scored, sampled and exported; lesion-jax --help has the verbs."
