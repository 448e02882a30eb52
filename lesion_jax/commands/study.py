"""Runs a study: arms compared over scenarios, cohorts and seeds, and a verdict by a rule that was fixed beforehand.

lesion-jax plan  --config configs/study_smoke.py --config.dataset=DATASET
lesion-jax study --config configs/study_smoke.py --config.dataset=DATASET --workdir STUDY

Every training is a run directory below STUDY/runs; a finished one is not repeated, so the same command again carries
on. Read STUDY/report/report.html. STUDY/predictions/SCENARIO/ARM.npz hold what every network said of every test
lesion, so that all numbers can be recomputed.

On a cluster each task of an array trains one setting, a scenario with its cohort, partition and seed; `lesion-jax plan`
says how many there are. The same command without --index then writes the report:
lesion-jax study --config ... --workdir STUDY --index I        I from 0; see launch/array.sbatch
"""

import json

from absl import flags

from lesion_jax.commands.config_flag import apply_deterministic, config_of, define_job
from lesion_jax.io.run_directory import check_workdir


def define_flags(values: flags.FlagValues) -> None:
    """--config, --workdir, --index, --deterministic."""
    define_job(values)
    flags.DEFINE_integer("index", None, "Train only this setting.", lower_bound=0, flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Runs the study, and says what came out and where the report is."""
    apply_deterministic(values)
    check_workdir(values.workdir, will_write=values.index is None)
    config = config_of(values, "study")
    from lesion_jax.runtime.compile_cache import keep_compiled
    from lesion_jax.study.run import run_setting, run_study

    keep_compiled(values.workdir / "compiled")
    if values.index is not None:
        run_setting(config, values.workdir, values.index)
        return
    report = run_study(config, values.workdir)
    results = json.loads((report.parent / "results.json").read_text())
    print(f"{results['answer']}\n\nReport: {report}")
