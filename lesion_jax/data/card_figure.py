"""The histograms of a dataset's card."""

import io
from collections import Counter

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from lesion_jax.core.types import UNITS, Lesion, LesionSet

_BINS = 24
# So many lesions of a class tell how its pixels are distributed.
_MOST_LESIONS = 200


def card_figure(lesions: LesionSet) -> bytes:
    """A PNG of diameters and pixels of each class, and of lesions of a patient; of the same lesions the same bytes."""
    names = lesions.class_names
    groups = [[x for x in lesions.lesions if x.label == label] for label in range(len(names))]
    low, high = lesions.window
    # A dollar in the name of a class is a dollar.
    with matplotlib.rc_context({"text.parse_math": False, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(11, 3.2), layout="constrained")
        sizes, pixels, patients = figure.subplots(1, 3)
        everything = [x.diameter_mm for x in lesions.lesions]
        bins = np.histogram_bin_edges(everything, _BINS)
        for name, group in zip(names, groups, strict=True):
            if not group:
                continue
            sizes.hist([x.diameter_mm for x in group], bins, histtype="stepfilled", alpha=0.5, label=_short(name))
            inside = np.concatenate([_inside(x) for x in group[:: 1 + len(group) // _MOST_LESIONS]])
            pixels.hist(inside.clip(low, high), np.linspace(low, high, 2 * _BINS), histtype="step", density=True)
        counts = Counter(Counter(x.patient for x in lesions.lesions).values())
        patients.bar(list(counts), list(counts.values()))
        sizes.set(xlabel="diameter, mm", ylabel="lesions")
        pixels.set(xlabel=f"pixels within the diameter, {UNITS[lesions.unit].title}", ylabel="density")
        patients.set(xlabel="lesions of a patient", ylabel="patients")
        sizes.legend(frameon=False, fontsize=8)
        drawn = io.BytesIO()
        # Without the version in it.
        figure.savefig(drawn, format="png", dpi=110, metadata={"Software": None})
    return drawn.getvalue()


def _inside(lesion: Lesion) -> np.ndarray:
    """Pixels of a lesion's disc."""
    rows, columns = (
        (np.arange(side) - at) * spacing
        for side, at, spacing in zip(lesion.patch.shape, lesion.center, lesion.spacing_mm, strict=True)
    )
    return lesion.patch[np.hypot(rows[:, None], columns[None]) <= lesion.diameter_mm / 2].astype(np.float32)


def _short(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:29]}…"
