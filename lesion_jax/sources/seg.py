"""DICOM segmentations beside their series: every connected region of a segment is a lesion."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lesion_jax.errors import DataError
from lesion_jax.sources.base import Mark
from lesion_jax.sources.drawn import Outlined, drawn_source
from lesion_jax.sources.points import Point
from lesion_jax.sources.regions import find_regions
from lesion_jax.sources.review import Doubt
from lesion_jax.sources.turns import turns

if TYPE_CHECKING:
    from lesion_jax.sources.planes import Instance, Slices
    from lesion_jax.sources.seg_file import Segmentation

# Segmentation Storage and Label Map Segmentation Storage.
_KINDS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")


def _find_points(path: Path, slices: "Slices") -> Outlined:
    from lesion_jax.sources.seg_file import load_segmentation

    segmentation = load_segmentation(path)
    points: list[Point] = []
    doubts: list[Doubt] = []
    for segment, masks in _place(path, segmentation, slices).items():
        label = segmentation.labels[segment]
        series = {one.series for one, _ in masks}
        if len(series) > 1:
            raise DataError(f"{path}: segment {segment} ({label}) is drawn on {len(series)} series; export one each.")
        numbers = slices.number(*series)
        lowest = min(numbers[one.uid] for one, _ in masks)
        volume = np.zeros((max(numbers[one.uid] for one, _ in masks) - lowest + 1, *masks[0][1].shape), np.uint8)
        for one, mask in masks:
            volume[numbers[one.uid] - lowest] |= mask
        by_number = {numbers[one.uid] - lowest: one for one, _ in masks}
        for region in find_regions(volume, masks[0][0].plane.spacing_mm).get(1, []):
            one = by_number[region.index]
            where = f"{path}: segment {segment} ({label}) on {one.paths[0].name}, row {region.row:.0f}"
            if region.is_speck:
                doubts.append(Doubt("specks", f"{where} has {region.num_pixels} pixels"))
                continue
            mark = Mark(where, {"label": label})
            points.append(Point(mark, one.uid, region.row, region.column, region.diameter_mm))
    if not points:
        doubts.append(Doubt("empty", f"{path} marks nothing"))
    return points, doubts


def _place(
    path: Path, segmentation: "Segmentation", slices: "Slices"
) -> dict[int, list[tuple["Instance", np.ndarray]]]:
    """Slices and masks by segment; what is empty has no place."""
    found: dict[int, list[tuple[Instance, np.ndarray]]] = {}
    drawings = [drawing for drawing in segmentation.drawings if drawing.mask.any()]
    lost = 0
    for drawing in drawings:
        # Some converters store rows or columns the other way round, which the header says.
        fitting, mask = [], drawing.mask
        for plane, turn in turns(drawing.plane):
            if fitting := slices.find(plane, drawing.sources, segmentation.referenced):
                mask = turn(drawing.mask)
                break
        if len(fitting) > 1:
            raise DataError(
                f"{path} does not say on which of {fitting[0].paths[0]} and {fitting[1].paths[0]} it was drawn, which "
                "lie at one place; move one series elsewhere."
            )
        lost += not fitting
        for one in fitting:
            found.setdefault(drawing.segment, []).append((one, mask))
    if lost:
        raise DataError(
            f"{path}: {lost} of its {len(drawings)} frames lie on no slice beside it, pixel for pixel; add the series "
            "that it was drawn on, or resample it to the series."
        )
    return found


SEG = drawn_source(
    "seg",
    "DICOM segmentations beside their series",
    "segmentation",
    _KINDS,
    "DICOM segmentations",
    "DICOM SEG objects (binary, fractional or label map) that were drawn on them. Each connected region of a segment "
    "is a lesion, shown on the slice where it is largest, of the class that the segment's label names.",
    _find_points,
)
