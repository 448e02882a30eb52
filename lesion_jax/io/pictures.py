"""Grey pictures of image stacks, with numpy alone: the training loop writes them too."""

import math

import numpy as np


def to_gray(images: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Images as 8-bit grey values.

    Args:
      images: Any shape; integers are pixels, floats are a generator's output in [-1, 1].
      window: Pixels (low, high) that become black and white; floats are scaled to it already.

    Returns:
      uint8, the same shape. What is not finite becomes black.
    """
    images = np.asarray(images)
    if np.issubdtype(images.dtype, np.floating):
        unit = (np.nan_to_num(images.astype(np.float32), nan=-1.0, posinf=1.0, neginf=-1.0) + 1.0) / 2.0
    else:
        low, high = window
        unit = (images.astype(np.float32) - low) / (high - low)
    return np.round(np.clip(unit, 0.0, 1.0) * 255.0).astype(np.uint8)


def grid(
    images: np.ndarray, window: tuple[float, float], *, num_columns: int | None = None, gap: int = 2
) -> np.ndarray:
    """Images side by side, row by row.

    Args:
      images: int16 pixels or float in [-1, 1], [N, H, W] or [N, H, W, 1]; N at least 1.
      window: Pixels (low, high) that become black and white.
      num_columns: Images in a row; about as many as rows by default.
      gap: White pixels between images; places without an image are white too.

    Returns:
      uint8 [rows, columns].

    Raises:
      ValueError: There is nothing to show, or the shape is not that of grey images.
    """
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim != 3 or len(images) == 0:
        raise ValueError(f"A grid takes images [N, H, W] with N at least 1, got {images.shape}.")
    num, height, width = images.shape
    num_columns = num_columns or math.ceil(math.sqrt(num))
    num_rows = math.ceil(num / num_columns)
    cells = np.full((num_rows * num_columns, height + gap, width + gap), 255, np.uint8)
    cells[:num, :height, :width] = to_gray(images, window)
    rows = cells.reshape(num_rows, num_columns, height + gap, width + gap).transpose(0, 2, 1, 3)
    picture = rows.reshape(num_rows * (height + gap), num_columns * (width + gap))
    return picture[: picture.shape[0] - gap, : picture.shape[1] - gap]
