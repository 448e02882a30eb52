"""What a source is: how files of one kind become marked lesions. The rows stand in `lesion_jax.sources.SOURCES`."""

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from lesion_jax.errors import DataError
from lesion_jax.sources.review import Doubt

Progress = Callable[[int, int], None]


def parse_number(text: str) -> float:
    """The number that people and programs write so; Python's float takes 12_5 and digits of any alphabet, too.

    Raises:
      ValueError: It is none.
    """
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        raise ValueError(f"{text!r} is no number")
    return float(text)


@dataclasses.dataclass(frozen=True)
class Mark:
    """What marks a lesion: a row of a csv, or a region of a mask.

    Attributes:
      where: Path and line of the row, or the region, to begin a message with.
      values: Text by column, none of it empty: the source's columns, and those of its optional ones that the csv has.
      tags: Text of the columns that the dataset shall keep, none of it empty.
      decimal_comma: A number of the csv that has a decimal comma, and its line, for a message: all numbers must be
        written so then. "" where decimal points are meant.
    """

    where: str
    values: Mapping[str, str]
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    decimal_comma: str = ""

    def number(self, column: str, *, positive: bool = False) -> float:
        """The number in a column.

        Raises:
          DataError: It is none, or must be above 0 and is not.
        """
        text = self.values[column]
        if self.decimal_comma and "." in text:
            raise DataError(
                f"{self.where}: {column} is {text!r}, but {self.decimal_comma} has a decimal comma; write all numbers "
                "in one way."
            )
        try:
            value = parse_number(text.replace(",", ".") if self.decimal_comma else text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or (positive and value <= 0):
            must = ("number above 0" if positive else "number") + (", with a decimal point" if "," in text else "")
            raise DataError(f"{self.where}: {column} is {text!r}; it must be a {must}.")
        return value


@dataclasses.dataclass(frozen=True, eq=False)
class Slice:
    """One image as a source reads it.

    Attributes:
      pixels: int16 [R, C], in `unit`, rows and columns as the file stores them.
      spacing_mm: (row, column) distance between pixel centres, mm.
      patient: Whatever identifies the patient in the source; leaves this room as a salted hash only.
      unit: What the pixels are, a key of `core.types.UNITS`.
      value_range: (low, high) that such files can hold, in `unit`: the default window. None takes the unit's, which
        is right for CT and for 8 bits.
      reflected: Whether what lies beyond the image is its reflection; otherwise the edge's pixels are repeated.
      belongs: What the source knows that one patient's images alone can share, value by field, such as the UID of a
        study; leaves this room not at all.
      scanner: Maker and model of the scanner, where the source knows; leaves this room for the user's eyes only.
      modality: DICOM's code, such as "MR", and of PET whether the pixels are uptake values; a dataset has one. "" where
        the source does not know.
      encoding: How the pixels were stored and what decoded them, for the dataset's card; no word of it is a header's.
      doubts: What is doubtful about the image, for the user to decide.
      full: numeric [H, W], the image before it was made smaller, to look for text in; None where it was not.
    """

    pixels: np.ndarray
    spacing_mm: tuple[float, float]
    patient: str
    unit: str
    value_range: tuple[float, float] | None = None
    reflected: bool = False
    belongs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    scanner: str = ""
    modality: str = ""
    encoding: str = ""
    doubts: tuple[Doubt, ...] = ()
    full: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class RawLesion:
    """One lesion as a source reads it, with names that leave this room as salted hashes only.

    Attributes:
      where: Line of the csv, or the file, to begin a message with.
      path: File of the image, for messages.
      name: What names the image in the source, whatever the folder is called: a UID, a relative path.
      image: The slice.
      row: Row of the lesion's centre, 0-based pixel index of the image, sub-pixel.
      column: Its column, likewise.
      diameter_mm: Above 0.
      label: Name of the class.
      salt: Joins the salt of the hashes; only who holds the originals should know it. "" takes name and patient.
      tags: See `core.types.Lesion`; they leave this room as they are.
    """

    where: str
    path: Path
    name: str
    image: Slice
    row: float
    column: float
    diameter_mm: float
    label: str
    salt: str = ""
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Source:
    """One kind of input.

    Attributes:
      name: Key in `SOURCES`, and what --source takes.
      title: A few words for tables and messages, e.g. "DICOM slices".
      columns: Columns that the csv of marks must have. The first names the image: a csv that lacks others is taken
        for the source whose first column it has. Empty for a source that takes no csv and knows the labels itself.
      read: read(input, marks, progress) yields the lesions, image by image, so that one image is in memory at a time.
        `input` is what --input names, `marks` are the rows of the csv, none without `columns`; progress(done, total)
        may be called with any unit of work. Raises DataError, which names the file or the line and what to do; at the
        end where it can go on, with all that it found (`review.Mistakes`). Keyword arguments are `options`: grey_range,
        a `grey_scale.GreyRange`, is the range of numbers without a unit; patient_of gives the patient of a file by its
        path below the input (`patient_names.parse_pattern`); None leaves either to the source.
      optional: Columns that the csv may have; one that is there must be filled in every row.
      needs_csv: Whether a source with columns cannot do without.
      outlines: Whether it takes outlines, which may be of organs as well as of lesions: where there are several
        labels and no csv gives them, --labels must say which are lesions.
      options: Keyword arguments that `read` takes, of those below.
      recognise: Says by what it recognises its files below a folder, briefly, or None if there are none; for a source
        that takes none or can do without.
      suspect: Says what it would take a folder for that may be meant otherwise, or None; told, and not taken unasked.
      about: What the files and columns mean, for `lesion-jax build --help`.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    read: Callable[..., Iterable[RawLesion]]
    optional: tuple[str, ...] = ()
    needs_csv: bool = True
    outlines: bool = False
    options: tuple[str, ...] = ()
    recognise: Callable[[Path], str | None] | None = None
    suspect: Callable[[Path], str | None] | None = None
    about: str = ""
