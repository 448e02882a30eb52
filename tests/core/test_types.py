"""A dataset's unit, its window and what its fingerprint covers."""

import dataclasses

import numpy as np
import pytest

from lesion_jax.core.types import UNITS, Lesion, LesionSet

LESION = Lesion("a", "p", 0, 5.0, (1.0, 1.0), (1.0, 1.0), np.arange(9, dtype=np.int16).reshape(3, 3))


def test_every_unit_has_a_window_within_its_limits():
    for unit in UNITS.values():
        low, high = unit.window
        lowest, highest = unit.limits or (np.iinfo(np.int16).min, np.iinfo(np.int16).max)
        assert lowest <= low < high <= highest


def test_the_window_is_the_sources_or_else_the_units():
    assert LesionSet.of([LESION], ("x",), "HU").window == (-160.0, 240.0)
    assert LesionSet.of([LESION], ("x",), "grey").window == (0.0, 255.0)
    stated = LesionSet.of([LESION], ("x",), "grey", (np.float32(0), 4095))
    assert stated.window == (0.0, 4095.0) and {type(value) for value in stated.window} == {float}


def test_the_fingerprint_covers_content_classes_unit_and_range():
    sets = [
        LesionSet.of([LESION], ("x",), "HU"),
        LesionSet.of([LESION], ("x",), "grey"),
        LesionSet.of([LESION], ("x",), "grey", (0, 4095)),
        LesionSet.of([LESION], ("x", "HU"), "HU"),
        LesionSet.of([dataclasses.replace(LESION, patch=LESION.patch + np.int16(1))], ("x",), "HU"),
        LesionSet.of([dataclasses.replace(LESION, patient="q")], ("x",), "HU"),
    ]
    assert len({some.fingerprint for some in sets}) == len(sets)
    assert LesionSet.of([LESION], ("x",), "HU").fingerprint == sets[0].fingerprint
    # Numbers of another type say the same.
    assert LesionSet.of([LESION], ["x"], "grey", [0.0, np.float64(4095)]).fingerprint == sets[2].fingerprint


def test_an_unknown_unit_is_refused():
    with pytest.raises(ValueError, match="one of HU, grey, got 'hounsfield'"):
        LesionSet.of([LESION], ("x",), "hounsfield")
