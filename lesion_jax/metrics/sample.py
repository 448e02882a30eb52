"""Images with the features by which they are judged, computed once however many metrics ask."""

import dataclasses
import functools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from lesion_jax.core.intensity import to_signed
from lesion_jax.core.types import Images
from lesion_jax.metrics.random_features import random_features


@dataclasses.dataclass(frozen=True, eq=False)
class Sample:
    """Images of one origin, to be compared with those of another.

    Attributes:
      pixels: int16 [N, H, H], in the dataset's unit.
      labels: int [N].
      window: Range (low, high) in that unit; what lies outside is clipped.
      patients: int64 [N], equal for images of one patient; an image of a generator is a patient of its own.
    """

    pixels: np.ndarray
    labels: np.ndarray
    window: tuple[float, float]
    patients: np.ndarray

    @classmethod
    def of(cls, images: Images, window: tuple[float, float], patients: Sequence[str] | None = None) -> "Sample":
        """Images, and whose they are; without patients each is somebody else's."""
        numbers = np.arange(len(images)) if patients is None else np.unique(np.array(patients), return_inverse=True)[1]
        return cls(images.pixels, images.labels, window, numbers.astype(np.int64).reshape(-1))

    @functools.cached_property
    def radiomics(self) -> np.ndarray:
        """float64 [N, F]; see `radiomics.radiomics`."""
        # Late: a training reaches its first step without scipy's filters.
        from lesion_jax.metrics.radiomics import radiomics

        return radiomics(self.pixels, self.window)[0]

    @functools.cached_property
    def random_features(self) -> tuple[np.ndarray, np.ndarray]:
        """Two float32 [N, 256]; see `random_features.random_features`."""
        return random_features(self.signed)

    @property
    def signed(self) -> np.ndarray:
        """float32 [N, H, H] in [-1, 1]."""
        return np.asarray(to_signed(jnp.asarray(self.pixels), self.window))

    @property
    def unit(self) -> np.ndarray:
        """float32 [N, H, H] in [0, 1]."""
        return (self.signed + 1) / 2

    def __len__(self) -> int:
        """N."""
        return len(self.pixels)

    def __getitem__(self, index: np.ndarray) -> "Sample":
        """The images at `index`, int or bool [M]; features that were computed go with them."""
        taken = Sample(self.pixels[index], self.labels[index], self.window, self.patients[index])
        # A frozen dataclass keeps its cached properties in its dict all the same.
        if "radiomics" in self.__dict__:
            taken.__dict__["radiomics"] = self.radiomics[index]
        if "random_features" in self.__dict__:
            taken.__dict__["random_features"] = tuple(part[index] for part in self.random_features)
        return taken


def standardised(fitted_to: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Features with mean 0 and deviation 1 over the first set; what never varies there is dropped.

    Args:
      fitted_to: float [N, F].
      *others: float [M, F], put on the same scale; what lies more than ten deviations out is clipped there, so that
        one feature alone decides no distance.

    Returns:
      float64 arrays with F' columns, the first set first.
    """
    mean, scale = fitted_to.mean(0, dtype=np.float64), fitted_to.std(0, dtype=np.float64)
    alive = scale > 1e-6
    return [np.clip((x[:, alive] - mean[alive]) / scale[alive], -10, 10) for x in (fitted_to, *others)]
