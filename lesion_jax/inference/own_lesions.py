"""The lesions of a run's own partition: its training, inner validation and test patients."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lesion_jax.config import DataConfig
from lesion_jax.core.types import Lesion
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.lesion_images import LesionImages, Part, lesions_of, original_images
from lesion_jax.errors import ConfigError, RunError
from lesion_jax.inference.load import load_run_config
from lesion_jax.io.run_files import load_provenance
from lesion_jax.metrics.sample import Sample


def own_lesions(
    run: Path | str, part: Part, dataset: Path | str | None = None, *, load: Callable[[Path], Cohort] = Cohort.load
) -> tuple[Lesion, ...]:
    """The lesions of one part of a run's partition; of its class alone where data.label names one.

    Args:
      run: Directory of a training.
      part: "test": its test fold; "inner": its inner validation patients; "train": what it saw.
      dataset: Where its dataset lies now; None where the config says.
      load: Reads a dataset; one that remembers spares the lesions of many runs on one.

    Raises:
      ConfigError: The part is empty, or there is none of that name.
      RunError: No such run, or dataset or folds are not those that it was trained on.
    """
    config, facts = load_run_config(run), load_provenance(run)
    directory = Path(dataset or config.data.dataset)
    if not directory.is_dir():
        raise RunError(f"The dataset of {run} is not at {directory}; say where it lies now with --dataset.")
    cohort = load(directory)
    lesions = cohort.lesions
    if lesions.fingerprint != facts["dataset_fingerprint"]:
        raise RunError(
            f"{run} was trained on dataset {facts['dataset_fingerprint'][:12]}, but {directory} is "
            f"{lesions.fingerprint[:12]}; name the right one with --dataset."
        )
    made = cohort.partition(config.data.partition).fingerprint
    if made != facts["fold_fingerprint"]:
        raise RunError(
            f"{run} was trained on the folds {facts['fold_fingerprint'][:12]}, but {directory} has {made[:12]}: its "
            "training patients may be tested on there. Bring folds.json back, or name the right dataset with --dataset."
        )
    found = lesions_of(cohort.split(config.data), part)
    if label := config.data.label:
        found = tuple(lesion for lesion in found if lesions.class_names[lesion.label] == label)
    if not found:
        raise ConfigError(f"part is {part!r}, but {run} holds no such lesions (data.hold_out_inner is False).")
    return found


def load_own(run: Path | str, part: Part, dataset: Path | str | None = None) -> LesionImages:
    """The lesions of `own_lesions` as images, cropped as the run crops them."""
    data, facts = load_run_config(run).data, load_provenance(run)
    lesions = own_lesions(run, part, dataset)
    return LesionImages.of(lesions, facts["class_names"], facts["unit"], data.image_size, data.margin)


def sample_of(lesions: Sequence[Lesion], data: DataConfig) -> Sample:
    """Original images of lesions, as metrics take them.

    Args:
      lesions: At least one.
      data: Resolved: says how they are cropped.
    """
    low, high = data.window
    images = original_images(lesions, data.image_size, data.margin)
    return Sample.of(images, (low, high), [lesion.patient for lesion in lesions])
