"""The records that pass between layers; host-side, immutable, free of any framework."""

import dataclasses
import hashlib
from collections.abc import Iterable

import numpy as np


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
      patch: int16 [S, S], Hounsfield units at native resolution, with enough
        context around the lesion for every classic augmentation.
    """

    lesion_id: str
    patient: str
    label: int
    diameter_mm: float
    spacing_mm: tuple[float, float]
    center: tuple[float, float]
    patch: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class LesionSet:
    """A built dataset in memory.

    Attributes:
      lesions: In the order of the dataset, which is sorted by `lesion_id`.
      class_names: One name per label.
      fingerprint: Hex digest of every lesion's content and of the class names.
    """

    lesions: tuple[Lesion, ...]
    class_names: tuple[str, ...]
    fingerprint: str

    @classmethod
    def of(cls, lesions: Iterable[Lesion], class_names: tuple[str, ...]) -> "LesionSet":
        """Sorts lesions by id and takes the fingerprint."""
        ordered = tuple(sorted(lesions, key=lambda lesion: lesion.lesion_id))
        digest = hashlib.sha256("\0".join(class_names).encode())
        for lesion in ordered:
            digest.update(f"\0{lesion.lesion_id}\0{lesion.patient}\0{lesion.label}\0{lesion.patch.shape}\0".encode())
            digest.update(np.array([lesion.diameter_mm, *lesion.spacing_mm, *lesion.center], "<f4").tobytes())
            digest.update(np.ascontiguousarray(lesion.patch, "<i2").tobytes())
        return cls(ordered, class_names, digest.hexdigest())

    @property
    def num_classes(self) -> int:
        """How many classes the labels index."""
        return len(self.class_names)


@dataclasses.dataclass(frozen=True, eq=False)
class Images:
    """Square images ready to be batched.

    Attributes:
      pixels: int16 [N, H, H], Hounsfield units.
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
