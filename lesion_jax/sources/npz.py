"""A benchmark in one npz file, as MedMNIST has them: {train,val,test}_images and {train,val,test}_labels.

The benchmark's own split is kept as the tag `split`: data.partition='tag:split=test' trains on the others and tests on
its test images.
"""

import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lesion_jax.errors import DataError
from lesion_jax.sources.base import Mark, Progress, RawLesion, Source
from lesion_jax.sources.whole_image import WholeImages

SPLIT = "split"
_IMAGES, _LABELS = "_images", "_labels"
_MOST_BYTES = 2 << 30


def load_npz(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Reads the images and labels of all splits.

    Args:
      path: The file.

    Returns:
      uint8 [N, H, W] or [N, H, W, 3] and integer [N] by name of the split.

    Raises:
      DataError: Not such a file; names the array.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            # Before anything is unpacked.
            if (size := sum(entry.file_size for entry in archive.infolist())) > _MOST_BYTES:
                raise DataError(
                    f"{path} unpacks to {size >> 20} MiB, more than {_MOST_BYTES >> 20}; take the benchmark's version "
                    "with smaller images."
                )
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files if name.endswith((_IMAGES, _LABELS))}
    except OSError as error:
        raise DataError(f"--input {path} cannot be read: {error.strerror or error}; name an npz file.") from error
    except (zipfile.BadZipFile, ValueError, EOFError, KeyError, NotImplementedError, MemoryError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path} is not a whole npz file of plain arrays ({reason}); fetch it again.") from error
    splits = [name.removesuffix(_IMAGES) for name in arrays if name.endswith(_IMAGES)]
    if not all(splits) or not splits:
        raise DataError(f"{path} has no array such as train{_IMAGES}; it must have NAME{_IMAGES} and NAME{_LABELS}.")
    return {name: _checked(path, name, arrays) for name in splits}


def _checked(path: Path, split: str, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    images, labels = arrays[split + _IMAGES], arrays.get(split + _LABELS)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if labels is None:
        raise DataError(f"{path} has {split}{_IMAGES} and no {split}{_LABELS}; give both.")
    if images.dtype != np.uint8 or not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)):
        raise DataError(
            f"{path}: {split}{_IMAGES} is {images.dtype} {list(images.shape)}; it must be uint8 [N, H, W], or "
            "[N, H, W, 3] of colours."
        )
    if not all(images.shape[1:3]):
        raise DataError(f"{path}: {split}{_IMAGES} has images without pixels; fetch it again.")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise DataError(
            f"{path}: {split}{_LABELS} is {labels.dtype} {list(labels.shape)}; it must be one whole number for each of "
            f"the {len(images)} images."
        )
    if len(labels) and labels.min() < 0:
        raise DataError(f"{path}: {split}{_LABELS} has {labels.min()}; classes are numbered from 0.")
    return images, labels


def _file_of(path: Path) -> Path | None:
    """An npz file, or the only one in a folder."""
    found = [path] if os.path.isfile(path) else [*path.glob("*.[nN][pP][zZ]")]
    return found[0] if len(found) == 1 and found[0].suffix.lower() == ".npz" else None


def _read(path: Path, marks: Sequence[Mark], progress: Progress) -> Iterator[RawLesion]:
    del marks
    path = _file_of(path) or path
    splits = load_npz(path)
    total, done, whole = sum(len(images) for images, _ in splits.values()), 0, WholeImages()
    for split, (images, labels) in splits.items():
        for index, (pixels, label) in enumerate(zip(images, labels, strict=True)):
            name = f"{split}/{index}"
            yield whole.lesion(path, name, pixels, str(label), tags={SPLIT: split})
            done += 1
            progress(done, total)


NPZ = Source(
    name="npz",
    title="A benchmark's npz file",
    columns=(),
    read=_read,
    recognise=lambda path: f"its benchmark is {path.name}" if (path := _file_of(path)) else None,
    about=(
        "One file with train_images, train_labels and the like, as MedMNIST's: uint8 images, each a lesion and a "
        "patient of its own, but for equal ones; labels 0, 1, .. name the classes. Its split is kept as the tag split."
    ),
)
