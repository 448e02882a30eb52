"""The real images of a run: originals and their classic augmentation, on every core, kept on disk for other runs."""

import contextlib
import functools
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from lesion_jax.core.types import Images, Lesion
from lesion_jax.data.augment import augmented, original
from lesion_jax.disk.atomic import replacing, writing
from lesion_jax.errors import DataError

# Part of the name of cached files: raise it when augment.py gives other pixels, or when the files change.
_VERSION = 2
# Fields of a record in a cached file: one per variant.
_PIXELS, _DIGEST = "pixels", "sha256"
# A half-written file of this age is what a killed process left; a living one takes seconds.
_LEFT_SECONDS = 3600
# NumPy parses a file's header with `ast`, which counts its depth in one place for all threads:
# two at once can raise SystemError in CPython 3.11 and 3.12 (python/cpython#106905).
_HEADERS = threading.Lock()


def classic_pool(
    lesions: Sequence[Lesion],
    *,
    per_lesion: int,
    image_size: int,
    margin: float,
    seed: int,
    cache_dir: Path | None = None,
) -> Images:
    """All originals, then their first variants, then their second ones, and so on.

    Sets are nested as the paper's are: with a smaller `per_lesion` the result is a prefix.

    Args:
      lesions: L lesions.
      per_lesion: Variants P of each, at most 480.
      image_size: Side H of the images, pixels.
      margin: Tissue on each side, as a share of the diameter.
      seed: Seed of the augmentation.
      cache_dir: Folder of the variants, one file per lesion, shared by all folds and sizes;
        None keeps none. Several processes may use it at once.

    Returns:
      L (1 + P) images on the host.

    Raises:
      DataError: A patch holds too little context, or the cache cannot be written.
    """
    if cache_dir is not None:
        with writing(cache_dir, what="Cache", error=DataError):
            cache_dir.mkdir(parents=True, exist_ok=True)
            _remove_left(cache_dir)
    pixels = np.empty((1 + per_lesion, len(lesions), image_size, image_size), np.int16)

    def fill(position: int) -> None:
        lesion = lesions[position]
        pixels[0, position] = original(lesion, image_size, margin)
        if per_lesion:
            draw = functools.partial(augmented, image_size=image_size, margin=margin, seed=seed)
            if cache_dir is None:
                pixels[1:, position] = draw(lesion, range(per_lesion))
            else:
                path = cache_dir / f"{_cache_name(lesion, image_size, margin, seed)}.npy"
                pixels[1:, position] = _cached(path, per_lesion, functools.partial(draw, lesion))

    # Threads suffice: the resampling runs outside the interpreter's lock.
    with ThreadPoolExecutor(_num_cores()) as executor:
        for _ in executor.map(fill, range(len(lesions))):
            pass
    labels = np.array([lesion.label for lesion in lesions], np.int32)
    return Images(pixels.reshape(-1, image_size, image_size), np.tile(labels, 1 + per_lesion))


def _num_cores() -> int:
    # A batch job may use fewer cores than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _remove_left(cache_dir: Path) -> None:
    for path in cache_dir.glob(".*.npy.*"):
        # Another process may have renamed or removed it.
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _LEFT_SECONDS:
                path.unlink()


def _cached(path: Path, num: int, draw: Callable[[Iterable[int]], np.ndarray]) -> np.ndarray:
    try:
        with _HEADERS:
            kept = np.load(path, mmap_mode="r", allow_pickle=False)
        if len(kept) >= num and (images := _whole(kept[:num])) is not None:
            return images
    except (OSError, ValueError, EOFError):
        # Not there, or damaged from outside: made again below.
        pass
    images = draw(range(num))
    records = np.empty(num, [(_PIXELS, images.dtype, images.shape[1:]), (_DIGEST, f"V{hashlib.sha256().digest_size}")])
    records[_PIXELS], records[_DIGEST] = images, _digests(images)
    with writing(path.parent, what="Cache", error=DataError), replacing(path) as file:
        np.save(file, records)
    return images


def _whole(records: np.ndarray) -> np.ndarray | None:
    """The images of cached records, or None where one is not what was written: a disk may give other bytes."""
    if records.dtype.names != (_PIXELS, _DIGEST):
        return None
    images = np.ascontiguousarray(records[_PIXELS])
    return images if np.array_equal(records[_DIGEST], _digests(images)) else None


def _digests(images: np.ndarray) -> np.ndarray:
    # Of each image, not of the file: a smaller set is checked by reading its own images alone.
    found = b"".join(hashlib.sha256(image).digest() for image in images)
    return np.frombuffer(found, f"V{hashlib.sha256().digest_size}")


def _cache_name(lesion: Lesion, image_size: int, margin: float, seed: int) -> str:
    facts = (
        _VERSION,
        lesion.lesion_id,
        float(lesion.diameter_mm),
        tuple(map(float, lesion.spacing_mm)),
        tuple(map(float, lesion.center)),
        lesion.patch.shape,
        image_size,
        float(margin),
        seed,
    )
    digest = hashlib.sha256(repr(facts).encode())
    digest.update(lesion.patch.tobytes())
    return digest.hexdigest()[:32]
