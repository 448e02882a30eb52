"""The images of many trainings in one array that lies on the device, each image once.

Folds overlap and larger classic sizes contain the smaller ones: together the trainings of a study need hardly more
than every variant of every lesion once.
"""

import hashlib

import numpy as np

from lesion_jax.core.types import Images


class Residence:
    """Grows by `add`; equal images with equal labels share a row."""

    def __init__(self):
        """Starts empty."""
        self._row_of: dict[bytes, int] = {}
        self._pixels: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []
        # Trainings that share one object have it looked through once; it is held, so that no other gets its id.
        self._seen: dict[int, tuple[Images, np.ndarray]] = {}

    def add(self, images: Images) -> np.ndarray:
        """Takes in the images of one training.

        Args:
          images: N images, as its schedule counts them.

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
