"""The `study` command: trainings, banks, predictions, comparisons, report; the same command again carries on."""

import dataclasses
import sys
from collections import Counter
from pathlib import Path

from lesion_jax.config import TrainingConfig, to_dict
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.training_images import count_images
from lesion_jax.errors import ConfigError
from lesion_jax.inference.sample import draw_bank
from lesion_jax.io.progress import Progress
from lesion_jax.io.provenance import describe_environment
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.paper.ledger import Ledger
from lesion_jax.runtime.parallel import choose_local_devices
from lesion_jax.study import stages
from lesion_jax.study.audits import audit_banks
from lesion_jax.study.config import StudyConfig
from lesion_jax.study.layout import Layout
from lesion_jax.study.plan import describe_power, power_of
from lesion_jax.study.predictions import collect_runs
from lesion_jax.study.report.write import write_report
from lesion_jax.study.results import results_of
from lesion_jax.study.samples import draw_samples
from lesion_jax.train.periods import Periods


def run_study(config: StudyConfig, workdir: Path) -> Path:
    """Runs the whole study.

    Args:
      config: Settings of the study.
      workdir: Made if absent; what is finished in it is not run again.

    Returns:
      The report, WORKDIR/report/report.html.

    Raises:
      LesionJaxError: Bad settings or data at the start, or a training that diverged.
    """
    layout = prepare(config, workdir)
    cohort = layout.cohort
    facts = {
        "environment": describe_environment(),
        "dataset_fingerprint": cohort.lesions.fingerprint,
        "fold_fingerprint": cohort.folds and cohort.folds.fingerprint,
    }
    settings = to_dict(layout.config)
    with RunDirectory.open(workdir, config=settings, provenance=facts, free=frozenset({"dataset"})) as run:
        # Also where it is finished: the report is written anew.
        run.hold()
        print(describe_power(power_of(layout), config.margin, config.metric), file=sys.stderr, flush=True)
        first, second = stages.first(layout), stages.second(layout)
        ledger = Ledger(layout.workdir, Counter(training.kind for _, training in (*first, *second)), cohort)
        ledger.train("trainings without synthetic images", first)
        _draw_banks(layout)
        ledger.train("trainings with synthetic images", second)
        runs = collect_runs(layout)
        folder = workdir / "report"
        folder.mkdir(exist_ok=True)
        pictures = ["samples.png"] if draw_samples(layout, folder / "samples.png") else []
        results = results_of(layout, runs, audit_banks(layout), facts)
        report = write_report(results, runs, folder, pictures=pictures)
        run.mark_done({"report": "report/report.html"})
    return report


def prepare(config: StudyConfig, workdir: Path) -> Layout:
    """The study's layout, once everything that can be checked has been.

    Raises:
      LesionJaxError: A dataset, scenario, arm or size that cannot be, or a margin that the study cannot resolve.
    """
    if not config.dataset:
        raise ConfigError("dataset is empty; name a directory written by `lesion-jax build` with --config.dataset.")
    dataset = Path(config.dataset).expanduser().absolute()
    config = dataclasses.replace(config, dataset=str(dataset))
    for name, model in config.models.items():
        choose_local_devices(model.num_devices)
        Periods.of(model.loop, 1, prefix=f"models.{name}.")
    layout = Layout(config, workdir.expanduser().absolute(), Cohort.load(dataset))
    if layout.cohort.lesions.num_classes < 2:
        raise ConfigError(f"dataset is {dataset}, which has one class only; nothing can be told apart.")
    # Now, not when a stage that needs it comes up hours later.
    for name, training in (*stages.first(layout), *stages.second(layout)):
        _check(name, training, layout.cohort)
    return layout


def _check(name: str, training: TrainingConfig, cohort: Cohort) -> None:
    try:
        training.check()
        count_images(training, cohort)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error


def _draw_banks(layout: Layout) -> None:
    wanted = stages.banks(layout)
    progress = Progress(len(wanted), "banks")
    for done, (name, setting, num) in enumerate(wanted):
        progress.update(done)
        draw_bank(layout.run(name), num, layout.bank(name), seed=setting.seed, which="last")
    if wanted:
        progress.update(len(wanted))
