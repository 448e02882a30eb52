"""Lesions of a dataset as the networks see them, for scripts."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from lesion_jax.config import DataConfig
from lesion_jax.config.fields import check_ranges
from lesion_jax.core.types import Images, Lesion
from lesion_jax.data.augment import original
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.folds import Split
from lesion_jax.errors import ConfigError

Part = Literal["train", "inner", "test"]


@dataclasses.dataclass(frozen=True, eq=False)
class LesionImages:
    """N lesions as square images of one size: cropped as in training, never augmented, windowed or scaled.

    Attributes:
      pixels: int16 [N, H, H], in `unit`; what a restored classifier takes.
      labels: int32 [N], the truth: positions in `class_names`.
      ids: N stable names; of one lesion the same in every fold and run.
      patients: N hashes, equal for the lesions of one patient: what statistics resample.
      class_names: A name for each label.
      unit: What pixels are: "HU" or "grey".
    """

    pixels: np.ndarray
    labels: np.ndarray
    ids: tuple[str, ...]
    patients: tuple[str, ...]
    class_names: tuple[str, ...]
    unit: str

    def __len__(self) -> int:
        """N."""
        return len(self.ids)

    @classmethod
    def of(
        cls, lesions: Sequence[Lesion], class_names: Sequence[str], unit: str, image_size: int, margin: float
    ) -> "LesionImages":
        """Crops lesions of a dataset.

        Args:
          lesions: N of them, at least one.
          class_names: Names of the dataset's classes.
          unit: Unit of its pixels.
          image_size: Side H of the images, pixels.
          margin: Tissue on each side, as a share of the diameter, in [0, 0.5].
        """
        images = original_images(lesions, image_size, margin)
        return cls(
            pixels=images.pixels,
            labels=images.labels,
            ids=tuple(lesion.lesion_id for lesion in lesions),
            patients=tuple(lesion.patient for lesion in lesions),
            class_names=tuple(class_names),
            unit=unit,
        )


def load_lesions(
    dataset: Path | str,
    fold: int = 0,
    part: Part | Literal["all"] = "test",
    *,
    image_size: int = DataConfig.image_size,
    margin: float = DataConfig.margin,
    partition: str = "",
    hold_out_inner: bool = True,
) -> LesionImages:
    """Loads the lesions of a fold and part of a dataset as images, as networks see them.

    For those of a run, cropped as that run does it, call `lesions` of what `restore_classifier` gives: it cannot take
    another fold by mistake.

    Args:
      dataset: Directory written by `lesion-jax build`.
      fold: Test fold, from 0.
      part: "test": the lesions of the fold's patients; "inner": those of the validation patients held out of the other
        folds, on which checkpoints are chosen; "train": the rest; "all": the whole dataset, whatever the fold.
      image_size: Side H of the images, pixels.
      margin: Tissue on each side of the lesion, as a share of its diameter, in [0, 0.5].
      partition: Which folds: "" for the dataset's own; "repeat:K" or "tag:NAME=VALUE" as `data.partition` of a config.
      hold_out_inner: False leaves the inner patients in "train", as the paper did; "inner" is empty then.

    Returns:
      A `LesionImages`: pixels int16 [N, H, H] in its unit, labels int32 [N], ids and patients of length N, class_names,
      unit; N lesions in the order of their ids.

    Raises:
      ConfigError: No such fold or part, no lesion in it, or a size or margin out of range.
      DataError, FoldError: The dataset cannot be read, has no folds, or a patch has too little tissue for the margin.
    """
    data = DataConfig(
        dataset=str(dataset),
        fold=fold,
        image_size=image_size,
        margin=float(margin),
        partition=partition,
        hold_out_inner=hold_out_inner,
    )
    check_ranges(data)
    data.check("")
    cohort = Cohort.load(Path(dataset))
    found = cohort.lesions.lesions if part == "all" else lesions_of(cohort.split(data), part)
    if not found:
        raise ConfigError(f"part is {part!r}, but fold {fold} of {dataset} has no such lesions.")
    return LesionImages.of(found, cohort.lesions.class_names, cohort.lesions.unit, image_size, margin)


def lesions_of(parts: Split, part: Part) -> tuple[Lesion, ...]:
    """One part of a split; there may be no lesion in it.

    Raises:
      ConfigError: There is no such part.
    """
    if part not in get_args(Part):
        raise ConfigError(f"part is {part!r}; choose one of {', '.join(map(repr, get_args(Part)))}.")
    return getattr(parts, part)


def original_images(lesions: Sequence[Lesion], image_size: int, margin: float) -> Images:
    """Lesions as images, cropped as in training, never augmented.

    Args:
      lesions: N lesions, at least one.
      image_size: Side H of the images, pixels.
      margin: Tissue on each side, as a share of the diameter.

    Returns:
      N images [H, H] in the order of the lesions.
    """
    pixels = np.stack([original(lesion, image_size, margin) for lesion in lesions])
    return Images(pixels, np.array([lesion.label for lesion in lesions], np.int32))
