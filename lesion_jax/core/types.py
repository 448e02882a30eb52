"""The records that pass between layers; host-side, immutable, free of any framework."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Unit:
    """What the numbers of a dataset's pixels mean.

    Attributes:
      title: Name in messages.
      window: (low, high) that the networks can tell apart where neither a config nor the source says otherwise.
      limits: (lowest, highest) pixel that a source may give, to which it clips; None where any int16 may be.
    """

    title: str
    window: tuple[float, float]
    limits: tuple[int, int] | None = None


# A CT's lowest value is air. The window of the liver; the paper does not name one.
UNITS = {
    "HU": Unit("Hounsfield units", window=(-160.0, 240.0), limits=(-1024, 32767)),
    "grey": Unit("grey values", window=(0.0, 255.0)),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Lesion:
    """One annotated lesion at native resolution.

    Attributes:
      lesion_id: Stable salted hash; no header value can be read back from it.
      patient: Salted hash of the patient; equal for all lesions of one patient.
      label: Index into `LesionSet.class_names`.
      diameter_mm: Lesion diameter d, in mm.
      spacing_mm: (row, column) distance between pixel centres, in mm.
      center: (row, column) of the lesion centre in pixels of `patch`; sub-pixel.
      patch: int16 [S, S], pixels in the dataset's unit at native resolution, with enough
        context around the lesion for every classic augmentation.
      tags: Whatever else the dataset keeps of the lesion, by column: a site, a scanner, a benchmark's own split.
    """

    lesion_id: str
    patient: str
    label: int
    diameter_mm: float
    spacing_mm: tuple[float, float]
    center: tuple[float, float]
    patch: np.ndarray
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class LesionSet:
    """A built dataset in memory.

    Attributes:
      lesions: Lesions sorted by `lesion_id`.
      class_names: One name per label.
      unit: Unit of the pixels, a key of `UNITS`.
      fingerprint: Hex digest of every lesion's content, the class names, the unit and the value range.
      value_range: (low, high) that the source can give; None where the unit says enough.
      phantom: What drew the lesions, `sources.phantom.options.Phantom` as JSON, with seed and numbers; None for images
        of patients.
    """

    lesions: tuple[Lesion, ...]
    class_names: tuple[str, ...]
    unit: str
    fingerprint: str
    value_range: tuple[float, float] | None = None
    phantom: Mapping[str, Any] | None = None

    def __post_init__(self):
        """Refuses a unit that is not in `UNITS` with a ValueError."""
        if self.unit not in UNITS:
            raise ValueError(f"LesionSet.unit must be one of {', '.join(UNITS)}, got {self.unit!r}.")

    @classmethod
    def of(
        cls,
        lesions: Iterable[Lesion],
        class_names: tuple[str, ...],
        unit: str,
        value_range: tuple[float, float] | None = None,
        phantom: Mapping[str, Any] | None = None,
    ) -> "LesionSet":
        """Sorts lesions by id and takes the fingerprint, of the content alone."""
        ordered = tuple(sorted(lesions, key=lambda lesion: lesion.lesion_id))
        if value_range is not None:
            value_range = float(value_range[0]), float(value_range[1])
        digest = hashlib.sha256(repr((tuple(class_names), unit, value_range)).encode())
        for lesion in ordered:
            digest.update(f"\0{lesion.lesion_id}\0{lesion.patient}\0{lesion.label}\0{lesion.patch.shape}\0".encode())
            digest.update(np.array([lesion.diameter_mm, *lesion.spacing_mm, *lesion.center], "<f4").tobytes())
            digest.update(np.ascontiguousarray(lesion.patch, "<i2").tobytes())
            if lesion.tags:
                digest.update(json.dumps(lesion.tags, sort_keys=True).encode())
        return cls(ordered, class_names, unit, digest.hexdigest(), value_range, phantom)

    @property
    def window(self) -> tuple[float, float]:
        """(low, high) in the dataset's unit that the networks see where a config names no window."""
        return self.value_range or UNITS[self.unit].window

    @property
    def num_classes(self) -> int:
        """How many classes the labels index."""
        return len(self.class_names)


@dataclasses.dataclass(frozen=True, eq=False)
class Images:
    """Square images ready to be batched.

    Attributes:
      pixels: int16 [N, H, H], in the dataset's unit.
      labels: int32 [N].
    """

    pixels: np.ndarray
    labels: np.ndarray

    def __post_init__(self):
        """Refuses other shapes and dtypes with a TypeError."""
        if self.pixels.ndim != 3 or self.pixels.dtype != np.int16:
            raise TypeError(f"Images.pixels must be int16 [N, H, H], got {self.pixels.dtype} {self.pixels.shape}.")
        if self.labels.shape != self.pixels.shape[:1] or self.labels.dtype != np.int32:
            raise TypeError(
                f"Images.labels must be int32 [{len(self.pixels)}], got {self.labels.dtype} {self.labels.shape}."
            )

    def __len__(self) -> int:
        """N."""
        return len(self.pixels)

    def __getitem__(self, index) -> "Images":
        """The images at `index`, anything that numpy takes for a first axis."""
        return Images(self.pixels[index], self.labels[index])
