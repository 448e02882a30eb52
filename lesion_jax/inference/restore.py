"""A run directory -> something to call, without its training code, its dataset or TensorFlow."""

import dataclasses
from pathlib import Path
from typing import Literal

import jax
import numpy as np

from lesion_jax.core import keys
from lesion_jax.data.origins import Origins
from lesion_jax.families import family_of
from lesion_jax.families.context import Context
from lesion_jax.inference.load import Restored, load_run, load_run_config, require
from lesion_jax.inference.own_lesions import own_lesions
from lesion_jax.io.saved_checkpoints import Which
from lesion_jax.runtime.jax_settings import settled


class RestoredClassifier(Restored):
    """A trained network that classifies: a classifier, or an ACGAN's discriminator used as one."""

    @settled()
    def __call__(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Classifies images.

        Args:
          pixels: int16 [N, H, H] in `unit`, H as in training.

        Returns:
          (probabilities float32 [N, C], last-layer features float32 [N, F]) on the host; a network without features
          gives its probabilities for them.

        Raises:
          ValueError: Images of another size, or numbers that are no pixels in `unit`: those that are not whole, as
            after scaling to 0-1, or that int16 does not hold, as of negative ones that were made unsigned.
        """
        side, pixels = self.config.data.image_size, np.asarray(pixels)
        if pixels.ndim != 3 or pixels.shape[1:] != (side, side):
            raise ValueError(f"This run takes images [N, {side}, {side}], got {list(pixels.shape)}.")
        if not np.issubdtype(pixels.dtype, np.integer):
            raise ValueError(
                f"This run takes pixels as whole numbers, int16 in {self.unit}, got {pixels.dtype}; give them as they "
                "are in the dataset, not scaled."
            )
        held = np.iinfo(np.int16)
        if pixels.size and (pixels.min() < held.min or pixels.max() > held.max):
            raise ValueError(
                f"This run takes pixels in {self.unit} from {held.min} to {held.max}, got {pixels.min()} to "
                f"{pixels.max()} ({pixels.dtype}); were negative ones made unsigned?"
            )
        assert self.family.classify is not None
        return self.family.classify(self.config, len(self.class_names), self.arrays, pixels.astype(np.int16))


@dataclasses.dataclass(frozen=True)
class RestoredGenerator(Restored):
    """A trained network that draws; of a GAN the moving average of its generator.

    Attributes:
      context: Lesions of the training patients, for a family that draws by them; otherwise None.
    """

    context: Context | None = None

    @property
    def labels(self) -> tuple[int, ...]:
        """The classes that this generator can be asked for: one alone where the training was of one."""
        if self.config.data.label:
            return (self.class_names.index(self.config.data.label),)
        return tuple(range(len(self.class_names)))

    @settled()
    def __call__(self, labels: np.ndarray, seed: int) -> np.ndarray:
        """Draws one image per label; image i depends on (seed, i, labels[i]) alone.

        Args:
          labels: int32 [N], each of `self.labels`.
          seed: Seed of the drawing, in [0, 2^31).

        Returns:
          int16 [N, H, H] in `unit`, on the host.

        Raises:
          ValueError: A label that this generator cannot make, or a seed outside of its range.
        """
        assert self.family.draw is not None
        labels = self._checked(labels)
        image_keys = _keys(seed, len(labels))
        return self.family.draw(self.config, len(self.class_names), self.arrays, image_keys, labels, self.context)

    @settled()
    def origins(self, labels: np.ndarray, seed: int) -> Origins | None:
        """Of which training lesions the images are made that a call with the same labels and seed draws.

        Args:
          labels: int32 [N], each of `self.labels`.
          seed: Seed of the drawing, in [0, 2^31).

        Returns:
          None where a network draws them.

        Raises:
          ValueError: A label that this generator cannot make, or a seed outside of its range.
        """
        if self.family.origins is None:
            return None
        assert self.context is not None
        labels = self._checked(labels)
        image_keys = _keys(seed, len(labels))
        return self.family.origins(self.config, len(self.class_names), self.arrays, image_keys, labels, self.context)

    @settled()
    def from_latents(self, z: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws one image per latent; image i depends on (z[i], labels[i]) alone.

        Args:
          z: float32 [N, latent size]; the training of a GAN saw U[-1, 1].
          labels: int32 [N], each of `self.labels`.

        Returns:
          int16 [N, H, H] in `unit`, on the host.

        Raises:
          ValueError: Another shape, numbers that are not finite, a label that this generator cannot make, or a
            generator that has no latents.
        """
        if self.family.draw_from_latents is None:
            raise ValueError(f"{self.run} ({self.family.title}) has no latents; call it with labels and a seed.")
        z, labels = np.asarray(z, np.float32), self._checked(labels)
        if num := np.count_nonzero(~np.isfinite(z)):
            raise ValueError(f"Latents are finite numbers, but {num} of {z.size} are not (NaN or infinite).")
        # Latents that are no rows at all are refused below, by their shape.
        if z.ndim == 2 and len(labels) != len(z):
            raise ValueError(f"Each latent needs one label, got {len(z)} latents and {len(labels)} labels.")
        return self.family.draw_from_latents(self.config, len(self.class_names), self.arrays, z, labels)

    def _checked(self, labels: np.ndarray) -> np.ndarray:
        labels = np.asarray(labels)
        # An empty list has no dtype of its own.
        if labels.ndim != 1 or (labels.size and not np.issubdtype(labels.dtype, np.integer)):
            raise ValueError(f"Labels are int32 [N], got {labels.dtype} {list(labels.shape)}.")
        if others := sorted({*labels.tolist()} - {*self.labels}):
            known = ", ".join(f"{label} ({self.class_names[label]})" for label in self.labels)
            raise ValueError(f"This generator makes the labels {known}; got {', '.join(map(str, others))}.")
        return labels.astype(np.int32)


def _keys(seed: int, num: int) -> jax.Array:
    if not 0 <= seed < 2**31:
        # Beyond it two seeds would be one.
        raise ValueError(f"A seed lies in [0, 2147483648), got {seed}.")
    return keys.per_image(seed, num)


def restore_classifier(run: Path | str, which: Which | Literal["auto"] = "auto") -> RestoredClassifier:
    """Restores a run as a classifier; nothing is written.

    Args:
      run: Directory of the run.
      which: "best" by inner validation (the last one where the run had none), "last", or the step of a checkpoint.
        "auto" takes what its family classifies with: the best; of an ACGAN the last, because its best is that of its
        generator.

    Returns:
      A `RestoredClassifier`. Called with pixels, int16 [N, H, H] in its `unit` (Hounsfield units or grey values as in
      the dataset, not scaled), it gives (probabilities float32 [N, C], features float32 [N, F]), and refuses what are
      no such images with a ValueError. `lesions(part)` loads those of its own fold, as it sees them. Its attributes:
      class_names, unit, step and which (of the checkpoint), config, run.

    Raises:
      RunError: There is no such run or checkpoint, or the run cannot classify.
    """
    family = family_of(load_run_config(run))
    require(run, family, "classify", "classify")
    return RestoredClassifier(**vars(load_run(run, family.classifies_with if which == "auto" else which)))


def restore_generator(
    run: Path | str, which: Which = "best", *, dataset: Path | str | None = None
) -> RestoredGenerator:
    """Restores a run as a generator; nothing is written.

    Args:
      run: Directory of the run.
      which: "best" by inner validation (the last one where the run had none), "last", or the step of a checkpoint.
      dataset: Where its dataset lies now; only a family that draws by the training lesions reads it.

    Returns:
      A `RestoredGenerator`. Called with labels, int32 [N], each of its `labels`, and a seed in [0, 2^31), it gives
      images, int16 [N, H, H] in its `unit`; so does `from_latents(z, labels)`, z float32 [N, latent size], where it has
      latents. Other labels, seeds and latents are refused with a ValueError. `lesions(part)` loads real lesions of its
      own fold, cropped alike. Its attributes: class_names, labels, unit, step and which (of the checkpoint), config,
      run.

    Raises:
      RunError: There is no such run or checkpoint, or the run draws nothing.
    """
    family = family_of(load_run_config(run))
    require(run, family, "draw", "draw images")
    restored, context = load_run(run, which), None
    if family.origins is not None:
        context = Context.of(own_lesions(run, "train", dataset), restored.config, restored.unit)
    return RestoredGenerator(**vars(restored), context=context)
