"""Which real and synthetic images readers see.

Nothing but the images themselves may tell real from synthetic, so both are made alike:

- Each class has as many real images as any other, and as many synthetic ones: the class says nothing of the source.
- Real images are cut and resampled with the margin and size that the bank's generator was trained with; both are
  integers in the dataset's unit.
- Both are clipped to the window that the generator sees: it cannot draw beyond, and real images would otherwise show
  what no synthetic one does.
- Real images are of patients whom the bank's generator did not see (its test fold), so that no synthetic image is a
  near copy of a real one in the same study. Banks of several folds bring the test patients of each.
- Classes, banks and lesions are drawn at random, and the order is shuffled.

What stays is what the generator draws otherwise: its sharpness, noise, grid, range, and the orientations that classic
augmentation taught it. That is what readers are to judge.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lesion_jax.core.types import Images, Lesion
from lesion_jax.data import draws
from lesion_jax.data.bank import Bank, load_bank
from lesion_jax.data.classic import classic_pool
from lesion_jax.data.cohort import Cohort
from lesion_jax.errors import BankError, ConfigError

Part = Literal["test", "inner", "train"]
# What makes images of two banks alike to look at.
_ALIKE = ("image_size", "margin", "window")


@dataclasses.dataclass(frozen=True, eq=False)
class Chosen:
    """The images of a reader study in the order of its page.

    Attributes:
      images: N images, clipped to `window`.
      is_synthetic: bool [N].
      origins: For each image {"lesion", "patient"} or {"bank", "index"}.
      window: (low, high) that the generators were trained with, in the dataset's unit.
    """

    images: Images
    is_synthetic: np.ndarray
    origins: tuple[dict[str, Any], ...]
    window: tuple[float, float]


def choose_images(
    cohort: Cohort,
    banks: Sequence[Path],
    *,
    num_real: int,
    num_synthetic: int,
    part: Part,
    seed: int,
) -> Chosen:
    """Draws the images and their order.

    Args:
      cohort: Dataset of the real images.
      banks: Directories of synthetic banks; together they hold every class.
      num_real: Real images of each class.
      num_synthetic: Synthetic images of each class; from banks of one class in equal numbers.
      part: Whose lesions are shown, of the folds that the banks were drawn for.
      seed: Seed of choice and order.

    Returns:
      A function of the arguments: num_real + num_synthetic images of each class.

    Raises:
      BankError: A bank is unreadable, of another dataset, unit or partition, or unlike the first one.
      ConfigError: A class has too few images.
      DataError: A lesion has too little context for the banks' margin.
      FoldError: There is no such partition.
    """
    loaded = [(path, load_bank(path)) for path in banks]
    lesions: dict[str, Lesion] = {}
    for path, bank in loaded:
        _check_bank(path, bank, loaded[0], cohort)
        lesions |= {lesion.lesion_id: lesion for lesion in getattr(cohort.split_of_bank(bank, path), part)}
    first = loaded[0][1].provenance
    names = cohort.lesions.class_names
    real = _draw_real([lesions[name] for name in sorted(lesions)], names, num_real, part, seed)
    synthetic = _draw_synthetic(loaded, names, num_synthetic, seed)

    cut = classic_pool(real, per_lesion=0, image_size=first["image_size"], margin=first["margin"], seed=0)
    drawn = [loaded[bank][1].images[index : index + 1] for bank, index in synthetic]
    pixels = np.concatenate([cut.pixels, *(image.pixels for image in drawn)])
    labels = np.concatenate([cut.labels, *(image.labels for image in drawn)])
    origins = [
        *({"lesion": lesion.lesion_id, "patient": lesion.patient} for lesion in real),
        *({"bank": str(banks[bank]), "index": index} for bank, index in synthetic),
    ]
    order = draws.permutation("reader", seed, "order", count=len(labels))
    low, high = first["window"]
    return Chosen(
        images=Images(np.clip(pixels, np.ceil(low), np.floor(high)).astype(np.int16)[order], labels[order]),
        is_synthetic=(np.arange(len(labels)) >= len(real))[order],
        origins=tuple(origins[i] for i in order),
        window=(float(low), float(high)),
    )


def _check_bank(path: Path, bank: Bank, first: tuple[Path, Bank], cohort: Cohort) -> None:
    for field, own in (
        ("unit", cohort.lesions.unit),
        ("class_names", list(cohort.lesions.class_names)),
    ):
        if (theirs := bank.provenance[field]) != own:
            raise BankError(
                f"Bank {path} has {field} {theirs}, but the dataset has {own}; name a bank that was drawn for it."
            )
    for field in _ALIKE:
        if (theirs := bank.provenance.get(field)) != (other := first[1].provenance.get(field)):
            raise BankError(
                f"Bank {path} has {field} {theirs}, but bank {first[0]} has {other}, which would tell them apart; "
                "name banks that agree."
            )


def _draw_real(lesions: Sequence[Lesion], names: Sequence[str], num: int, part: Part, seed: int) -> list[Lesion]:
    found = []
    for label, name in enumerate(names):
        some = [lesion for lesion in lesions if lesion.label == label]
        if len(some) < num:
            raise ConfigError(
                f"--num_real is {num}, but class {name!r} has {len(some)} lesions among the {part} patients of the "
                "banks' folds; ask for fewer, or name banks of more folds."
            )
        found += [some[i] for i in draws.permutation("reader", seed, "real", label, count=len(some))[:num]]
    return found


def _draw_synthetic(
    banks: Sequence[tuple[Path, Bank]], names: Sequence[str], num: int, seed: int
) -> list[tuple[int, int]]:
    """(bank, index in it) of `num` images of each class; banks that hold a class take turns."""
    found = []
    for label, name in enumerate(names):
        turns = []
        for number, (_, bank) in enumerate(banks):
            of_label = np.flatnonzero(bank.images.labels == label)
            order = draws.permutation("reader", seed, "synthetic", label, number, count=len(of_label))
            turns += [(turn, number, int(index)) for turn, index in enumerate(of_label[order])]
        if len(turns) < num:
            raise ConfigError(
                f"--num_synthetic is {num}, but the banks hold {len(turns)} images of class {name!r}; every class "
                "needs both sources, or its name would tell: name more banks, or ask for fewer."
            )
        found += [(number, index) for _, number, index in sorted(turns)[:num]]
    return found
