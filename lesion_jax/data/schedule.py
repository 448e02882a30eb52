"""Which images make up the batch of a step: a pure function of (seed, step), so a stream can start anywhere."""

import dataclasses
import functools
import math

import numpy as np

from lesion_jax.data import draws
from lesion_jax.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Mixes a stream of real and a stream of synthetic images.

    Each stream walks through its images in a new seeded order every epoch: each image appears
    once per epoch of its stream, and a batch may straddle two epochs. Synthetic images are
    spread evenly over the batch, so that every contiguous slice of it, which is what a device
    gets, carries the same ratio.

    Attributes:
      num_real: Real images; they have indices [0, num_real).
      num_synthetic: Synthetic images; they follow, from num_real on.
      batch_size: Images in the global batch.
      synthetic_share: Share of every batch that is synthetic, to the nearest image; 0 mixes in
        proportion to the numbers: over an epoch of all images each one appears once, and the
        number of synthetic images in a slice varies by at most one.
      seed: Seed of the orders.
      synthetic_steps: Steps from the first on that use synthetic images, all later ones real images alone; None for
        every step.
      is_annealed: Whether the share falls linearly, from `synthetic_share` to 0 after `synthetic_steps` steps.
      real_classes: Indices of the real images of each class, int64 [n_c], where each class is to come up equally often;
        () takes the images as they are.
    """

    num_real: int
    num_synthetic: int
    batch_size: int
    synthetic_share: float
    seed: int
    synthetic_steps: int | None = None
    is_annealed: bool = False
    real_classes: tuple[np.ndarray, ...] = dataclasses.field(default=(), compare=False, repr=False)

    def __post_init__(self):
        """Refuses impossible mixtures with a ConfigError."""
        if self.num_real < 1:
            raise ConfigError("There is no real image to train on; check data.dataset, data.fold and data.label.")
        if self.batch_size < 1:
            raise ConfigError(f"data.batch_size is {self.batch_size}; it must be above 0.")
        if not self.synthetic_share:
            return
        if not self.num_synthetic:
            raise ConfigError(f"data.synthetic_share is {self.synthetic_share}, but there is no synthetic image.")
        if not 0 < self._ratio[0] < self.batch_size:
            raise ConfigError(
                f"data.synthetic_share is {self.synthetic_share}, which makes {self._ratio[0]} of data.batch_size "
                f"{self.batch_size} images synthetic; at least one real and one synthetic image must be left."
            )

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which as many images pass as there are, rounded up (paper: 2 steps for its 121 originals)."""
        return math.ceil((self.num_real + self.num_synthetic) / self.batch_size)

    @property
    def _ratio(self) -> tuple[int, int]:
        # Numerator and denominator: exact, whatever the step.
        if self.synthetic_share:
            return round(self.synthetic_share * self.batch_size), self.batch_size
        return self.num_synthetic, self.num_real + self.num_synthetic

    def check_devices(self, num_devices: int) -> None:
        """Checks that every device gets the same number of synthetic images, where a share is set.

        Raises:
          ConfigError: The batch or its synthetic part does not divide by `num_devices`.
        """
        if self.batch_size % num_devices:
            raise ConfigError(
                f"data.batch_size is {self.batch_size}, which does not divide over {num_devices} devices."
            )
        # An annealed share changes from step to step; its images are spread as evenly as their number allows.
        if self.synthetic_share and not self.is_annealed and self._ratio[0] % num_devices:
            raise ConfigError(
                f"data.synthetic_share {self.synthetic_share} of data.batch_size {self.batch_size} is "
                f"{self._ratio[0]} images, which {num_devices} devices cannot share evenly; change one of the three."
            )

    def indices(self, step: int) -> np.ndarray:
        """The images of one batch: int32 [batch_size]; see `indices_of`."""
        return self.indices_of(step, 1)[0]

    def indices_of(self, first: int, count: int) -> np.ndarray:
        """The images of the batches of consecutive steps.

        Args:
          first: First step, from 0.
          count: Number of steps.

        Returns:
          int32 [count, batch_size]; i < num_real is a real image, num_real + j a synthetic one. A row is a function of
          its step alone.
        """
        size = count * self.batch_size
        position = first * self.batch_size + np.arange(size, dtype=np.int64)
        if not self.num_synthetic:
            return self._real(position).astype(np.int32, copy=False).reshape(count, self.batch_size)
        before = self._annealed_before(first, count) if self.is_annealed else self._synthetic_before(first, count)
        synthetic, before = np.diff(before) > 0, before[:-1]
        found = np.empty(size, np.int32)
        found[~synthetic] = self._real((position - before)[~synthetic])
        found[synthetic] = self.num_real + self._walk("synthetic", self.num_synthetic, before[synthetic])
        return found.reshape(count, self.batch_size)

    def _synthetic_before(self, first: int, count: int) -> np.ndarray:
        """How many images of the run are synthetic before each image of the batches: int64 [count * batch_size + 1]."""
        numerator, denominator = self._ratio
        position = first * self.batch_size + np.arange(count * self.batch_size + 1, dtype=np.int64)
        if self.synthetic_steps is not None:
            position = np.minimum(position, self.synthetic_steps * self.batch_size)
        # Bresenham: so many of the first `position` images of the run.
        return position * numerator // denominator

    def _annealed_before(self, first: int, count: int) -> np.ndarray:
        """As `_synthetic_before`, with a share that falls linearly."""
        most, (numerator, _) = self.synthetic_steps or 1, self._ratio
        steps = [min(step, most) for step in range(first, first + count + 1)]
        # The integral of numerator (1 - k / most) over steps k; in Python, whose integers do not overflow.
        bounds = np.array([numerator * step * (2 * most - step) // (2 * most) for step in steps], np.int64)
        inside = np.arange(self.batch_size) * np.diff(bounds)[:, None] // self.batch_size
        return np.append(bounds[:-1, None] + inside, bounds[-1])

    def _real(self, position: np.ndarray) -> np.ndarray:
        if not self.real_classes:
            return self._walk("real", self.num_real, position)
        # An epoch has as many turns for each class as the largest has images, in a seeded order.
        num, turns = len(self.real_classes), max(map(len, self.real_classes))
        turn = self._walk("balanced", num * turns, position)
        turn_of_class = position // (num * turns) * turns + turn // num
        found = np.empty_like(position)
        for number, members in enumerate(self.real_classes):
            mine = turn % num == number
            found[mine] = members[self._walk(f"class {number}", len(members), turn_of_class[mine])]
        return found

    def _walk(self, stream: str, size: int, position: np.ndarray) -> np.ndarray:
        if not len(position):
            return position
        epoch, offset = np.divmod(position, size)
        first = int(epoch.min())
        is_there = np.bincount(epoch - first) > 0
        orders = [_order(self.seed, stream, first + number, size) for number in np.flatnonzero(is_there).tolist()]
        # All epochs at once: small sets have hundreds in the steps that are asked for together.
        row = np.cumsum(is_there) - 1
        return np.stack(orders)[row[epoch - first], offset]


# The current and the next epoch of both streams, of a hundred trainings that take turns; 60 MB of 30,000 images each.
@functools.lru_cache(maxsize=512)
def _order(seed: int, stream: str, epoch: int, size: int) -> np.ndarray:
    return draws.permutation("schedule", seed, stream, epoch, count=size).astype(np.int32)
