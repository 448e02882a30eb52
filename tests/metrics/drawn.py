"""Lesions drawn in a moment: a dark disc, a grey one, a bright ring, each on tissue of its own; and broken banks."""

import numpy as np
from scipy import ndimage

from lesion_jax.core.types import Images
from lesion_jax.metrics.sample import Sample

NAMES = ("cyst", "metastasis", "hemangioma")
WINDOW = (-20.0, 220.0)


def lesions(num, seed, *, per_patient=2, side=32):
    """`num` lesions of three classes by turns, two of each patient."""
    generator = np.random.default_rng(seed)
    rows, columns = np.indices((side, side)) - (side - 1) / 2
    labels = (np.arange(num) // per_patient % 3).astype(np.int32)
    tissue = ndimage.gaussian_filter(generator.normal(0, 60, (num, side, side)), (0, 3, 3))
    noise = ndimage.gaussian_filter(generator.normal(0, 14, (num, side, side)), (0, 0.7, 0.7))
    found = 105 + generator.normal(0, 8, (num, 1, 1)) + tissue + noise
    for i, label in enumerate(labels):
        stretch, turn, radius = generator.uniform(0.75, 1), generator.uniform(0, np.pi), generator.uniform(0.2, 0.36)
        across = rows * np.cos(turn) + columns * np.sin(turn) + generator.normal(0, 1)
        along = (columns * np.cos(turn) - rows * np.sin(turn)) / stretch
        away = np.hypot(across, along) - radius * side
        inside = 1 / (1 + np.exp(away / 0.8))
        ring = np.exp(-((away + 2) ** 2) / 4)
        found[i] += (-75 * inside, -35 * inside, 60 * ring - 10 * inside)[label] * generator.uniform(0.8, 1.2)
    patients = [f"{seed}-{i // per_patient}" for i in range(num)]
    return Sample.of(Images(np.rint(found).astype(np.int16), labels), WINDOW, patients)


def bank(pixels, labels):
    return Sample.of(Images(np.rint(pixels).astype(np.int16), np.asarray(labels, np.int32)), WINDOW)


def relabelled(sample, labels):
    return bank(sample.pixels, np.array(labels)[sample.labels])


def near_copies(train, num, seed):
    """Training lesions turned by right angles, mirrored, shifted by a pixel and with noise added."""
    generator = np.random.default_rng(seed)
    chosen = generator.integers(len(train), size=num)
    found = []
    for i in chosen:
        image = np.rot90(train.pixels[i], generator.integers(4))[:: generator.choice([-1, 1])]
        found.append(np.roll(image, generator.integers(-1, 2, 2), (0, 1)) + generator.normal(0, 5, image.shape))
    return bank(np.array(found), train.labels[chosen])


def noise(num, seed, side=32):
    return bank(np.random.default_rng(seed).normal(100, 40, (num, side, side)), np.arange(num) % 3)


def collapsed(sample, num, kinds, seed):
    """A few images of each class again and again, a little noise added."""
    generator = np.random.default_rng(seed)
    labels = np.arange(num) % 3
    chosen = [generator.choice(np.flatnonzero(sample.labels == label)[:kinds]) for label in labels]
    return bank(sample.pixels[chosen] + generator.normal(0, 3, (num, *sample.pixels.shape[1:])), labels)
