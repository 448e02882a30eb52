"""Radiomic features of lesion images: what a radiologist's words for a lesion measure, with numpy and scipy alone.

A few dozen numbers by name: first-order statistics, rings around the centre (images are cropped around their lesion),
shape of what stands out there, texture by grey-level co-occurrence (Haralick 1973), and sharpness at several scales.
They follow the classes of the Image Biomarker Standardisation Initiative in kind, not to the letter: there is no mask.
All but the shifts of a crop leave them alone where flips and quarter turns are concerned, up to rounding.
"""

from typing import Any

import numpy as np
from scipy import ndimage

NUM_LEVELS = 16
_RINGS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5)
_DISTANCES = (1, 2)
_SIGMAS = (0.5, 1.0, 2.0, 4.0)
_TINY = 1e-9


def radiomics(pixels: np.ndarray, window: tuple[float, float]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Radiomic features of images, each a function of one image alone.

    Args:
      pixels: int16 [N, H, H] in the dataset's unit, H at least 8.
      window: Range (low, high) that becomes [0, 1]; what lies outside is clipped.

    Returns:
      (float64 [N, F], finite; F names).
    """
    low, high = window
    images = np.clip((pixels.astype(np.float64) - low) / (high - low), 0.0, 1.0)
    found: dict[str, np.ndarray] = {}
    for part in (_first_order, _rings, _shape, _texture, _sharpness):
        found |= part(images)
    return np.stack([*found.values()], axis=1).reshape(len(images), len(found)), tuple(found)


def _first_order(images: np.ndarray) -> dict[str, np.ndarray]:
    flat = images.reshape(len(images), -1)
    mean, deviation = flat.mean(1), flat.std(1)
    standard = (flat - mean[:, None]) / np.maximum(deviation, 1e-3)[:, None]
    share = _histograms(_levels(images).reshape(len(images), -1), NUM_LEVELS)
    percentiles = np.percentile(flat, (10, 50, 90), axis=1)
    return {
        "mean": mean,
        "deviation": deviation,
        "skewness": (standard**3).mean(1),
        # Heavy tails of a flat image with one odd pixel would outweigh everything.
        "kurtosis": np.log1p((standard**4).mean(1)),
        "percentile_10": percentiles[0],
        "median": percentiles[1],
        "percentile_90": percentiles[2],
        "entropy": _entropy(share),
        "uniformity": (share**2).sum(1),
    }


def _rings(images: np.ndarray) -> dict[str, np.ndarray]:
    """Mean and deviation by distance from the centre; 1 is half a side, beyond it lie the corners."""
    side = images.shape[1]
    away = np.hypot(*(np.indices((side, side)) - (side - 1) / 2)) / (side / 2)
    found, means = {}, []
    for number, (inner, outer) in enumerate(zip(_RINGS[:-1], _RINGS[1:], strict=True)):
        ring = images[:, (away >= inner) & (away < outer)]
        means.append(ring.mean(1))
        found[f"ring_{number}_mean"] = means[-1]
        found[f"ring_{number}_deviation"] = ring.std(1)
    found |= {f"ring_{i}_step": means[i] - means[i - 1] for i in range(1, len(means))}
    found["contrast"] = means[0] - means[-1]
    return found


def _shape(images: np.ndarray) -> dict[str, np.ndarray]:
    """What lies nearer to the centre's brightness than to the border's, and is joined to the centre."""
    num, side = images.shape[:2]
    smooth = ndimage.gaussian_filter(images, (0, side / 32, side / 32))
    border = np.concatenate([smooth[:, 0], smooth[:, -1], smooth[:, 1:-1, 0], smooth[:, 1:-1, -1]], axis=1)
    outside = np.median(border, axis=1)
    half = side // 8
    middle = slice(side // 2 - half, side // 2 + half)
    inside = np.median(smooth[:, middle, middle].reshape(num, -1), axis=1)
    stands_out = np.abs(smooth - inside[:, None, None]) < np.abs(smooth - outside[:, None, None])
    numbers = np.array([_outline(mask) for mask in stands_out]).reshape(num, 4)
    return dict(zip(("area", "elongation", "roundness", "off_centre"), numbers.T, strict=True))


def _outline(mask: np.ndarray) -> tuple[float, float, float, float]:
    """(area as a share of the image, log of axis ratio, roundness in (0, 1], distance of the centroid in sides)."""
    side = len(mask)
    labelled: Any = ndimage.label(mask)
    pieces, count = labelled
    if not count:
        return 0.0, 0.0, 0.0, 0.0
    middle = pieces[side // 2 - side // 8 : side // 2 + side // 8, side // 2 - side // 8 : side // 2 + side // 8]
    chosen = int(np.bincount(middle.ravel(), minlength=count + 1)[1:].argmax()) + 1
    rows, columns = np.nonzero(pieces == chosen)
    area = len(rows)
    offsets = np.stack([rows - rows.mean(), columns - columns.mean()])
    # A pixel's own extent keeps a line from being infinitely long.
    small, large = np.linalg.eigvalsh(offsets @ offsets.T / area + np.eye(2) / 12)
    # A disc has the least second moment of all shapes of its area.
    roundness = area / (2 * np.pi * (small + large))
    away = np.hypot(rows.mean() - (side - 1) / 2, columns.mean() - (side - 1) / 2)
    return area / mask.size, 0.5 * float(np.log(large / small)), float(roundness), float(away) / side


def _texture(images: np.ndarray) -> dict[str, np.ndarray]:
    levels = _levels(images)
    first, second = np.indices((NUM_LEVELS, NUM_LEVELS))
    found = {}
    for distance in _DISTANCES:
        share = _co_occurrence(levels, distance)
        mean = (share * first).sum((1, 2))
        variance = (share * (first - mean[:, None, None]) ** 2).sum((1, 2))
        together = (share * (first - mean[:, None, None]) * (second - mean[:, None, None])).sum((1, 2))
        found |= {
            f"glcm_{distance}_contrast": np.log1p((share * (first - second) ** 2).sum((1, 2))),
            f"glcm_{distance}_homogeneity": (share / (1 + (first - second) ** 2)).sum((1, 2)),
            f"glcm_{distance}_energy": np.sqrt((share**2).sum((1, 2))),
            f"glcm_{distance}_correlation": together / np.maximum(variance, 1e-3),
            f"glcm_{distance}_entropy": _entropy(share.reshape(len(share), -1)),
        }
    return found


def _co_occurrence(levels: np.ndarray, distance: int) -> np.ndarray:
    """float64 [N, L, L]: how often two levels lie `distance` apart in one of four directions, either way round."""
    num, d = len(levels), distance
    pairs = (
        (levels[:, :, :-d], levels[:, :, d:]),
        (levels[:, :-d], levels[:, d:]),
        (levels[:, :-d, :-d], levels[:, d:, d:]),
        (levels[:, :-d, d:], levels[:, d:, :-d]),
    )
    codes = np.concatenate([(a * NUM_LEVELS + b).reshape(num, -1) for a, b in pairs], axis=1)
    share = _histograms(codes, NUM_LEVELS**2).reshape(num, NUM_LEVELS, NUM_LEVELS)
    return (share + share.transpose(0, 2, 1)) / 2


def _sharpness(images: np.ndarray) -> dict[str, np.ndarray]:
    """Deviation within bands of scale, in logarithms: blur empties the fine ones, noise and grids fill them."""
    blurred = [images, *(ndimage.gaussian_filter(images, (0, sigma, sigma)) for sigma in _SIGMAS)]
    bands = [fine - coarse for fine, coarse in zip(blurred[:-1], blurred[1:], strict=True)]
    found = {f"band_{i}": np.log(band.std((1, 2)) + 1e-3) for i, band in enumerate(bands)}
    # Upsampling by two leaves a grid of period two: pixels differ from their neighbours by turns.
    signs = (-1.0) ** np.indices(images.shape[1:]).sum(0)
    fine = bands[0]
    found["checkerboard"] = np.log(np.abs((fine * signs).mean((1, 2))) + 1e-4)
    steepness = np.hypot(*np.gradient(blurred[2], axis=(1, 2)))
    found["edge_mean"] = steepness.mean((1, 2))
    found["edge_high"] = np.percentile(steepness.reshape(len(images), -1), 95, axis=1)
    return found


def _levels(images: np.ndarray) -> np.ndarray:
    return np.minimum((images * NUM_LEVELS).astype(np.int64), NUM_LEVELS - 1)


def _histograms(codes: np.ndarray, num: int) -> np.ndarray:
    """int64 [N, P] in [0, num) -> float64 [N, num], shares."""
    offset = np.arange(len(codes))[:, None] * num
    counts = np.bincount((codes + offset).ravel(), minlength=len(codes) * num)
    return counts.reshape(len(codes), num) / codes.shape[1]


def _entropy(share: np.ndarray) -> np.ndarray:
    """Bits."""
    return -(share * np.log2(share + _TINY)).sum(1)
