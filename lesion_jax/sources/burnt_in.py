"""Text in the pixels of an image, such as a name that a workstation wrote into a corner, as far as it can be suspected.

Letters are the brightest or the darkest of an image, thin, about as high as each other and stand in a row; bones,
calcifications and metal are seldom all of that. What is found is asked to be looked at, no more: a letter alone, as the
side's on an X-ray, is not found, nor is handwriting.
"""

import numpy as np
from scipy import ndimage

# Text needs some room; what is smaller, as in benchmarks, could not be read.
_LEAST_SIDE = 96
# Of the range of the image: smoothed letters are not all of one value, and bones may be beside plain ones.
_NEAR_THE_END = (0.02, 0.15, 0.4)
# Of it, what may be letters, and the rows that letters stand in.
_MOST_SHARE, _MOST_ROWS = 0.08, 0.4
_CORNER = 3
# Of a letter, in pixels: its height, how wide it is for it, half of its stroke, the share of its box that it fills.
_HEIGHTS, _WIDEST, _THICKEST, _FILLED = (5, 60), 1.6, 6.0, (0.1, 0.85)
# Letters in a row: how many there must be, how much heights differ (those with and without ascenders) and how far
# apart they are, in heights.
_LETTERS, _AS_HIGH, _ON_LINE, _APART = 6, 0.6, 0.4, 1.6
# Of the range: how far a letter is from what is around it, at two or three pixels; noise and trabeculae are nearer.
_AROUND, _CONTRAST = 3, 0.2
_EIGHT = np.ones((3, 3), bool)


def looks_written_on(pixels: np.ndarray) -> bool:
    """Whether there seems to be text in an image.

    Args:
      pixels: Numeric [H, W].
    """
    if min(pixels.shape) < _LEAST_SIDE:
        return False
    low, high = float(pixels.min()), float(pixels.max())
    if high == low:
        return False
    bright = pixels.astype(np.float32)
    bright -= low
    bright /= high - low
    return any(_is_written(image, margin) for image in (bright, 1 - bright) for margin in _NEAR_THE_END)


def _is_written(image: np.ndarray, margin: float) -> bool:
    mask = image >= 1 - margin
    # In a corner there is less of a body in the way.
    rows, columns = (side // _CORNER for side in image.shape)
    places = [(slice(None), slice(None))]
    places += [
        (down, across)
        for down in (slice(rows), slice(-rows, None))
        for across in (slice(columns), slice(-columns, None))
    ]
    return any(_has_row(image[place], mask[place]) for place in places)


def _has_row(image: np.ndarray, mask: np.ndarray) -> bool:
    if not _LETTERS * _HEIGHTS[0] <= np.count_nonzero(mask) <= _MOST_SHARE * mask.size:
        return False
    # Each letter begins and ends once in a row at least: that is soon counted, and most images are done.
    ends = np.count_nonzero(mask[:, 1:] != mask[:, :-1], axis=1)
    rows = np.flatnonzero(ends >= _LETTERS)
    if not _HEIGHTS[0] <= len(rows) <= max(_MOST_ROWS * len(mask), 2 * _HEIGHTS[1]):
        return False
    reach = _HEIGHTS[1] // 2
    band = slice(max(0, rows[0] - reach), rows[-1] + reach)
    boxes = _letters(image[band], mask[band])
    if len(boxes) < _LETTERS:
        return False
    top, bottom, left, right = np.array(boxes, float).T
    return any(_in_row(i, top, bottom, left, right) >= _LETTERS for i in range(len(boxes)))


def _letters(image: np.ndarray, mask: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Boxes (top, bottom, left, right) of what may be letters."""
    numbered = np.empty(mask.shape, np.int32)
    ndimage.label(mask, _EIGHT, output=numbered)
    found = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(numbered), start=1):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if not (_HEIGHTS[0] <= height <= _HEIGHTS[1] and width <= _WIDEST * height):
            continue
        around = tuple(slice(max(0, one.start - _AROUND), one.stop + _AROUND) for one in (rows, columns))
        shape = numbered[around] == number
        filled = shape.sum() / (height * width)
        # An I and an l fill theirs.
        if not _FILLED[0] <= filled or (filled > _FILLED[1] and width > height / 2):
            continue
        wide, narrow = (np.asarray(ndimage.binary_dilation(shape, _EIGHT, width), bool) for width in (_AROUND, 1))
        ring = wide & ~narrow
        if not ring.any() or image[around][shape].mean() - image[around][ring].mean() < _CONTRAST:
            continue
        if np.asarray(ndimage.distance_transform_edt(np.pad(shape, 1))).max() <= min(_THICKEST, height / 4 + 0.5):
            found.append((rows.start, rows.stop, columns.start, columns.stop))
    return found


def _in_row(i: int, top: np.ndarray, bottom: np.ndarray, left: np.ndarray, right: np.ndarray) -> int:
    """How many letters stand in a row with one of them, without a gap."""
    heights = bottom - top
    alike = (heights >= _AS_HIGH * heights[i]) & (heights <= heights[i] / _AS_HIGH)
    # On one line, or hanging from it.
    alike &= np.abs(bottom - bottom[i]) <= _ON_LINE * heights[i]
    order = np.flatnonzero(alike)[np.argsort(left[alike])]
    gaps = left[order][1:] - right[order][:-1]
    row = np.concatenate([[0], np.cumsum((gaps > _APART * heights[i]) | (gaps < -heights[i]))])
    own = row[np.flatnonzero(order == i)[0]]
    return int((row == own).sum())
