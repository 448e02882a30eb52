"""One grid of pixels in every order of its rows and columns: some converters store them the other way round."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lesion_jax.sources.planes import Plane


def turns(plane: "Plane") -> Iterator[tuple["Plane", Callable[[np.ndarray], np.ndarray]]]:
    """The same pixels in all eight orders that rows and columns can have, the first as they are.

    Yields:
      The grid in that order, and a function that brings an image [R, C] of the plane into it.
    """
    axes = [(plane.down, plane.spacing_mm[0], plane.shape[0]), (plane.across, plane.spacing_mm[1], plane.shape[1])]
    for is_transposed in (False, True):
        for backwards in ((), (0,), (1,), (0, 1)):
            corner, turned = plane.corner, list(axes)
            for axis in backwards:
                along, spacing, size = axes[axis]
                corner = corner + along * spacing * (size - 1)
                turned[axis] = (-along, spacing, size)
            (down, row_mm, rows), (across, column_mm, columns) = turned[::-1] if is_transposed else turned
            other = dataclasses.replace(
                plane, shape=(rows, columns), corner=corner, across=across, down=down, spacing_mm=(row_mm, column_mm)
            )
            yield other, functools.partial(_turned, axes=backwards, is_transposed=is_transposed)


def _turned(image: np.ndarray, axes: tuple[int, ...], is_transposed: bool) -> np.ndarray:
    flipped = np.flip(image, axes)
    return flipped.T if is_transposed else flipped
