"""What is drawn on the frames of an enhanced CT gives the very lesions of the same drawn on plain slices."""

import numpy as np
import pytest

from lesion_jax.errors import DataError
from lesion_jax.sources.cohort import read_lesions
from tests.sources.seg_writer import as_frames, outline, write_rtstruct, write_seg

LARGE, SMALL = np.s_[10:16, 20:29], np.s_[22:27, 5:11]


def draw_seg(path, slices, **says):
    mask = np.zeros((2, 5, 40, 50), bool)
    mask[0, 1:3][:, *LARGE] = True
    mask[0, 2, 16, 20:29] = mask[1, 4][SMALL] = True
    write_seg(path, slices, {"cyst": mask[0], "scar": mask[1]}, **says)


def draw_structures(path, slices, **says):
    large, small = np.zeros((2, 40, 50), bool)
    large[LARGE] = small[SMALL] = True
    write_rtstruct(path, slices, {"cyst": [(1, outline(large))], "scar": [(4, outline(small))]}, **says)


def rois(folder, source):
    found = read_lesions(folder, source=source, labels=["cyst", "scar"])
    return sorted((x.label, x.patch.tobytes(), *x.center, x.diameter_mm) for x in found.lesions)


@pytest.mark.parametrize("says", [(True, True), (False, True), (False, False)])
@pytest.mark.parametrize(("source", "draw"), [("seg", draw_seg), ("rtstruct", draw_structures)])
def test_frames_are_as_slices(series, tmp_path, source, draw, says):
    slices, says = series(), {"says_sources": says[0], "says_series": says[1]}
    draw(tmp_path / "in" / "drawn", slices, **says)
    expected = rois(tmp_path / "in", source)
    assert len(expected) == 2
    frames = tmp_path / "frames"
    frames.mkdir()
    draw(frames / "drawn", as_frames(frames / "whole", slices), **says)
    assert rois(frames, source) == expected
    # Copies of the object are one series.
    (frames / "copy").write_bytes((frames / "whole").read_bytes())
    assert rois(frames, source) == expected


def test_a_frame_that_is_not_there_is_refused(series, tmp_path):
    slices = series()
    frames = tmp_path / "frames"
    frames.mkdir()
    for one in as_frames(frames / "whole", slices):
        one.frame += 5
    draw_structures(frames / "drawn", slices)
    with pytest.raises(DataError, match="lies on no slice beside it"):
        read_lesions(frames, source="rtstruct")
