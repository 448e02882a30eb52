"""Images without marks: the whole image is the lesion."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from lesion_jax.sources.base import RawLesion, Slice
from lesion_jax.sources.plausible import image_digest
from lesion_jax.sources.review import Doubt

# With this data.margin, the default, a lesion's ROI is just the image; a smaller one crops, a larger one shows more of
# the reflection.
MARGIN = 0.25
# A dataset holds an image with surroundings for every augmentation, 7 times its area: twice the networks' usual 64
# pixels a side are enough.
MOST_PIXELS = 128
_LEAST_SIDE = 8
_AT_ONCE = 1 << 22
# Luminance of ITU-R BT.601, which Pillow takes too.
_LUMINANCE = np.array([0.299, 0.587, 0.114])


class WholeImages:
    """Makes lesions of whole images; those with the same pixels become one patient's, so that no fold shares them."""

    def __init__(self) -> None:
        """Has seen no image yet."""
        self._first: dict[str, str] = {}

    def lesion(
        self,
        path: Path,
        name: str,
        pixels: np.ndarray,
        label: str,
        *,
        patient: str | None = None,
        value_range: tuple[float, float] | None = None,
        tags: Mapping[str, str] | None = None,
        doubts: Sequence[Doubt] = (),
    ) -> RawLesion:
        """The lesion that an image is.

        Args:
          path: Its file, for messages.
          name: What names the image in the source.
          pixels: [H, W] grey values from 0 to 32767, or [H, W, 3] of a colour image, which becomes its luminance.
          label: Name of its class.
          patient: Whatever identifies the patient; None where nobody says, and each image has its own.
          value_range: See `Slice`.
          tags: See `RawLesion`.
          doubts: What the source found.
        """
        doubts = list(doubts)
        if pixels.ndim == 3:
            # A strip at a time: a product of all would take eight times the memory of the image.
            strips = np.array_split(pixels, 1 + pixels.size // _AT_ONCE)
            is_grey = all((strip == strip[..., :1]).all() for strip in strips)
            grey = [strip[..., 0] if is_grey else np.rint(strip @ _LUMINANCE).astype(np.uint8) for strip in strips]
            pixels = np.concatenate(grey)
            doubts += [] if is_grey else [Doubt("colour", f"{path}: {name} is coloured, and its luminance is taken")]
        pixels = pixels.astype(np.int16)
        if min(pixels.shape) < _LEAST_SIDE:
            doubts.append(Doubt("size", f"{path}: {name} has {pixels.shape[0]} x {pixels.shape[1]} pixels"))
        ends = (pixels.min(), pixels.max())
        if ends[0] < ends[1] and ((pixels == ends[0]) | (pixels == ends[1])).all():
            text = f"{path}: {name} has the values {ends[0]} and {ends[1]} alone; masks do not belong among images"
            doubts.append(Doubt("mask", text))
        digest = image_digest(pixels)
        other = self._first.setdefault(digest, name)
        if patient is None:
            doubts.append(Doubt("no_patients", f"{path}: nothing says whose {name} is, so it is a patient of its own"))
            if other != name:
                doubts.append(Doubt("copies", f"{path}: {name} has the very pixels of {other}, and the same patient"))
        full = None
        if max(pixels.shape) > MOST_PIXELS:
            full = pixels
            doubts.append(Doubt("reduced", f"{path}: {name} has {pixels.shape[0]} x {pixels.shape[1]} pixels"))
            pixels = _reduced(pixels)
        rows, columns = pixels.shape
        image = Slice(
            pixels=pixels,
            spacing_mm=(1.0, 1.0),
            patient=digest if patient is None else patient,
            unit="grey",
            value_range=value_range,
            reflected=True,
            doubts=tuple(doubts),
            full=full,
        )
        return RawLesion(
            where=f"{path}: {name}",
            path=path,
            name=name,
            image=image,
            row=(rows - 1) / 2,
            column=(columns - 1) / 2,
            # The longer side; what the ROI then has beside a narrow image is its reflection.
            diameter_mm=max(rows, columns) / (1 + 2 * MARGIN),
            label=label,
            tags=tags or {},
        )


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """At most `MOST_PIXELS` a side, smoothed as far as it shrinks."""
    rows, columns = (max(1, round(side * MOST_PIXELS / max(pixels.shape))) for side in pixels.shape)
    small = Image.fromarray(pixels.astype(np.float32)).resize((columns, rows), Image.Resampling.LANCZOS)
    return np.rint(np.asarray(small)).clip(pixels.min(), pixels.max()).astype(np.int16)
