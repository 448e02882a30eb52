"""From the mask of a volume to its lesions: each connected region is one, marked on the slice where it is largest."""

import dataclasses

import numpy as np
from scipy import ndimage
from scipy.spatial.distance import pdist

# Voxels that touch by a face, an edge or a corner belong together, as in connected-components-3d.
_TOUCHING = np.ones((3, 3, 3), bool)
_IN_SLICE = _TOUCHING & (np.arange(3) == 1)[:, None, None]
# A few pixels show no lesion: they are what brushes and thresholds leave behind.
LEAST_PIXELS = 4


@dataclasses.dataclass(frozen=True)
class Region:
    """A connected region on its key slice, the slice that shows the largest connected part of it.

    Attributes:
      index: Number of the key slice in the volume; the first of equals.
      row: Row of that part's centroid, 0-based pixel index, sub-pixel.
      column: Its column, likewise.
      diameter_mm: Distance between the centres of the part's two farthest pixels, and a pixel, so that the extent of
        the pixels themselves counts: n pixels in a row are n pixels long.
      num_pixels: Of that part.
    """

    index: int
    row: float
    column: float
    diameter_mm: float
    num_pixels: int

    @property
    def is_speck(self) -> bool:
        """Whether it is too small to be a lesion."""
        return self.num_pixels < LEAST_PIXELS


def find_regions(labels: np.ndarray, spacing_mm: tuple[float, float]) -> dict[int, list[Region]]:
    """Finds the connected regions of every label.

    Args:
      labels: uint8 or uint16 [S, R, C], 0 where there is nothing; neighbours along the first axis are neighbouring
        axial slices.
      spacing_mm: (row, column) distance between pixel centres, mm.

    Returns:
      The regions by label, in the order of their first voxels.
    """
    found: dict[int, list[Region]] = {}
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        numbered = _numbered(labels[box] == label, _TOUCHING)
        for number, part in enumerate(ndimage.find_objects(numbered), start=1):
            start = [outer.start + inner.start for outer, inner in zip(box, part, strict=True)]
            region = _region(numbered[part] == number, start, spacing_mm)
            found.setdefault(label, []).append(region)
    return found


def _numbered(mask: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    # With an array to write to, it gives the number of regions alone.
    numbers = np.empty(mask.shape, np.int32)
    ndimage.label(mask, neighbours, output=numbers)
    return numbers


def _region(mask: np.ndarray, start: list[int], spacing_mm: tuple[float, float]) -> Region:
    parts = _numbered(mask, _IN_SLICE)
    largest = int(np.bincount(parts.ravel())[1:].argmax()) + 1
    index, rows, columns = np.nonzero(parts == largest)
    return Region(
        index=start[0] + int(index[0]),
        row=start[1] + float(rows.mean()),
        column=start[2] + float(columns.mean()),
        diameter_mm=_farthest(rows, columns, spacing_mm) + float(np.sqrt(spacing_mm[0] * spacing_mm[1])),
        num_pixels=len(rows),
    )


def _farthest(rows: np.ndarray, columns: np.ndarray, spacing_mm: tuple[float, float]) -> float:
    # Only the outermost pixels of a row can be among the two.
    names = np.unique(rows)
    first, last = np.full(names[-1] + 1, columns.max()), np.full(names[-1] + 1, -1)
    np.minimum.at(first, rows, columns)
    np.maximum.at(last, rows, columns)
    ends = np.stack([np.repeat(names, 2), np.stack([first[names], last[names]], 1).ravel()], 1)
    return float(pdist(ends * np.array(spacing_mm)).max(initial=0.0))
