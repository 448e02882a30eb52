"""Are synthetic images copies of training images, augmented ones included?

Every synthetic image is compared with every training lesion in all its flips, quarter turns and small shifts, and with
whatever further variants are given. A copy is nearer to one lesion than to any other by far: closer than a third of
the distance to the second nearest *lesion*, the rule of Somepalli et al. and of Carlini et al. for copies by diffusion
models. Beside it stands the test of Meehan et al. 2020 (arXiv 2004.05675), which asks whether synthetic images are
nearer to the training set than other patients' real ones are.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import ndimage, stats

from lesion_jax.metrics.sample import Sample
from lesion_jax.metrics.shrink import shrunk

# Nearest over second nearest distance below which an image is a copy.
COPY_RATIO = 1 / 3
# Shares of images with a ratio below a third, and below a half, above which a bank is said to hold copies: fresh
# renders of the phantom had 0 to 0.5 % and 0 to 1.1 %, classic augmentation of the training lesions 42 % and 74 %.
_MAX_SHARES = (0.02, 0.1)
# Images are compared as smooth ones of this side: finer detail is noise, which hides copies, and costs its square.
_SIDE = 16
_SMOOTHING = 1.0
# Every lesion is tried in this many turns, mirrored and not; what lies between is reached by its tangents.
_NUM_TURNS = 16
_BATCH = 4096


@dataclasses.dataclass(frozen=True, eq=False)
class Nearest:
    """Nearest training lesions of some images.

    Attributes:
      lesion: int64 [N], nearest lesion.
      distance: float64 [N], root mean squared difference of pixels, in shares of the window.
      second: float64 [N], distance to the nearest other lesion.
      variant: int64 [N], which variant of the lesion it was, an index into what `variants_of` makes.
    """

    lesion: np.ndarray
    distance: np.ndarray
    second: np.ndarray
    variant: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        """float64 [N], nearest over second nearest distance, in [0, 1]."""
        return self.distance / np.maximum(self.second, 1e-12)

    @property
    def is_copy(self) -> np.ndarray:
        """Bool [N]."""
        return self.ratio < COPY_RATIO


def nearest_lesions(images: Sample, lesions: Sample, views: np.ndarray | None = None) -> Nearest:
    """Nearest and second nearest training lesion of every image, in pixel space, over all variants of each lesion.

    Distances are tangent distances (Simard et al. 1993) within a disc that touches the borders: to whatever a small
    shift, turn or change of scale makes of the lesion. Time grows with N L V.

    Args:
      images: N images.
      lesions: L original training images, at least 2.
      views: int16 [V, L, H, H], the lesions again as other crops of them, with more tissue; None for none.

    Returns:
      Nearest lesions; turns, mirroring and shifts of up to 1/16 of the side make little difference.
    """
    queries = _small(images.unit)[:, _disc()]
    norms = (queries**2).sum(1)
    best = np.full((len(images), len(lesions)), np.inf, np.float32)
    which = np.zeros((len(images), len(lesions)), np.int64)
    for number, (candidates, tangents) in enumerate(_variants(lesions, views)):
        own = (candidates**2).sum(1)
        along = np.einsum("lpt,lp->tl", tangents, candidates)
        for start in range(0, len(images), _BATCH):
            rows = slice(start, start + _BATCH)
            found = norms[rows, None] + own[None] - 2 * queries[rows] @ candidates.T
            for t in range(tangents.shape[2]):
                found -= (queries[rows] @ tangents[:, :, t].T - along[t]) ** 2
            nearer = found < best[rows]
            np.copyto(best[rows], found, where=nearer)
            np.copyto(which[rows], number, where=nearer)
    distance = np.sqrt(np.maximum(best, 0) / queries.shape[1]).astype(np.float64)
    order = np.argsort(distance, axis=1)[:, :2]
    rows = np.arange(len(images))
    return Nearest(order[:, 0], distance[rows, order[:, 0]], distance[rows, order[:, 1]], which[rows, order[:, 0]])


def _variants(lesions: Sample, views: np.ndarray | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(float32 [L, P] pixels, [L, P, 4] orthonormal tangents) again and again: every view, mirrored and not, turned.

    Tangents are those of shifts along rows and columns, of turning and of scaling (Simard et al. 1993).
    """
    disc = _disc()
    places: np.ndarray = np.indices((_SIDE, _SIDE)) - (_SIDE - 1) / 2
    rows, columns = places[0][disc, None], places[1][disc, None]
    for pixels in (lesions.pixels, *(() if views is None else views)):
        small = _small(Sample(pixels, lesions.labels, lesions.window, lesions.patients).unit)
        for mirrored in (small, small[:, ::-1]):
            for turn in range(_NUM_TURNS):
                angle = 360 * turn / _NUM_TURNS
                turned = ndimage.rotate(mirrored, angle, axes=(1, 2), reshape=False, order=1, mode="nearest")
                down, right = (np.gradient(turned, axis=axis)[:, disc][..., None] for axis in (1, 2))
                moves = np.concatenate([down, right, rows * right - columns * down, rows * down + columns * right], 2)
                tangents, _ = np.linalg.qr(moves)
                yield turned[:, disc], tangents.astype(np.float32)


def _disc() -> np.ndarray:
    """Bool [S, S] of the part that is compared: a turned image lacks nothing there."""
    return np.hypot(*(np.indices((_SIDE, _SIDE)) - (_SIDE - 1) / 2)) <= _SIDE / 2


def _small(images: np.ndarray) -> np.ndarray:
    """float32 [N, H, H] -> [N, 16, 16], a little smoother."""
    return ndimage.gaussian_filter(shrunk(images, _SIDE), (0, _SMOOTHING, _SMOOTHING))


def copying_test(images: Nearest, held_out: Nearest, labels: np.ndarray, held_out_labels: np.ndarray) -> dict[str, Any]:
    """C_T of Meehan et al. 2020: are synthetic images nearer to training lesions than other patients' lesions are?

    Cells are the classes, where the paper has clusters: there are too few images for more.

    Args:
      images: Of the synthetic images.
      held_out: Of real lesions of patients that were not trained on.
      labels: int [N], of the synthetic images.
      held_out_labels: int [M].

    Returns:
      {"c_t": mean over classes, weighted by held-out lesions, of the Mann-Whitney statistic in its standard form;
      "p": of as low a value by chance}. Below -3 is data-copying by the paper; images that are merely soft come out low
      too, as they are near everything. None in place of the numbers where no class has images on both sides.
    """
    scores, weights = [], []
    for label in np.unique(held_out_labels).tolist():
        x, y = images.distance[labels == label], held_out.distance[held_out_labels == label]
        if len(x) and len(y):
            statistic = stats.mannwhitneyu(x, y).statistic
            scores.append((statistic - len(x) * len(y) / 2) / np.sqrt(len(x) * len(y) * (len(x) + len(y) + 1) / 12))
            weights.append(len(y))
    if not scores:
        return {"c_t": None, "p": None}
    share = np.array(weights) / sum(weights)
    c_t = float(share @ scores)
    # Classes are independent: the deviation of a weighted mean of standard normals.
    return {"c_t": c_t, "p": float(stats.norm.cdf(c_t / np.sqrt((share**2).sum())))}


def find_copies(
    images: Sample, train: Sample, held_out: Sample, views: np.ndarray | None = None, *, num_pairs: int = 8
) -> dict[str, Any]:
    """How many synthetic images are copies of training lesions, beside how many held-out real ones are.

    Args:
      images: Synthetic images.
      train: Original images of the training lesions, at least 2.
      held_out: Original images of other patients' lesions.
      views: See `nearest_lesions`.
      num_pairs: Closest pairs that are named.

    Returns:
      {"num", "num_real"; "share", "floor": images with a ratio below a third; "near_share", "near_floor": below a half;
      "median_ratio", "floor_ratio"; "c_t", "p": see `copying_test`; "pairs": [{"image", "lesion" (indices), "ratio"}],
      closest first; "copies": bool}. There are copies where more than 2 % of the images have a ratio below a third, or
      more than 10 % one below a half, and more than twice as many as of the held-out ones.
    """
    ours, real = (nearest_lesions(x, train, views) for x in (images, held_out))
    shares = [(float((ours.ratio < limit).mean()), float((real.ratio < limit).mean())) for limit in (COPY_RATIO, 0.5)]
    closest = np.argsort(ours.ratio, kind="stable")[:num_pairs]
    return {
        "num": len(images),
        "num_real": len(held_out),
        "share": shares[0][0],
        "floor": shares[0][1],
        "near_share": shares[1][0],
        "near_floor": shares[1][1],
        "median_ratio": float(np.median(ours.ratio)),
        "floor_ratio": float(np.median(real.ratio)),
        **copying_test(ours, real, images.labels, held_out.labels),
        "pairs": [
            {"image": int(i), "lesion": int(ours.lesion[i]), "ratio": round(float(ours.ratio[i]), 4)} for i in closest
        ],
        "copies": any(share > max(limit, 2 * floor) for (share, floor), limit in zip(shares, _MAX_SHARES, strict=True)),
    }
