"""From files and rows to marked lesions, and all that is wrong or doubtful with them."""

import dataclasses
import logging
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from lesion_jax.core.types import UNITS
from lesion_jax.errors import ConfigError, DataError
from lesion_jax.sources.base import Mark, Progress, RawLesion, Source
from lesion_jax.sources.burnt_in import looks_written_on
from lesion_jax.sources.classes import order_classes
from lesion_jax.sources.files import list_files
from lesion_jax.sources.grey_scale import parse_range
from lesion_jax.sources.labels import check_labels, class_of, parse_labels
from lesion_jax.sources.likeness import signature
from lesion_jax.sources.marks import load_marks
from lesion_jax.sources.patches import cut_patch, half_side
from lesion_jax.sources.patient_names import parse_pattern
from lesion_jax.sources.patients import Seen, check_patients, check_rois
from lesion_jax.sources.plausible import image_digest, implausible, implausible_field, implausible_sizes
from lesion_jax.sources.repeats import check_repeats
from lesion_jax.sources.review import Doubt, Mistakes, Review
from lesion_jax.sources.table import SOURCES

AUTO = "auto"
# Computed and digital radiography differ by the detector alone.
_RADIOGRAPHS = {"CR": "DX"}
# Of microscopes to those of nuclear medicine.
_PIXEL_MM = (0.005, 20.0)
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is to be read.

    Attributes:
      input: What the source reads: a tree of files, a folder.
      annotations: The csv of marks; None for a source that takes none.
      source: Key of `SOURCES`; "auto" takes the one whose columns the csv has, or without a csv the one that recognises
        its files.
      class_names: Order of the classes; () lets `order_classes` decide.
      tags: Columns of the csv that the dataset keeps, in lower case; those that a source gives itself it keeps anyway.
      accept: Keys of `review.CHECKS` that are overruled.
      labels: LABEL or LABEL=CLASS of all that are lesions, see `labels.parse_labels`; none takes all.
      patient: A regular expression of the part of a path that names the patient, see `patient_names.parse_pattern`;
        "" leaves it to the source.
      looks_for_text: Whether to look for text in pixels, which takes longer than to read them.
      grey_range: LOW,HIGH or LOW%,HIGH%, see `grey_scale.parse_range`; "" leaves it to the source.
    """

    input: Path
    annotations: Path | None = None
    source: str = AUTO
    class_names: Sequence[str] = ()
    tags: Sequence[str] = ()
    accept: Collection[str] = ()
    labels: Sequence[str] = ()
    grey_range: str = ""
    patient: str = ""
    looks_for_text: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Reading:
    """What was read.

    Attributes:
      found: The lesions that could be read, each with its patch as its image, and the (row, column) of its centre in
        the patch.
      class_names: Their classes in order; those of `found` in order of appearance where something is wrong with them.
      review: What is wrong and doubtful; a dataset may be made only where its `check` raises nothing.
      source: Title of the source that read it.
    """

    found: list[tuple[RawLesion, tuple[float, float]]]
    class_names: tuple[str, ...]
    review: Review
    source: str


def read_marked(asked: Asked, progress: Progress = lambda done, total: None) -> Reading:
    """Reads every marked lesion that can be read, and checks them.

    Args:
      asked: What to read.
      progress: Called as progress(done, total), counted in whatever the source counts.

    Raises:
      ConfigError: No such source or check, or a source that does not go with the csv.
      DataError: The csv cannot be read at all.
    """
    review, classes = Review(asked.accept), parse_labels(asked.labels)
    options = {}
    if asked.grey_range:
        options["grey_range"] = parse_range(asked.grey_range)
    if asked.patient:
        options["patient_of"] = parse_pattern(asked.patient)
    source, marks = _choose(asked, review)
    _check_options(asked, source, marks)
    names = None
    if "label" in source.columns:
        if classes:
            raise ConfigError(f"--labels does not go with --source {source.name}; its csv names the classes.")
        with review.collected():
            names = order_classes(((mark.where, mark.values["label"]) for mark in marks), asked.class_names)
    found: list[tuple[RawLesion, tuple[float, float]]] = []
    # Of whole images, which go as soon as their lesions are cut: two lesions of one image have different patches.
    seen: dict[str, Seen] = {}
    outlined: dict[str, None] = {}
    with review.collected():
        for raw in source.read(asked.input, marks, progress, **options):
            outlined[raw.label] = None
            with review.collected([raw.where]):
                if (label := class_of(raw.label, classes)) is not None:
                    found.append(_cut(dataclasses.replace(raw, label=label)))
                    if doubt := implausible_field(raw):
                        review.doubt(doubt, [raw.where])
                    if raw.name not in seen:
                        if asked.looks_for_text and _is_written_on(raw):
                            review.doubt(Doubt("written_on", f"{raw.path} seems to have text in its pixels"))
                        seen[raw.name] = Seen(image_digest(raw.image.pixels), signature(raw.image.pixels))
                # Also of what is left out: they may be of another mask, or of the file.
                for doubt in raw.image.doubts:
                    review.doubt(doubt, [raw.where] if "label" in source.columns else ())
    check_labels(classes, outlined, source, marks, review)
    raws = [raw for raw, _ in found]
    if not found:
        if not review.found:
            review.add(f"--input {asked.input} holds nothing for the source {source.name}; name another.")
        return Reading(found, (), review, source.title)
    check_repeats(raws, seen, review)
    if "label" not in source.columns:
        with review.collected():
            names = order_classes(((raw.where, raw.label) for raw in raws), asked.class_names)
    _check_one_unit(raws, review)
    if asked.grey_range and raws[0].image.unit == "HU":
        review.add(f"--grey_range is for other images than CT, but {raws[0].path} is CT; leave it out.")
    for raw, center in found:
        if doubt := implausible(raw, center):
            review.doubt(doubt, [raw.where])
    if doubt := implausible_sizes(raws):
        review.doubt(doubt)
    check_patients(raws, seen, review)
    check_rois(found, review)
    names = names or tuple(dict.fromkeys(raw.label for raw in raws))
    return Reading(found, names, review, source.title)


def _choose(asked: Asked, review: Review) -> tuple[Source, list[Mark]]:
    name = asked.source
    if name not in (AUTO, *SOURCES):
        raise ConfigError(f"--source is {name!r}; choose one of {', '.join((AUTO, *SOURCES))}.")
    offered = list(SOURCES.values()) if name == AUTO else [SOURCES[name]]
    if asked.annotations is not None:
        if with_csv := [source for source in offered if source.columns]:
            source, marks = load_marks(asked.annotations, with_csv, review, asked.tags)
            if name == AUTO and not source.needs_csv:
                _log.warning("%s is taken for the source %s by the columns of the csv.", asked.input, source.name)
            return source, marks
        raise ConfigError(f"--source {name} takes no csv of marks; leave --annotations out.")
    if asked.tags:
        raise ConfigError(
            f"--tags names {asked.tags[0]}, a column of a csv, but there is no --annotations; leave it out."
        )
    if name == AUTO:
        if recognised := _recognise(asked.input, offered):
            return recognised, []
        if not os.path.isfile(asked.input):
            # Refuses a folder that is not there, or that cannot be read.
            list_files(asked.input)
        without = [source.name for source in offered if not source.columns or not source.needs_csv]
        instead = f", or a source that takes none with --source: {', '.join(without)}" if without else ""
        told = [
            f". --source={one.name} fits, if {why}"
            for one in offered
            if one.suspect and (why := one.suspect(asked.input))
        ]
        raise ConfigError(f"--annotations is missing; name the csv of marks{instead}{''.join(told)}.")
    source = SOURCES[name]
    if source.columns and source.needs_csv:
        raise ConfigError(f"--annotations is missing; --source {name} takes a csv with {', '.join(source.columns)}.")
    return source, []


def _check_options(asked: Asked, source: Source, marks: Sequence[Mark]) -> None:
    if asked.grey_range and "grey_range" not in source.options:
        raise ConfigError(
            f"--grey_range does not go with --source {source.name}, whose numbers have a range; leave it."
        )
    if asked.patient and ("patient_of" not in source.options or marks):
        whose = "a csv, which names the patients" if marks else f"--source {source.name}, which names the patients"
        raise ConfigError(f"--patient does not go with {whose}; leave it out.")


def _recognise(folder: Path, offered: Sequence[Source]) -> Source | None:
    """The one source that finds its files in a folder, if there is one."""
    found = {source.name: why for source in offered if source.recognise and (why := source.recognise(folder))}
    if len(found) > 1:
        told = ", ".join(f"{name} ({why})" for name, why in found.items())
        raise ConfigError(f"--input {folder} may be meant for several sources: {told}; say with --source which.")
    for name, why in found.items():
        _log.warning("%s is taken for the source %s, since %s.", folder, name, why)
        return SOURCES[name]
    return None


def _is_written_on(raw: RawLesion) -> bool:
    return looks_written_on(raw.image.pixels if raw.image.full is None else raw.image.full)


def _cut(raw: RawLesion) -> tuple[RawLesion, tuple[float, float]]:
    """The lesion with its patch in place of the whole image, which may go, and its centre in the patch."""
    image = raw.image
    rows, columns = image.pixels.shape
    least, most = _PIXEL_MM
    if not (least <= min(image.spacing_mm) and max(image.spacing_mm) <= most):
        raise DataError(
            f"{raw.where}: pixels of {raw.path} are {image.spacing_mm[0]:g} x {image.spacing_mm[1]:g} mm apart; of a "
            f"body they are {least:g} to {most:g} mm: correct the spacing, or export the image again."
        )
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
            "a lesion is smaller: is it in mm, or what is outlined an organ?"
        )
    half = half_side(raw.diameter_mm, image.spacing_mm)
    patch, center = cut_patch(image.pixels, raw.row, raw.column, half, reflected=image.reflected)
    return dataclasses.replace(raw, image=dataclasses.replace(image, pixels=patch, full=None)), center


def _check_one_unit(found: Sequence[RawLesion], mistakes: Mistakes) -> None:
    first, *others = found
    kind = _kind(first)
    for raw in others:
        if _kind(raw) != kind:
            mistakes.add(
                f"{raw.where}: {raw.path} holds {_pixels_of(raw)}, but {first.path} {_pixels_of(first)}; "
                "a dataset has one unit and one modality, so store all images alike or build two datasets.",
                [raw.where],
            )


def _kind(raw: RawLesion) -> tuple[object, ...]:
    return raw.image.unit, raw.image.value_range, _RADIOGRAPHS.get(raw.image.modality, raw.image.modality)


def _pixels_of(raw: RawLesion) -> str:
    title, stated = UNITS[raw.image.unit].title, raw.image.value_range
    told = f"{title} from {stated[0]:g} to {stated[1]:g}" if stated else title
    return f"{told} of {raw.image.modality}" if raw.image.modality else told
