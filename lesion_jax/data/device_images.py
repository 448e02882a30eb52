"""The images of many trainings in one array that lies on the device, each image once; a batch is then their numbers.

Folds overlap and larger classic sizes contain the smaller ones: together the trainings of a cohort need hardly more
than every variant of every lesion once.
"""

import hashlib

import numpy as np

from lesion_jax.core.types import Images
from lesion_jax.data.schedule import Schedule

# Steps whose numbers are made at once: a call for each step would cost an accelerator's host a third of its time.
_BLOCK = 256


class DeviceImages:
    """Grows by `add`; equal images with equal labels share a row."""

    def __init__(self):
        """Starts empty."""
        self._row_of: dict[bytes, int] = {}
        self._pixels: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []
        # Trainings that share one object have it looked through once; it is held, so that no other gets its id.
        self._seen: dict[int, tuple[Images, np.ndarray]] = {}

    def add(self, images: Images) -> np.ndarray:
        """Takes in the images of one training, or finds them there.

        Args:
          images: N images, as the training's schedule counts them.

        Returns:
          int32 [N], the row of each.
        """
        if id(images) in self._seen:
            return self._seen[id(images)][1]
        rows = np.empty(len(images), np.int32)
        new = []
        for position, (pixels, label) in enumerate(zip(images.pixels, images.labels, strict=True)):
            name = hashlib.blake2b(pixels.data, digest_size=16, salt=int(label).to_bytes(16, "little")).digest()
            if (row := self._row_of.get(name)) is None:
                row = self._row_of[name] = len(self._row_of)
                new.append(position)
            rows[position] = row
        self._pixels.append(images.pixels[new])
        self._labels.append(images.labels[new])
        self._seen[id(images)] = images, rows
        return rows

    def arrays(self) -> dict[str, np.ndarray]:
        """{"pixels": int16 [M, H, H], "label": int32 [M]}, on the host."""
        self._pixels, self._labels = [np.concatenate(self._pixels)], [np.concatenate(self._labels)]
        return {"pixels": self._pixels[0], "label": self._labels[0]}


class Numbers:
    """The numbers of the images that make up a training's batches, made for many steps at once."""

    def __init__(self, rows: np.ndarray, schedule: Schedule):
        """Prepares; nothing is computed yet.

        Args:
          rows: int32 [N], from `DeviceImages.add`.
          schedule: Schedule that chooses the images of each step from the N.
        """
        self._rows, self._schedule = rows, schedule
        self._first = 0
        self._block = np.empty((0, schedule.batch_size), np.int32)

    def take(self, first: int, count: int) -> np.ndarray:
        """int32 [count, B]: rows of the images of the batches of steps first .. first + count - 1."""
        if not self._first <= first <= first + count <= self._first + len(self._block):
            self._first = first
            self._block = self._rows[self._schedule.indices_of(first, max(count, _BLOCK))]
        at = first - self._first
        return self._block[at : at + count]
