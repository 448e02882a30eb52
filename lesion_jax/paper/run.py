"""The `paper` command: data, protocol, report; the same command again carries on."""

import dataclasses
from pathlib import Path
from typing import Any

from lesion_jax.config import to_dict
from lesion_jax.data.augment import num_per_lesion
from lesion_jax.data.build import build_dataset
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.folds import split
from lesion_jax.errors import ConfigError
from lesion_jax.io.progress import progress_callback
from lesion_jax.io.provenance import describe_environment
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.paper.config import PaperConfig
from lesion_jax.paper.features import features_of
from lesion_jax.paper.generators import judge_generators, samples_of, window_of
from lesion_jax.paper.protocol import Protocol
from lesion_jax.paper.report.write import write_report
from lesion_jax.paper.results import results_of
from lesion_jax.runtime.parallel import choose_local_devices
from lesion_jax.sources.phantom.write import PAPER_COUNTS, write_phantom
from lesion_jax.train.periods import Periods


def run_paper(config: PaperConfig, workdir: Path) -> Path:
    """Runs the whole protocol.

    Args:
      config: Settings of the protocol.
      workdir: Made if absent; what is finished in it is not run again.

    Returns:
      The report, WORKDIR/report/report.md.

    Raises:
      LesionJaxError: Bad settings or data at the start, or a training that diverged.
    """
    for name, model in config.models.items():
        choose_local_devices(model.num_devices)
        Periods.of(model.loop, 1, prefix=f"models.{name}.")
    if config.dataset:
        config = dataclasses.replace(config, dataset=str(Path(config.dataset).expanduser().absolute()))
    cohort = Cohort.load(Path(config.dataset)) if config.dataset else None
    _check_sizes(config, cohort)
    facts: dict[str, Any] = {"environment": describe_environment()}
    if cohort is not None:
        facts |= {"dataset_fingerprint": cohort.lesions.fingerprint, "fold_fingerprint": cohort.partition().fingerprint}
    with RunDirectory.open(workdir, config=to_dict(config), provenance=facts, free=frozenset({"dataset"})) as run:
        # Also where it is finished: the report is written anew.
        run.hold()
        dataset = Path(config.dataset) if config.dataset else _phantom(config, workdir)
        protocol = Protocol(config, workdir, dataset, cohort or Cohort.load(dataset))
        findings = protocol.run()
        images, banks = judge_generators(protocol, findings.gan_sizes)
        report = write_report(
            results_of(protocol, findings, images, banks),
            workdir / "report",
            samples=samples_of(protocol, findings),
            features=features_of(findings),
            window=window_of(protocol),
            feature_note=f"Fold 0, seed {config.seeds[0]}",
        )
        run.mark_done({"report": "report/report.md"})
    return report


def _phantom_counts(config: PaperConfig) -> dict[str, int]:
    return {name: round(count * config.phantom_patients_scale) for name, count in PAPER_COUNTS.items()}


def _check_sizes(config: PaperConfig, cohort: Cohort | None) -> None:
    # Now, not when the first training that needs it comes up hours later.
    num_lesions = len(cohort.lesions.lesions) if cohort else sum(_phantom_counts(config).values())
    num_folds = cohort.partition().num_folds if cohort else 3
    for size in (*config.classic_sizes, config.gan_classic_size):
        num_per_lesion(size, num_folds, num_lesions)
    if cohort is None:
        return
    if cohort.lesions.num_classes < 2:
        raise ConfigError(f"dataset is {config.dataset}, which has one class only; nothing can be told apart.")
    for fold in range(num_folds):
        split(cohort.lesions, cohort.partition(), fold, hold_out_inner=config.selection == "inner")


def _phantom(config: PaperConfig, workdir: Path) -> Path:
    dataset, studies = workdir / "dataset", workdir / "phantom"
    if not dataset.exists():
        if not studies.exists():
            write_phantom(
                studies,
                seed=config.phantom_seed,
                num_lesions=_phantom_counts(config),
                progress=progress_callback("phantom, patients"),
            )
        build_dataset(studies, studies / "lesions.csv", dataset)
    return dataset
