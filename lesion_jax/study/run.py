"""The `study` command: trainings, banks, predictions, comparisons, report; the same command again carries on."""

import dataclasses
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lesion_jax.config import TrainingConfig, to_dict
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.training_images import count_images
from lesion_jax.disk.atomic import write_bytes, writing
from lesion_jax.disk.lock import locked
from lesion_jax.errors import ConfigError, FoldError, LockedError
from lesion_jax.inference.sample import draw_bank
from lesion_jax.inference.select_bank import select_bank
from lesion_jax.io.progress import Progress
from lesion_jax.io.provenance import describe_environment
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.paper.ledger import Ledger
from lesion_jax.runtime.parallel import choose_local_devices
from lesion_jax.study import stages
from lesion_jax.study.audits import audit_banks
from lesion_jax.study.config import StudyConfig
from lesion_jax.study.layout import Layout, Setting
from lesion_jax.study.power import describe_power, power_of
from lesion_jax.study.predictions import collect_predictions
from lesion_jax.study.report.write import write_report
from lesion_jax.study.results import results_of
from lesion_jax.study.samples import draw_samples
from lesion_jax.study.tuning import choose_recipes, with_recipes
from lesion_jax.train.periods import Periods
from lesion_jax.train.training import check_family

# A task of an array holds the study's own lock for a moment, those that start with it wait.
_TURN_SECONDS = 30.0


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
    facts = _facts(layout)
    with _open(layout, facts) as run:
        # Also where it is finished: the report is written anew.
        run.hold()
        print(describe_power(power_of(layout), config.margin, config.metric), file=sys.stderr, flush=True)
        _train(layout, layout.tuning_settings, "tuning: ")
        chosen = choose_recipes(layout)
        layout = with_recipes(layout, chosen)
        _train(layout, layout.settings)
        predictions = collect_predictions(layout)
        folder = workdir / "report"
        folder.mkdir(exist_ok=True)
        pictures = ["samples.png"] if draw_samples(layout, folder / "samples.png") else []
        results = results_of(layout, predictions, audit_banks(layout), facts, chosen)
        report = write_report(results, predictions.runs, folder, pictures=pictures)
        run.mark_done({"report": "report/report.html"})
    return report


def run_setting(config: StudyConfig, workdir: Path, index: int) -> None:
    """Trains one setting of a study, as a task of an array; other processes may train others at the same time.

    `run_study` then has nothing left to train, and writes the report.

    Args:
      config: Settings of the study.
      workdir: Made if absent.
      index: Number of the setting: those that try recipes come first, see `tasks_of`.

    Raises:
      LesionJaxError: As `run_study`, or there is no such setting, another process trains it, or it needs recipes that
        are not chosen yet.
    """
    layout = prepare(config, workdir)
    settings = tasks_of(layout)
    if not 0 <= index < len(settings):
        raise ConfigError(f"--index is {index}, but the study has {len(settings)} settings, from 0.")
    if not settings[index].tunes:
        layout = with_recipes(layout, choose_recipes(layout))
    _claim(layout)
    tasks = layout.workdir / "programs"
    with writing(tasks):
        tasks.mkdir(exist_ok=True)
    lock = tasks / f"{index:04d}.lock"
    with locked(lock, what=lock.with_suffix("")):
        some = [settings[index]]
        names = [name for name, _ in (*stages.first(layout, some), *stages.second(layout, some))]
        with writing(tasks):
            # launch/slurm.sh reads it.
            write_bytes(lock.with_suffix(".cells"), "".join(f"runs/{name}\n" for name in names).encode())
        _train(layout, some)


def tasks_of(layout: Layout) -> list[Setting]:
    """What an array's tasks train: the settings that try recipes, then those in which arms are compared."""
    return [*layout.tuning_settings, *layout.settings]


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
    settings = tasks_of(layout)
    for name, training in (*stages.first(layout, settings), *stages.second(layout, settings)):
        _check(name, training, layout.cohort)
    return layout


def _facts(layout: Layout) -> dict[str, Any]:
    cohort = layout.cohort
    return {
        "environment": describe_environment(),
        "dataset_fingerprint": cohort.lesions.fingerprint,
        "fold_fingerprint": cohort.folds and cohort.folds.fingerprint,
    }


def _open(layout: Layout, facts: Mapping[str, Any]) -> RunDirectory:
    settings = to_dict(layout.config)
    return RunDirectory.open(layout.workdir, config=settings, provenance=facts, free=frozenset({"dataset"}))


def _claim(layout: Layout) -> None:
    """Makes the directory this study's, or checks that it is, for a moment: tasks that start together take turns."""
    until = time.monotonic() + _TURN_SECONDS
    while True:
        try:
            with _open(layout, _facts(layout)):
                return
        except LockedError:
            if time.monotonic() > until:
                raise
        time.sleep(0.1)


def _train(layout: Layout, settings: Sequence[Setting], what: str = "") -> None:
    first, second = stages.first(layout, settings), stages.second(layout, settings)
    ledger = Ledger(layout.workdir, Counter(training.kind for _, training in (*first, *second)), layout.cohort)
    ledger.train(f"{what}trainings without synthetic images", first)
    _draw_banks(layout, settings)
    ledger.train(f"{what}trainings with synthetic images", second)


def _check(name: str, training: TrainingConfig, cohort: Cohort) -> None:
    try:
        training.check()
        count_images(training, cohort)
        check_family(training, cohort)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error
    except FoldError as error:
        raise ConfigError(f"{name}: {error} In a study: raise per_class, or leave tuning.grid empty.") from error


def _draw_banks(layout: Layout, settings: Sequence[Setting]) -> None:
    wanted = stages.banks(layout, settings)
    progress = Progress(len(wanted), "banks")
    for done, (name, setting, num) in enumerate(wanted):
        progress.update(done)
        draw_bank(layout.run(name), num, layout.bank(name), seed=setting.bank_seed, which="last")
    if wanted:
        progress.update(len(wanted))
    for name, num in stages.selections(layout, settings):
        select_bank(layout.bank(name), num, layout.selected(name), layout.cohort)
