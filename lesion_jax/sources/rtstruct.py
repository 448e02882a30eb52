"""RT structure sets beside their series: every structure is a lesion."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lesion_jax.errors import DataError
from lesion_jax.sources.base import Mark
from lesion_jax.sources.drawn import Outlined, drawn_source
from lesion_jax.sources.points import Point
from lesion_jax.sources.regions import find_regions
from lesion_jax.sources.review import Doubt

if TYPE_CHECKING:
    from lesion_jax.sources.planes import Instance, Slices
    from lesion_jax.sources.rtstruct_file import Structure

# RT Structure Set Storage.
_KINDS = ("1.2.840.10008.5.1.4.1.1.481.3",)
# Of a pixel: areas are of whole pixels or nearly equal by chance.
_SAME_AREA = 1e-3
# Outlines run along the outer borders of pixels, whatever rounding adds.
_BEYOND = 1.0


def _find_points(path: Path, slices: "Slices") -> Outlined:
    from lesion_jax.sources.rtstruct_file import load_structures

    structures = load_structures(path)
    points: list[Point] = []
    doubts: list[Doubt] = []
    for structure in structures.structures:
        where = f"{path}: structure {structure.number} ({structure.name})"
        polygons, lost = _place(where, structure, structures.referenced, slices)
        if lost:
            doubts.append(
                Doubt("off_slice", f"{where} has {lost} of {len(structure.contours)} contours on no slice beside it")
            )
        if not structure.contours:
            doubts.append(Doubt("no_contours", f"{where} has no closed contours"))
        if not polygons:
            continue
        one, on_slice = _key_slice(polygons)
        corners = np.concatenate(on_slice)
        if (corners < -_BEYOND).any() or (corners > np.array(one.plane.shape) - 1 + _BEYOND).any():
            doubts.append(Doubt("beyond", f"{where} reaches beyond {one.paths[0].name}"))
        regions = find_regions(_fill(on_slice, one.plane.shape)[None], one.plane.spacing_mm).get(1, [])
        if not regions or (region := max(regions, key=lambda region: region.num_pixels)).is_speck:
            doubts.append(Doubt("specks", f"{where} has a few pixels"))
            continue
        if sum(not region.is_speck for region in regions) > 1:
            doubts.append(Doubt("parts", f"{where} has {len(regions)} parts on {one.paths[0].name}"))
        mark = Mark(f"{where} on {one.paths[0].name}", {"label": structure.name})
        points.append(Point(mark, one.uid, region.row, region.column, region.diameter_mm))
    if not points and any(doubt.check == "off_slice" for doubt in doubts):
        raise DataError(f"{path}: all that it outlines lies on no slice beside it; add the series it was drawn on.")
    if not points:
        doubts.append(Doubt("empty", f"{path} outlines nothing"))
    return points, doubts


def _place(
    where: str, structure: "Structure", referenced: frozenset[str], slices: "Slices"
) -> tuple[list[tuple["Instance", np.ndarray]], int]:
    """Slices and the corners on them, [N, 2] of row and column, and how many contours lie on none."""
    found: list[tuple[Instance, np.ndarray]] = []
    for contour in structure.contours:
        fitting = slices.find_around(contour.corners, structure.frame_of_reference, contour.sources, referenced)
        if len(fitting) > 1:
            raise DataError(
                f"{where} does not say on which of {fitting[0].paths[0]} and {fitting[1].paths[0]} it was drawn, which "
                "lie at one place; move one series elsewhere."
            )
        found += [(one, one.plane.to_pixels(contour.corners)) for one in fitting]
    if len({one.series for one, _ in found}) > 1:
        raise DataError(f"{where} is drawn on several series; export one structure set for each.")
    return found, len(structure.contours) - len(found)


def _key_slice(polygons: list[tuple["Instance", np.ndarray]]) -> tuple["Instance", list[np.ndarray]]:
    """The slice with the largest polygon, the lowest of equals, and all polygons on it."""
    polygons = sorted(polygons, key=lambda one: one[0].plane.height)
    areas = np.array([_area(corners) for _, corners in polygons])
    key = polygons[int(np.flatnonzero(areas >= areas.max() - _SAME_AREA)[0])][0]
    # One that is listed twice would be a hole in itself.
    return key, list({corners.tobytes(): corners for one, corners in polygons if one is key}.values())


def _area(corners: np.ndarray) -> float:
    """Pixels that a polygon encloses; the shoelace formula."""
    y, x = (corners - corners.mean(0)).T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


def _fill(polygons: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """uint8 [R, C], 1 where a pixel's centre lies in an odd number of polygons: one within another is a hole."""
    from matplotlib.path import Path as Curve

    mask = np.zeros(shape, np.uint8)
    for corners in polygons:
        low = np.clip(np.floor(corners.min(0)), 0, shape).astype(int)
        high = np.clip(np.ceil(corners.max(0)) + 1, 0, shape).astype(int)
        pixels = np.moveaxis(np.mgrid[low[0] : high[0], low[1] : high[1]], 0, -1)
        inside = Curve(corners, closed=False).contains_points(pixels.reshape(-1, 2))
        mask[low[0] : high[0], low[1] : high[1]] ^= inside.reshape(pixels.shape[:2])
    return mask


RTSTRUCT = drawn_source(
    "rtstruct",
    "RT structure sets beside their series",
    "structure_set",
    _KINDS,
    "RT structure sets",
    "DICOM RTSTRUCT objects that were drawn on them. Each structure of closed contours is a lesion, shown on the slice "
    "with its largest contour, of the class that its name says.",
    _find_points,
)
