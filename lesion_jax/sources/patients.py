"""Whether two patients are one: the same person on both sides of a fold makes every score too good."""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from lesion_jax.sources.base import RawLesion
from lesion_jax.sources.classes import as_read
from lesion_jax.sources.likeness import alike
from lesion_jax.sources.plausible import image_digest
from lesion_jax.sources.review import Doubt, Review
from lesion_jax.sources.surroundings import Surroundings, alike_surroundings, surroundings

PATIENT_ID = "PatientID"
PERSON = "PatientName with PatientBirthDate"
# A person has few; anonymisers give everybody one name.
_MOST_IDS = 3
# The part of a lesion's surroundings that is compared, and how many values make it somebody's.
_ROI_DIAMETERS, _LEAST_VALUES = 1.5, 16


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """What is kept of a whole image, which goes as soon as its lesions are cut.

    Attributes:
      digest: See `plausible.image_digest`.
      signature: See `likeness.signature`.
    """

    digest: str
    signature: np.ndarray


def check_patients(found: Sequence[RawLesion], seen: Mapping[str, Seen], review: Review) -> None:
    """Looks for names that look alike, and for images, studies and headers that two patients share.

    Args:
      found: All lesions.
      seen: What is known of every image, by `RawLesion.name`.
      review: Takes what is found.
    """
    _check_names(found, review)
    _check_belongs(found, review)
    _check_equal(found, seen, review)
    _check_alike(found, seen, review)


def _check_equal(found: Sequence[RawLesion], seen: Mapping[str, Seen], review: Review) -> None:
    first: dict[str, RawLesion] = {}
    labelled: dict[tuple[str, float, float], RawLesion] = {}
    for raw in found:
        same = labelled.setdefault((seen[raw.name].digest, raw.row, raw.column), raw)
        if same.label != raw.label:
            review.doubt(
                Doubt(
                    "labels",
                    f"{raw.where} is labelled {raw.label!r}, but {same.where}, the same place in the same image, "
                    f"{same.label!r}; correct one",
                ),
                [same.where, raw.where],
            )
        other = first.setdefault(seen[raw.name].digest, raw)
        if other.image.patient != raw.image.patient:
            review.add(
                f"{raw.where}: {raw.path} has the very pixels of {other.path}, which is another patient's "
                f"({other.where}); give both the same patient, or folds would share it.",
                [other.where, raw.where],
            )


def _check_alike(found: Sequence[RawLesion], seen: Mapping[str, Seen], review: Review) -> None:
    # One lesion of each image, but for equal images.
    ones = list({seen[raw.name].digest: raw for raw in found}.values())
    for i, j in alike([seen[raw.name].signature for raw in ones]):
        if ones[i].image.patient != ones[j].image.patient:
            text = (
                f"{ones[j].where}: {ones[j].path} looks like {ones[i].path}, which is another patient's "
                f"({ones[i].where}); if they are one, give both the same"
            )
            review.doubt(Doubt("alike", text), [ones[i].where, ones[j].where])


def check_rois(found: Sequence[tuple[RawLesion, tuple[float, float]]], review: Review) -> None:
    """Looks for a lesion under two patients, though their images differ: cropped, moved, rescaled or lossy copies.

    Args:
      found: Lesions with their patches, and their centres in these.
      review: Takes what is found.
    """
    first: dict[str, RawLesion] = {}
    raws, textures = [], []
    for raw, center in found:
        # Images that are lesions as a whole were compared.
        if raw.image.reflected:
            continue
        radius = raw.diameter_mm / 2 / math.sqrt(math.prod(raw.image.spacing_mm))
        if (texture := surroundings(raw.image.pixels, center, radius)) is not None:
            raws.append(raw)
            textures.append(texture)
        half = [math.ceil(_ROI_DIAMETERS / 2 * raw.diameter_mm / spacing) for spacing in raw.image.spacing_mm]
        rows, columns = (slice(round(at) - n, round(at) + n + 1) for at, n in zip(center, half, strict=True))
        pixels = raw.image.pixels[rows, columns]
        # A few grey values may be anybody's.
        if len(np.unique(pixels)) < _LEAST_VALUES:
            continue
        other = first.setdefault(image_digest(pixels), raw)
        if raw.image.patient != other.image.patient:
            text = (
                f"{raw.where}: the lesion in {raw.path} has the very pixels of that in {other.path}, which is another "
                f"patient's ({other.where}); if they are one, give both the same"
            )
            review.doubt(Doubt("alike", text), [other.where, raw.where])
    _check_surroundings(raws, textures, review)


def _check_surroundings(raws: Sequence[RawLesion], textures: Sequence[Surroundings], review: Review) -> None:
    told = {frozenset(mistake.rows) for mistake in review.found}
    for i, j in alike_surroundings(textures, [raw.image.patient for raw in raws]):
        one, other = raws[i], raws[j]
        # As whole images, or pixel for pixel, it was told before.
        if frozenset((one.where, other.where)) not in told:
            text = (
                f"{other.where}: what surrounds the lesion in {other.path} looks like that in {one.path}, which is "
                f"another patient's ({one.where}); if they are one, give both the same"
            )
            review.doubt(Doubt("alike", text), [one.where, other.where])


def _check_names(found: Sequence[RawLesion], review: Review) -> None:
    first: dict[str, RawLesion] = {}
    for raw in _first_of_each_patient(found):
        # A spreadsheet drops zeros that lead, and a program writes 7 as 7.0.
        plain = re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"^(\d+)\.0+$", r"\1", as_read(raw.image.patient)))
        # Between the parts of a name stands a caret, a comma or nothing.
        other = first.setdefault(re.sub(r"(?<=[^\W\d])[\W_]+(?=[^\W\d])", "", plain), raw)
        if other is not raw:
            review.doubt(
                Doubt(
                    "patients",
                    f"{raw.where}: the patient of {raw.path} differs from that of {other.path} ({other.where}) in "
                    "case, spaces, marks between names or leading zeros only; if they are one, write them alike in a "
                    "column `patient`",
                ),
                [other.where, raw.where],
            )


def _check_belongs(found: Sequence[RawLesion], review: Review) -> None:
    # Anonymised, as the documentation foresees: the csv's column is all there is.
    ids = {raw.image.belongs.get(PATIENT_ID) for raw in found}
    is_constant = len(ids) == 1 and None not in ids
    patients_of: dict[str, set[str]] = {}
    for raw in found:
        patients_of.setdefault(raw.image.belongs.get(PERSON, ""), set()).add(raw.image.patient)
    first: dict[tuple[str, str], RawLesion] = {}
    told: set[frozenset[str]] = set()
    for raw in found:
        for field, value in raw.image.belongs.items():
            other = first.setdefault((field, value), raw)
            if other.image.patient == raw.image.patient:
                continue
            if field == PERSON and len(patients_of[value]) > _MOST_IDS:
                continue
            check = "same_patient_id" if field == PATIENT_ID and is_constant else "patients"
            pair = frozenset((check, raw.image.patient, other.image.patient))
            if pair not in told:
                told.add(pair)
                text = (
                    f"{raw.where}: {raw.path} and {other.path} ({other.where}) have one {field}, but two patients; "
                    "give both the same in a column `patient`"
                )
                review.doubt(Doubt(check, text), [other.where, raw.where])


def _first_of_each_patient(found: Sequence[RawLesion]) -> list[RawLesion]:
    first: dict[str, RawLesion] = {}
    for raw in found:
        first.setdefault(raw.image.patient, raw)
    return list(first.values())
