"""From what was read to a dataset's lesions: the one place where names become hashes.

What leaves the hospital of a header is the spacing and two salted hashes. The salt is made of all
the images' names, so a rebuild gives the same ids, and only who holds the originals can recompute them.
"""

import dataclasses
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from lesion_jax.core.types import Lesion, LesionSet
from lesion_jax.sources.base import Progress, RawLesion
from lesion_jax.sources.grey_scale import parse_range
from lesion_jax.sources.phantom.options import read_record
from lesion_jax.sources.reading import AUTO, Asked, Reading, read_marked

_HASH_DIGITS = 16
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Origin:
    """What a dataset was made of, without names or values of a file.

    Attributes:
      source: Title of the source.
      encodings: How many lesions' images were stored how, see `base.Slice`.
      notes: Everything doubtful that was accepted or only warned of, see `Review.notes`.
    """

    source: str
    encodings: Mapping[str, int] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_cohort(asked: Asked, progress: Progress | None = None) -> tuple[LesionSet, Origin]:
    """As `read_lesions`, with what the lesions were made of."""
    reading = read_marked(asked, progress or (lambda done, total: None))
    reading.review.check()
    notes = tuple(reading.review.notes(_log.warning))
    if asked.grey_range:
        notes = (*notes, f"--grey_range={parse_range(asked.grey_range)}")
    first = reading.found[0][0].image
    encodings = Counter(raw.image.encoding for raw, _ in reading.found if raw.image.encoding)
    lesions = LesionSet.of(
        to_lesions(reading), reading.class_names, first.unit, first.value_range, read_record(asked.input)
    )
    return lesions, Origin(reading.source, dict(encodings.most_common()), notes)


def read_lesions(
    input_dir: Path,
    annotations: Path | None = None,
    class_names: Sequence[str] | None = None,
    progress: Progress | None = None,
    *,
    source: str = AUTO,
    tags: Sequence[str] = (),
    labels: Sequence[str] = (),
    accept: Collection[str] = (),
    grey_range: str = "",
    patient: str = "",
    note: Callable[[str], None] = lambda text: None,
) -> LesionSet:
    """Reads every marked lesion, writing nothing.

    Args:
      input_dir: What the source reads: a tree of files, a folder.
      annotations: The csv of marks; None for a source that takes none.
      class_names: Order of the classes; None lets `order_classes` decide.
      progress: Called as progress(done, total), counted in whatever the source counts.
      source: Key of `SOURCES`; "auto" takes the one whose columns the csv has, or without a csv the one that recognises
        its files.
      tags: Columns of the csv that the dataset keeps, in lower case; those that a source gives itself it keeps anyway.
      labels: LABEL or LABEL=CLASS of all that are lesions, for a source that knows the labels itself; none takes all.
      accept: Keys of `review.CHECKS` that are overruled.
      grey_range: What becomes 0 and 1000 of grey values without a unit, see `grey_scale.parse_range`.
      patient: What of a path names the patient, see `patient_names.parse_pattern`.
      note: Called with everything doubtful that was accepted, a sentence without names or values of a header.

    Returns:
      The lesions, sorted by lesion_id; the same files give the same set to the bit.

    Raises:
      ConfigError: No such source or check, or a source that does not go with `annotations`.
      DataError: Names all files and lines of the csv that are wrong, and what to do.
    """
    asked = Asked(Path(input_dir), annotations, source, class_names or (), tags, accept, labels, grey_range, patient)
    lesions, origin = read_cohort(asked, progress)
    for told in origin.notes:
        note(told)
    return lesions


def to_lesions(reading: Reading) -> list[Lesion]:
    """The lesions that were read under their hashes, in the order of `reading.found`."""
    salts = sorted({_salt(raw) for raw, _ in reading.found})
    salt = hashlib.sha256(_bytes("\n".join(salts))).hexdigest()
    return [_lesion(raw, center, reading.class_names, salt) for raw, center in reading.found]


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


def _salt(raw: RawLesion) -> str:
    return raw.salt or f"{raw.name}\0{raw.image.patient}"


def _hash(*parts: str) -> str:
    return hashlib.sha256(_bytes("\0".join(parts))).hexdigest()[:_HASH_DIGITS]


def _bytes(text: str) -> bytes:
    # Of a file's name that is no UTF-8, as archives from Windows leave it, its own.
    return text.encode("utf-8", "surrogateescape")
