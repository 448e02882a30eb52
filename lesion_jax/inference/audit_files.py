"""Auditing banks as they lie on a disk, against the dataset that their generator was trained on."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lesion_jax.config import DataConfig
from lesion_jax.core.types import Images, Lesion
from lesion_jax.data.augment import original
from lesion_jax.data.bank import Bank, load_bank
from lesion_jax.data.cohort import Cohort
from lesion_jax.errors import BankError, DataError
from lesion_jax.inference.audit import audit_bank
from lesion_jax.inference.own_lesions import sample_of
from lesion_jax.io.pictures import grid
from lesion_jax.metrics.images import floor_ranges
from lesion_jax.metrics.sample import Sample

# Tissue that is added on each side for a wider crop, as a share of the diameter: classic re-crops take 0.1 to 0.4.
_EXTRA_MARGINS = (0.15, 0.35)
# Facts that banks must share to be one.
_PATIENTS = ("fold", "partition", "per_class", "subset", "hold_out_inner", "dataset_fingerprint", "train_fingerprint")
_SHARED = ("class_names", "image_size", "unit", "window", "margin", *_PATIENTS)


@dataclasses.dataclass(frozen=True, eq=False)
class RealLesions:
    """What banks of one fold are compared with.

    Attributes:
      train: Original images of the training lesions, with patients.
      held_out: Original images of other patients' lesions.
      views: int16 [V, L, H, H], see `wider_views`.
    """

    train: Sample
    held_out: Sample
    views: np.ndarray
    _known: dict[tuple[int, ...], Mapping[str, Sequence[float]]] = dataclasses.field(init=False, default_factory=dict)

    def ranges(self, counts: tuple[int, ...]) -> Mapping[str, Sequence[float]]:
        """See `floor_ranges`; kept, since it is most of the time of an audit."""
        if counts not in self._known:
            self._known[counts] = floor_ranges(self.train, self.held_out, counts)
        return self._known[counts]


def audit_files(
    banks: Sequence[Path],
    dataset: Path,
    part: Literal["inner", "test"] = "test",
    known: dict[str, RealLesions] | None = None,
) -> tuple[dict[str, Any], np.ndarray]:
    """Audits banks, taken together, against the training and held-out lesions of their own fold.

    Args:
      banks: Directories of banks of one fold, such as those of one DCGAN for each class.
      dataset: The dataset of their generators.
      part: Held-out lesions to compare with.
      known: Real lesions of earlier calls, to which this one adds its own: several banks of one fold share them.

    Returns:
      (what `audit_bank` returns with "banks", "dataset", "fold", "part" and "class_names"; uint8 picture of the closest
      pairs, each synthetic image above its training lesion).

    Raises:
      BankError: A bank cannot be read, they are of different folds, datasets or sizes, or not of this dataset.
      DataError, FoldError: The dataset cannot be read.
    """
    loaded = [load_bank(path) for path in banks]
    facts = _shared_facts(loaded, banks)
    key = json.dumps([str(dataset), part, {name: facts[name] for name in _SHARED}], sort_keys=True)
    known = {} if known is None else known
    if key not in known:
        known[key] = _real_lesions(loaded[0], banks[0], dataset, part)
    real = known[key]
    pixels, labels = (np.concatenate([getattr(one.images, name) for one in loaded]) for name in ("pixels", "labels"))
    bank = Sample.of(Images(pixels, labels), real.train.window)
    if not np.isin(bank.labels, real.held_out.labels).any():
        raise BankError(f"Bank {banks[0]} holds classes that no {part} lesion has; there is nothing to compare with.")
    found = audit_bank(
        bank,
        real.train,
        real.held_out,
        facts["class_names"],
        views=real.views,
        ranges=real.ranges,
        made_of_lesions=all(one.origins is not None for one in loaded),
    )
    origin = {"banks": [str(path) for path in banks], "dataset": str(dataset), "part": part}
    origin |= {"fold": facts["fold"], "class_names": facts["class_names"]}
    return {**origin, **found}, pairs_picture(bank, real.train, found["copies"]["pairs"])


def wider_views(lesions: Sequence[Lesion], data: DataConfig) -> np.ndarray:
    """Wider crops of lesions, to find copies of re-cropped ones with.

    Args:
      lesions: L lesions.
      data: Says how they are cropped in training.

    Returns:
      int16 [V, L, H, H]; V is 0 where the patches hold too little context.
    """
    try:
        views = [[original(x, data.image_size, data.margin + extra) for x in lesions] for extra in _EXTRA_MARGINS]
    except DataError:
        return np.zeros((0, len(lesions), data.image_size, data.image_size), np.int16)
    return np.array(views)


def pairs_picture(bank: Sample, train: Sample, pairs: Sequence[dict[str, Any]]) -> np.ndarray:
    """uint8 picture of the closest pairs: synthetic images in the upper row, their nearest training lesions below."""
    above, below = [pair["image"] for pair in pairs], [pair["lesion"] for pair in pairs]
    shown = np.concatenate([bank.pixels[above], train.pixels[below]])
    return grid(shown, bank.window, num_columns=len(pairs))


def _real_lesions(bank: Bank, path: Path, dataset: Path, part: Literal["inner", "test"]) -> RealLesions:
    facts = bank.provenance
    parts = Cohort.load(dataset).split_of_bank(bank, path)
    held_out = getattr(parts, part)
    if not held_out:
        raise BankError(f"The training of bank {path} held no {part} lesions out; name --part=test.")
    low, high = facts["window"]
    data = DataConfig(image_size=facts["image_size"], margin=facts["margin"], window=(low, high))
    train, real = sample_of(parts.train, data), sample_of(held_out, data)
    return RealLesions(train, real, wider_views(parts.train, data))


def _shared_facts(loaded: Sequence[Bank], banks: Sequence[Path]) -> dict[str, Any]:
    facts = loaded[0].provenance
    for bank, path in zip(loaded, banks, strict=True):
        if missing := [name for name in _SHARED if name not in bank.provenance]:
            raise BankError(f"Bank {path} does not say its {missing[0]}; draw it again with `lesion-jax sample`.")
        if other := [name for name in _SHARED if bank.provenance[name] != facts[name]]:
            raise BankError(
                f"Bank {path} has {other[0]} {bank.provenance[other[0]]}, but {banks[0]} has {facts[other[0]]}; audit "
                "banks of one fold together."
            )
    return facts
