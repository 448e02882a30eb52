"""Signs that a GAN no longer trains: its images are all alike, or its discriminator has nothing left to learn."""

import numpy as np

# Of a generator: before, an untrained one is not told from a collapsed one.
_MIN_STEPS = 500
# An ACGAN that drew one image per class had 0.04 to 0.09 of the variety of real lesions, one that did not 0.5 and more.
_MIN_VARIETY = 0.1
# Of a discriminator that guesses it is 1.39, of one that errs once in a hundred about 0.02.
_MIN_DISCRIMINATOR_LOSS = 0.01


def variety(images: np.ndarray, real: np.ndarray, window: tuple[float, float]) -> float:
    """How much images differ among themselves, as a share of how much real ones do.

    Args:
      images: int16 [N, H, H] of one class, HU; N at least 2.
      real: int16 [M, H, H] of that class, HU; M at least 2.
      window: HU range; what lies outside is clipped.

    Returns:
      Standard deviation of a pixel over the images, averaged over pixels, divided by that of the real images: 1 is as
      varied as real, 0 is one and the same image.
    """

    def spread(stack: np.ndarray) -> float:
        return float(np.clip(stack, *window).astype(np.float32).std(axis=0).mean())

    return spread(images) / max(spread(real), 1e-6)


def describe_collapse(step: int, varieties: dict[str, float], discriminator_loss: float) -> str | None:
    """Whether a GAN has collapsed, and how.

    Args:
      step: Steps taken.
      varieties: By class name, see `variety`.
      discriminator_loss: Running mean of the discriminator's loss.

    Returns:
      One sentence; None for a GAN in order, and within the first 500 steps.
    """
    if step < _MIN_STEPS:
        return None
    found = [
        f"its images of {name} have {share:.2f} of the variety of real ones"
        for name, share in varieties.items()
        if share < _MIN_VARIETY
    ]
    if discriminator_loss < _MIN_DISCRIMINATOR_LOSS:
        found.append(f"its discriminator's loss is at zero ({discriminator_loss:.4f})")
    return f"Step {step}: the GAN has collapsed: {' and '.join(found)}." if found else None
