"""Does a generator draw copies of its own training lesions?"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lesion_jax.core.types import Images, Lesion
from lesion_jax.errors import BankError, LesionJaxError
from lesion_jax.inference.audit_files import wider_views
from lesion_jax.inference.own_lesions import own_lesions, sample_of
from lesion_jax.inference.restore import RestoredGenerator
from lesion_jax.metrics.copies import nearest_lesions
from lesion_jax.metrics.sample import Sample

# Times as many images as are wanted that are drawn at most, to replace copies.
_MAX_FACTOR = 4
# Images that are drawn to warn of copies, and the share of copies that is worth a warning.
_NUM_TRIED, _WARNING_SHARE = 128, 0.02


def draw_without_copies(
    generator: RestoredGenerator, label: int, num: int, seed: int, lesions: Sequence[Lesion]
) -> tuple[np.ndarray, int]:
    """Draws images of one class that are no copies of training lesions; see `copies.Nearest.is_copy`.

    Args:
      generator: What draws.
      label: The class.
      num: Images wanted.
      seed: Seed of the drawing.
      lesions: Its training lesions, two at least.

    Returns:
      (int16 [num, H, H], the first of the drawing that are none; number of copies among them that were dropped). A
      function of (checkpoint, seed, lesions); fewer images are a prefix.

    Raises:
      BankError: More than three quarters are copies.
    """
    kept, dropped, done = [], 0, 0
    while (missing := num - sum(map(len, kept))) > 0:
        if done >= _MAX_FACTOR * num:
            raise BankError(
                f"{generator.run} copies its training lesions: {dropped} of {done} images of "
                f"{generator.class_names[label]} are copies; train it on more lesions or for fewer steps."
            )
        # Image i depends on its number alone: what was drawn before comes again.
        upto = min(done + missing, _MAX_FACTOR * num)
        images = generator(np.full(upto, label, np.int32), seed)[done:]
        is_copy = _is_copy(generator, images, label, lesions)
        kept.append(images[~is_copy])
        dropped += int(is_copy.sum())
        done = upto
    return np.concatenate(kept), dropped


def warn_of_copies(generator: RestoredGenerator) -> str | None:
    """One sentence where a generator draws copies of its training lesions; None where not, or where these are away."""
    try:
        lesions = own_lesions(Path(generator.run), "train")
        labels = np.resize(np.array(generator.labels, np.int32), _NUM_TRIED)
        copies = _is_copy(generator, generator(labels, 0), labels, lesions)
    except (LesionJaxError, OSError):
        return None
    if (share := float(copies.mean())) <= _WARNING_SHARE:
        return None
    return (
        f"{generator.run} draws copies of its training lesions, {100 * share:.0f} % of {_NUM_TRIED} images: who has "
        "the export has images of these patients."
    )


def _is_copy(
    generator: RestoredGenerator, pixels: np.ndarray, labels: int | np.ndarray, lesions: Sequence[Lesion]
) -> np.ndarray:
    if len(lesions) < 2:
        raise BankError(f"{generator.run} was trained on {len(lesions)} lesions; copies are told from two on.")
    data = generator.config.data
    low, high = data.window
    images = Images(pixels, np.broadcast_to(np.asarray(labels, np.int32), len(pixels)).copy())
    train = sample_of(lesions, data)
    return nearest_lesions(Sample.of(images, (low, high)), train, wider_views(lesions, data)).is_copy
