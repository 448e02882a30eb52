"""From images and marks to lesions: the one place where sources, patches and hashes meet.

What leaves the hospital of a header is the spacing and two salted hashes. The salt is made of all
the images' names, so a rebuild gives the same ids, and only who holds the originals can recompute them.
"""

import dataclasses
import hashlib
import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np

from lesion_jax.core.types import UNITS, Lesion, LesionSet
from lesion_jax.errors import ConfigError, DataError
from lesion_jax.sources import SOURCES
from lesion_jax.sources.base import Mark, Progress, RawLesion, Source
from lesion_jax.sources.classes import order_classes
from lesion_jax.sources.likeness import signature
from lesion_jax.sources.marks import load_marks
from lesion_jax.sources.patches import cut_patch, half_side
from lesion_jax.sources.patients import Seen, check_patients
from lesion_jax.sources.phantom.options import read_record
from lesion_jax.sources.plausible import image_digest, implausible
from lesion_jax.sources.review import Mistakes, Review

AUTO = "auto"
_HASH_DIGITS = 16
_log = logging.getLogger(__name__)


def read_lesions(
    input_dir: Path,
    annotations: Path | None = None,
    class_names: Sequence[str] | None = None,
    progress: Progress | None = None,
    *,
    source: str = AUTO,
    tags: Sequence[str] = (),
    accept: Collection[str] = (),
    note: Callable[[str], None] = lambda text: None,
) -> LesionSet:
    """Reads every marked lesion, writing nothing.

    Args:
      input_dir: What the source reads: a tree of files, a folder.
      annotations: The csv of marks; None for a source that takes none.
      class_names: Order of the classes; None lets `order_classes` decide.
      progress: Called as progress(done, total), counted in whatever the source counts.
      source: Key of `SOURCES`; "auto" takes the one whose columns the csv has.
      tags: Columns of the csv that the dataset keeps, in lower case; those that a source gives itself it keeps anyway.
      accept: Keys of `review.CHECKS` that are overruled.
      note: Called with everything doubtful that was accepted, a sentence without names or values of a header.

    Returns:
      The lesions, sorted by lesion_id; the same files give the same set to the bit.

    Raises:
      ConfigError: No such source or check, or a source that does not go with `annotations`.
      DataError: Names all files and lines of the csv that are wrong, and what to do.
    """
    review = Review(accept)
    chosen, marks = _choose(source, annotations, tags, review)
    names = None
    if "label" in chosen.columns:
        with review.collected():
            names = order_classes(((mark.where, mark.values["label"]) for mark in marks), class_names)
    found: list[tuple[RawLesion, tuple[float, float]]] = []
    # Of whole images, which go as soon as their lesions are cut: two lesions of one image have different patches.
    seen: dict[str, Seen] = {}
    with review.collected():
        for raw in chosen.read(input_dir, marks, progress or (lambda done, total: None)):
            with review.collected():
                found.append(_cut(raw))
                if raw.name not in seen:
                    seen[raw.name] = Seen(image_digest(raw.image.pixels), signature(raw.image.pixels))
                    for doubt in raw.image.doubts:
                        review.doubt(doubt)
    raws = [raw for raw, _ in found]
    if not found:
        review.check()
        raise DataError(f"--input {input_dir} holds nothing for the source {chosen.name}; name another folder.")
    _check_once(raws, review)
    if "label" not in chosen.columns:
        with review.collected():
            names = order_classes(((raw.where, raw.label) for raw in raws), class_names)
    _check_one_unit(raws, review)
    for raw, center in found:
        if doubt := implausible(raw, center):
            review.doubt(doubt)
    check_patients(raws, seen, review)
    review.check()
    assert names is not None
    for told in review.notes(_log.warning):
        note(told)
    salt = hashlib.sha256("\n".join(sorted({_salt(raw) for raw in raws})).encode()).hexdigest()
    first = raws[0].image
    lesions = [_lesion(raw, center, names, salt) for raw, center in found]
    return LesionSet.of(lesions, names, first.unit, first.value_range, read_record(input_dir))


def _choose(name: str, annotations: Path | None, tags: Sequence[str], mistakes: Mistakes) -> tuple[Source, list[Mark]]:
    if name not in (AUTO, *SOURCES):
        raise ConfigError(f"--source is {name!r}; choose one of {', '.join((AUTO, *SOURCES))}.")
    offered = list(SOURCES.values()) if name == AUTO else [SOURCES[name]]
    if annotations is not None:
        if with_csv := [source for source in offered if source.columns]:
            return load_marks(annotations, with_csv, mistakes, tags)
        raise ConfigError(f"--source {name} takes no csv of marks; leave --annotations out.")
    if tags:
        raise ConfigError(f"--tags names {tags[0]}, a column of a csv, but there is no --annotations; leave it out.")
    if name == AUTO:
        without = [source.name for source in offered if not source.columns]
        instead = f", or a source that takes none with --source: {', '.join(without)}" if without else ""
        raise ConfigError(f"--annotations is missing; name the csv of marks{instead}.")
    if columns := SOURCES[name].columns:
        raise ConfigError(f"--annotations is missing; --source {name} takes a csv with {', '.join(columns)}.")
    return SOURCES[name], []


def _cut(raw: RawLesion) -> tuple[RawLesion, tuple[float, float]]:
    """The lesion with its patch in place of the whole image, which may go, and its centre in the patch."""
    image = raw.image
    rows, columns = image.pixels.shape
    for name, value, size in (("row", raw.row, rows), ("column", raw.column, columns)):
        if not 0 <= value <= size - 1:
            raise DataError(
                f"{raw.where}: {name} {value:g} lies outside {raw.path} of {rows} x {columns} pixels; "
                "it is counted from 0, in pixels."
            )
    width_mm = min(rows * image.spacing_mm[0], columns * image.spacing_mm[1])
    if raw.diameter_mm > width_mm and not image.reflected:
        raise DataError(
            f"{raw.where}: diameter_mm {raw.diameter_mm:g} is more than the {width_mm:.0f} mm of {raw.path}; "
            "give it in mm."
        )
    half = half_side(raw.diameter_mm, image.spacing_mm)
    patch, center = cut_patch(image.pixels, raw.row, raw.column, half, reflected=image.reflected)
    return dataclasses.replace(raw, image=dataclasses.replace(image, pixels=patch)), center


def _lesion(raw: RawLesion, center: tuple[float, float], class_names: Sequence[str], salt: str) -> Lesion:
    # float32, as the dataset stores them: what is read back is what was made.
    diameter, *numbers = (float(np.float32(value)) for value in (raw.diameter_mm, *raw.image.spacing_mm, *center))
    return Lesion(
        lesion_id=_hash(salt, "lesion", raw.name, repr(raw.row), repr(raw.column)),
        patient=_hash(salt, "patient", raw.image.patient),
        label=class_names.index(raw.label),
        diameter_mm=diameter,
        spacing_mm=(numbers[0], numbers[1]),
        center=(numbers[2], numbers[3]),
        patch=raw.image.pixels,
        tags=dict(raw.tags),
    )


def _check_once(found: Sequence[RawLesion], mistakes: Mistakes) -> None:
    first: dict[tuple[str, float, float], RawLesion] = {}
    for raw in found:
        same = first.setdefault((raw.name, raw.row, raw.column), raw)
        if same is not raw:
            mistakes.add(f"{raw.where}: this lesion is already marked in {same.where}; remove one of them.")


def _check_one_unit(found: Sequence[RawLesion], mistakes: Mistakes) -> None:
    first, *others = found
    kind = first.image.unit, first.image.value_range
    for raw in others:
        if (raw.image.unit, raw.image.value_range) != kind:
            mistakes.add(
                f"{raw.where}: {raw.path} holds {_pixels_of(raw)}, but {first.path} {_pixels_of(first)}; "
                "a dataset has one unit, so store all images alike or build two datasets."
            )


def _pixels_of(raw: RawLesion) -> str:
    title, stated = UNITS[raw.image.unit].title, raw.image.value_range
    return f"{title} from {stated[0]:g} to {stated[1]:g}" if stated else title


def _salt(raw: RawLesion) -> str:
    return raw.salt or f"{raw.name}\0{raw.image.patient}"


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_HASH_DIGITS]
