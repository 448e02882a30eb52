"""Real images against real ones: what a metric says where nothing differs, at the same numbers of images."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lesion_jax.data import draws
from lesion_jax.metrics.sample import Sample
from lesion_jax.models.cnn import MIN_IMAGE_SIZE

# Partitions of the patients, of which the range of the floor is taken.
NUM_PARTITIONS = 20

Compute = Callable[[Sample, Sample], dict[str, Any] | None]


def matched(fake: Sample, others: Sample, real: Sample) -> tuple[Sample, Sample]:
    """As many synthetic images as other real ones, in each class, in the proportions of the real images.

    Args:
      fake: Synthetic images.
      others: Real images of other patients than `real`.
      real: What both are compared with.

    Returns:
      (synthetic, other real) images, the first of each class; both empty where a class of `real` has none on a side.
    """
    labels, shares = np.unique(real.labels, return_counts=True)
    available = [min((fake.labels == label).sum(), (others.labels == label).sum()) for label in labels]
    scale = min(have / share for have, share in zip(available, shares, strict=True))
    counts = [int(scale * share + 1e-9) for share in shares]
    return tuple(
        side[np.concatenate([np.flatnonzero(side.labels == i)[:n] for i, n in zip(labels, counts, strict=True)])]
        for side in (fake, others)
    )  # pyright: ignore[reportReturnType]


def concatenated(first: Sample, second: Sample) -> Sample:
    """Two samples of different patients as one; features that both have go with them."""
    patients = np.concatenate([first.patients, second.patients + first.patients.max(initial=-1) + 1])
    whole = Sample(
        np.concatenate([first.pixels, second.pixels]),
        np.concatenate([first.labels, second.labels]),
        first.window,
        patients,
    )
    if all("radiomics" in side.__dict__ for side in (first, second)):
        whole.__dict__["radiomics"] = np.concatenate([first.radiomics, second.radiomics])
    if all("random_features" in side.__dict__ for side in (first, second)):
        pairs = zip(first.random_features, second.random_features, strict=True)
        whole.__dict__["random_features"] = tuple(np.concatenate(pair) for pair in pairs)
    return whole


def floor_values(compute: Compute, others: Sample, real: Sample, counts: Sequence[int]) -> list[float]:
    """What a metric says of real images in random partitions of their patients.

    What depends on the number of images, such as the Frechet distance and recall, can be compared at equal numbers
    only: where a class is rare, far fewer than there are training lesions.

    Args:
      compute: See `images.GeneratorMetric`.
      others: Real images of the patients that a generator was trained on.
      real: Real images of other patients.
      counts: By label, how many images of each class take the place of synthetic ones.

    Returns:
      Up to 20 values, sorted; a partition in which the metric is not defined, or a class lacks, has none.
    """
    for side in (others, real):
        # Once for all partitions.
        _ = side.radiomics
        if min(side.pixels.shape[1:]) >= MIN_IMAGE_SIZE:
            _ = side.random_features
    pool = concatenated(others, real)
    known, patient_of = np.unique(pool.patients, return_inverse=True)
    found = []
    for number in range(NUM_PARTITIONS):
        rank = np.empty(len(known), int)
        rank[draws.permutation("floor", 0, number, count=len(known))] = np.arange(len(known))
        order = np.argsort(rank[patient_of.reshape(-1)], kind="stable")
        firsts = [order[pool.labels[order] == label][:count] for label, count in enumerate(counts)]
        taken = np.sort(np.concatenate(firsts))
        # What else the patients of those have is on no side.
        left = order[~np.isin(pool.patients[order], pool.patients[taken])]
        reference = pool[np.sort(left[: len(real)])]
        if len(taken) < sum(counts) or {*real.labels.tolist()} - {*reference.labels.tolist()}:
            continue
        score = compute(pool[taken], reference)
        if score is not None and np.isfinite(score["value"]):
            found.append(float(score["value"]))
    return sorted(found)
