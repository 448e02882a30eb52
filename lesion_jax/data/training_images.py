"""What a config means on a cohort: its images, their schedule, and the facts that a run must remember."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.config import DataConfig, TrainingConfig
from lesion_jax.core.periods import to_steps
from lesion_jax.core.types import Images, Lesion
from lesion_jax.data.bank import check_bank, load_bank, take_per_class
from lesion_jax.data.classic import classic_pool
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.folds import train_fingerprint
from lesion_jax.data.schedule import Schedule
from lesion_jax.disk.limits import require_memory
from lesion_jax.errors import BankError, ConfigError


@dataclasses.dataclass(frozen=True)
class TrainingImages:
    """Everything that a training needs besides its networks.

    Attributes:
      images: Original real images, then augmented ones, then synthetic ones.
      num_originals: Number of originals among them.
      lesions: Lesions that the originals show, in their order, with wide patches.
      schedule: Schedule that chooses the images of each step.
      inner: Original inner validation images; empty where the config holds none out.
      unit: Unit of the pixels, a key of `core.types.UNITS`.
      class_names: Names of the dataset's classes.
      provenance: Facts for the run directory.
    """

    images: Images
    num_originals: int
    lesions: tuple[Lesion, ...]
    schedule: Schedule
    inner: Images
    unit: str
    class_names: tuple[str, ...]
    provenance: dict[str, Any]

    @property
    def patients(self) -> tuple[str, ...]:
        """Hash of the patient of each original."""
        return tuple(lesion.patient for lesion in self.lesions)

    @property
    def originals(self) -> Images:
        """The real images of the training patients as they are, without augmentation."""
        return self.images[: self.num_originals]

    @property
    def real(self) -> Images:
        """Originals and augmented images."""
        return self.images[: self.schedule.num_real]

    def scheduled_for(self, config: TrainingConfig) -> "TrainingImages":
        """The same images in the order of another training, which may differ in seed and length."""
        num_real, num_synthetic = self.schedule.num_real, self.schedule.num_synthetic
        schedule = make_schedule(config, num_real, num_synthetic, self.real.labels)
        return dataclasses.replace(self, schedule=schedule)


def training_lesions(data: DataConfig, cohort: Cohort) -> tuple[Lesion, ...]:
    """The lesions that a training learns from, those of its class where it has one.

    Raises:
      ConfigError: A fold or class that does not exist.
    """
    return _of_label(cohort.split(data).train, data, cohort.lesions.class_names)


def _of_label(lesions: tuple[Lesion, ...], data: DataConfig, class_names: tuple[str, ...]) -> tuple[Lesion, ...]:
    if not data.label:
        return lesions
    if data.label not in class_names:
        raise ConfigError(f"data.label is {data.label!r}; {data.dataset} has {', '.join(class_names)}.")
    return tuple(lesion for lesion in lesions if lesion.label == class_names.index(data.label))


def _synthetic(
    data: DataConfig, cohort: Cohort, train: tuple[Lesion, ...]
) -> tuple[list[Images], list[dict[str, Any]]]:
    wanted = data.synthetic_size * cohort.training_folds(data)
    found, parents, covered = [], [], set()
    trained_on, patients = train_fingerprint(train), {lesion.patient for lesion in train}
    for path in data.banks:
        bank = load_bank(Path(path))
        check_bank(
            bank,
            train_fingerprint=trained_on,
            train_patients=patients,
            path=Path(path),
            run=f"a run with test fold {data.fold}",
        )
        for field, own in (
            ("dataset_fingerprint", cohort.lesions.fingerprint),
            ("class_names", list(cohort.lesions.class_names)),
            ("image_size", data.image_size),
            ("unit", cohort.lesions.unit),
            ("window", list(data.window)),
            ("margin", data.margin),
        ):
            if (theirs := bank.provenance.get(field)) != own:
                raise BankError(f"Bank {path} has {field} {theirs}, but the run has {own}; draw a new bank.")
        found.append(take_per_class(bank.images, wanted, source=f"Bank {path}"))
        if twice := covered & set(np.unique(bank.images.labels).tolist()):
            names = ", ".join(cohort.lesions.class_names[i] for i in sorted(twice))
            raise BankError(f"Bank {path} holds {names}, as does another of data.banks; name one bank for each class.")
        parents.append(bank.provenance)
        covered |= set(np.unique(bank.images.labels).tolist())
    missing = [name for i, name in enumerate(cohort.lesions.class_names) if i not in covered]
    if data.banks and missing:
        raise BankError(f"data.banks holds no images of {', '.join(missing)}; add a bank of each class.")
    return found, parents


def _concatenate(parts: list[Images]) -> Images:
    return Images(np.concatenate([p.pixels for p in parts]), np.concatenate([p.labels for p in parts]))


def resolve_window(config: TrainingConfig, cohort: Cohort) -> TrainingConfig:
    """A config whose window is two numbers: the dataset's own where it names none."""
    if config.data.window:
        return config
    return dataclasses.replace(config, data=dataclasses.replace(config.data, window=cohort.lesions.window))


def count_images(config: TrainingConfig, cohort: Cohort) -> tuple[int, int]:
    """(real, synthetic) images of one training, without making or reading them.

    Raises:
      ConfigError: A fold, class or size that does not exist.
    """
    data, parts = config.data, cohort.split(config.data)
    per_lesion = cohort.copies_per_lesion(data, parts)
    num_real = len(_of_label(parts.train, data, cohort.lesions.class_names)) * (1 + per_lesion)
    num_synthetic = data.synthetic_size * cohort.training_folds(data) * cohort.lesions.num_classes if data.banks else 0
    return num_real, num_synthetic


def check_images(config: TrainingConfig, cohort: Cohort) -> None:
    """Checks what `prepare_images` would refuse, but for lesions with too little context; no image is made.

    Raises:
      ConfigError: A fold or class that does not exist.
      BankError: A bank that does not belong to the run's training patients.
    """
    config = resolve_window(config, cohort)
    _synthetic(config.data, cohort, cohort.split(config.data).train)


def prepare_images(config: TrainingConfig, cohort: Cohort, *, cache_dir: Path | None = None) -> TrainingImages:
    """Loads, augments and mixes the images of one run.

    Args:
      config: Config of the run.
      cohort: Content of `config.data.dataset`.
      cache_dir: Folder of augmented images, kept for other runs; None recomputes them.

    Raises:
      ConfigError: A fold or class that does not exist, or more images than the machine's memory holds.
      BankError: A bank that does not belong to the run's training patients.
    """
    data, lesions = config.data, cohort.lesions
    _require_memory(config, cohort)
    parts = cohort.split(data)
    trained_on = train_fingerprint(parts.train)
    per_lesion = cohort.copies_per_lesion(data, parts)

    def pool(some: tuple[Lesion, ...], copies: int) -> Images:
        return classic_pool(
            _of_label(some, data, lesions.class_names),
            per_lesion=copies,
            image_size=data.image_size,
            margin=data.margin,
            seed=data.augmentation_seed,
            cache_dir=cache_dir,
        )

    real = pool(parts.train, per_lesion)
    synthetic, parents = _synthetic(data, cohort, parts.train)
    num_synthetic = sum(len(part) for part in synthetic)
    inner = pool(parts.inner, 0)
    provenance = {
        "class_names": list(lesions.class_names),
        "unit": lesions.unit,
        "phantom": lesions.phantom,
        "dataset_fingerprint": lesions.fingerprint,
        "fold_fingerprint": cohort.partition(data.partition).fingerprint,
        "train_fingerprint": trained_on,
        "num_train_lesions": len(parts.train),
        "num_real": len(real),
        "num_synthetic": num_synthetic,
        "parents": parents,
    }
    return TrainingImages(
        images=_concatenate([real, *synthetic]),
        num_originals=len(real) // (1 + per_lesion),
        lesions=_of_label(parts.train, data, lesions.class_names),
        schedule=make_schedule(config, len(real), num_synthetic, real.labels),
        inner=inner,
        unit=lesions.unit,
        class_names=lesions.class_names,
        provenance=provenance,
    )


def _require_memory(config: TrainingConfig, cohort: Cohort) -> None:
    data, num_images = config.data, sum(count_images(config, cohort))
    each = data.image_size**2 * np.dtype(np.int16).itemsize
    size = f"data.image_size is {data.image_size}"
    require_memory(num_images * each, f"{size}, and the {num_images} images of this training take")
    require_memory(data.batch_size * each, f"{size} and data.batch_size {data.batch_size}, and one batch takes")


def make_schedule(
    config: TrainingConfig, num_real: int, num_synthetic: int, labels: np.ndarray | None = None
) -> Schedule:
    """The schedule of a training.

    Args:
      config: Config of the training.
      num_real: Real images, originals and augmented ones.
      num_synthetic: Synthetic images.
      labels: int32 [num_real]; None where only numbers of steps are asked for.

    Raises:
      ConfigError: Numbers, a share or a duration that cannot be.
    """
    data, classes = config.data, ()
    if data.sampling == "balanced" and labels is not None:
        classes = tuple(np.flatnonzero(labels == label) for label in np.unique(labels))
    schedule = Schedule(
        num_real=num_real,
        num_synthetic=num_synthetic,
        batch_size=data.batch_size,
        synthetic_share=data.synthetic_share,
        seed=config.seed,
        is_annealed=data.synthetic_annealing != "none",
        real_classes=classes,
    )
    if not schedule.is_annealed and data.synthetic_until == 1:
        return schedule
    duration = config.loop.duration
    total = to_steps(duration, field="loop.duration", steps_per_epoch=schedule.steps_per_epoch)
    return dataclasses.replace(schedule, synthetic_steps=max(1, round(data.synthetic_until * total)))


def mean_intensity(images: Images, window: tuple[float, float]) -> float:
    """Mean of images in [0, 1] (paper: "mean of the training images").

    One number for all pixels: the paper does not say whether it subtracts a number or an image.
    """
    low, high = window
    sums = [
        float(np.clip((chunk.astype(np.float32) - low) / (high - low), 0, 1).sum(dtype=np.float64))
        for chunk in np.array_split(images.pixels, math.ceil(len(images) / 1024))
    ]
    return sum(sums) / images.pixels.size
