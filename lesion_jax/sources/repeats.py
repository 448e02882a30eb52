"""Whether one lesion is marked twice: it would count twice, and weigh twice in every training."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.spatial import KDTree

from lesion_jax.sources.base import RawLesion
from lesion_jax.sources.patients import Seen
from lesion_jax.sources.review import Doubt, Review

# As a share of the smaller diameter: how far apart two readers put the centre of a lesion. What is smaller by more
# than half may be a part of it.
_SAME_CENTRE, _SAME_SIZE = 0.25, 0.5
# Where they are, and what to do.
_ONE_IMAGE = ("the same image", "remove one")
_TWO_IMAGES = (
    "an image of the very same pixels",
    "remove one, or, where one PatientID stands for several people, as after anonymisation, add a column `patient`",
)


def check_repeats(found: Sequence[RawLesion], seen: Mapping[str, Seen], review: Review) -> None:
    """Looks for lesions that are marked twice, in one image or in two of the very same pixels.

    Args:
      found: All lesions.
      seen: What is known of every image, by `RawLesion.name`.
      review: Takes what is found.
    """
    first: dict[tuple[str, float, float], RawLesion] = {}
    on_image: dict[str, list[RawLesion]] = {}
    for raw in found:
        same = first.setdefault((raw.name, raw.row, raw.column), raw)
        if same is not raw:
            text = f"{raw.where}: this lesion is already marked in {same.where}; remove one of them."
            review.add(text, [same.where, raw.where])
        elif not raw.image.reflected:
            # Images that are lesions as a whole are another matter.
            on_image.setdefault(seen[raw.name].digest, []).append(raw)
    for some in on_image.values():
        for one, other in _at_one_place(some):
            # Of two patients or with two labels, they are told of elsewhere.
            if (one.label, one.image.patient) == (other.label, other.image.patient):
                place, remedy = _ONE_IMAGE if one.name == other.name else _TWO_IMAGES
                text = (
                    f"{other.where} is where {one.where} is, in {place} and of the same label, and seems to be the "
                    f"same lesion; {remedy}"
                )
                review.doubt(Doubt("twice", text), [one.where, other.where])


def _at_one_place(some: Sequence[RawLesion]) -> list[tuple[RawLesion, RawLesion]]:
    """Pairs of lesions of one image that share centre and size."""
    if len(some) < 2:
        return []
    centers = np.array([[raw.row, raw.column] for raw in some]) * some[0].image.spacing_mm
    sizes = np.array([raw.diameter_mm for raw in some])
    pairs = []
    for i, j in sorted(KDTree(centers).query_pairs(_SAME_CENTRE * float(sizes.max()))):
        small, large = sorted((sizes[i], sizes[j]))
        if np.hypot(*(centers[i] - centers[j])) <= _SAME_CENTRE * small and small >= _SAME_SIZE * large:
            pairs.append((some[i], some[j]))
    return pairs
