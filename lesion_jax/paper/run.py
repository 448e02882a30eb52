"""The `paper` command: data, protocol, report; the same command again carries on."""

from pathlib import Path

from lesion_jax.config import PaperConfig, to_dict
from lesion_jax.core.parallel import choose_devices
from lesion_jax.data.build import build_dataset
from lesion_jax.ingest.phantom import PAPER_COUNTS, write_phantom
from lesion_jax.io.progress import progress_callback
from lesion_jax.io.provenance import describe_environment
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.paper.protocol import Protocol
from lesion_jax.paper.report import write_report
from lesion_jax.paper.results import features_of, results_of, samples_of
from lesion_jax.train.prepare import Study


def run_paper(config: PaperConfig, workdir: Path) -> Path:
    """Runs the whole protocol.

    Args:
      config: Of the protocol.
      workdir: Made if absent; what is finished in it is not run again.

    Returns:
      The report, WORKDIR/report/report.md.

    Raises:
      LesionJaxError: Bad settings or data at the start, or a training that diverged.
    """
    for part in (config.classifier, config.dcgan, config.acgan):
        choose_devices(part.num_devices, part.data.batch_size)
    study = Study.load(Path(config.dataset)) if config.dataset else None
    run = RunDirectory.open(workdir, config=to_dict(config), provenance={"environment": describe_environment()})
    dataset = Path(config.dataset) if config.dataset else _phantom(config, workdir)
    protocol = Protocol(config, workdir, dataset, study or Study.load(dataset))
    findings = protocol.run()
    report = write_report(
        results_of(protocol, findings),
        workdir / "report",
        samples=samples_of(protocol, findings),
        features=features_of(protocol, findings),
        window=config.classifier.data.window,
        feature_note=f"Fold 0, seed {config.seeds[0]}",
    )
    run.mark_done({"report": "report/report.md"})
    return report


def _phantom(config: PaperConfig, workdir: Path) -> Path:
    dataset, studies = workdir / "dataset", workdir / "phantom"
    if not dataset.exists():
        if not studies.exists():
            counts = {name: round(count * config.phantom_patients_scale) for name, count in PAPER_COUNTS.items()}
            write_phantom(
                studies, seed=config.phantom_seed, num_lesions=counts, progress=progress_callback("phantom, patients")
            )
        build_dataset(studies, studies / "lesions.csv", dataset)
    return dataset
