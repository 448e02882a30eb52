"""What is wrong or doubtful with an input, collected while it is read, so that one run tells all of it.

A mistake ends the build. A doubt is one of `CHECKS`: it ends the build too, unless the user who knows better accepts
the check by name; then, and where a check only warns, it becomes a note, which the dataset keeps.
"""

import contextlib
import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from lesion_jax.errors import ConfigError, DataError

_MOST_SHOWN = 50
_MOST_ROWS = 5
# What headers say beyond is no ratio.
_HIGHEST_RATIO = 1000.0


@dataclasses.dataclass(frozen=True)
class Check:
    """Something that is nearly always a mistake.

    Attributes:
      title: What was found, for the note, after a count.
      only_warns: Whether it never ends a build.
    """

    title: str
    only_warns: bool = False


CHECKS = {
    "air": Check("centres in air"),
    "range": Check("lesions among pixels that no body has"),
    "size": Check("lesions of too few pixels"),
    "mask": Check("images of two values, as masks have"),
    "flat": Check("lesions whose pixels are all of one value", only_warns=True),
    "field": Check("CT slices that are too small or too large for a body"),
    "patients": Check("signs that two patients are one"),
    "rescale_type": Check("slices whose numbers are not said to be Hounsfield units"),
    "alike": Check("images that look like another patient's"),
    "twice": Check("lesions that seem to be marked twice"),
    "labels": Check("images with two labels"),
    "localizer": Check("localizers among the slices"),
    "projection": Check("projections of several slices, such as of the highest values, among the slices"),
    "reformat": Check("slices that were computed from others, as reformats are", only_warns=True),
    "not_ct": Check("slices without air in files that do not say that they are CT"),
    "orientation": Check("volumes that do not say how the patient lies"),
    "voxels": Check("volumes that say in two ways how large voxels are"),
    "no_mask": Check("volumes without a mask, which are left out", only_warns=True),
    "empty": Check("masks that mark nothing"),
    "off_slice": Check("structures with contours that lie on no slice, which are left out"),
    "no_contours": Check("structures without closed contours, which are left out", only_warns=True),
    "beyond": Check("structures that reach beyond their slice, of which the part on it is taken", only_warns=True),
    "parts": Check("structures of several parts on a slice, of which the largest is taken", only_warns=True),
    "specks": Check("regions of masks of fewer than 4 pixels, which are left out", only_warns=True),
    "plane": Check("slices that are not axial"),
    "grey_scale": Check(
        "images of no CT, whose grey values 0 and 1000 are the 0.5th and 99.5th percentile of their series",
        only_warns=True,
    ),
    "grey_alone": Check(
        "images of no CT whose files name no series, whose grey values 0 and 1000 are percentiles of the image alone, "
        "so that brightness cannot be compared between them",
        only_warns=True,
    ),
    "suv": Check("images of PET, whose grey values 0 and 1000 are SUVbw 0 and 10", only_warns=True),
    "grey_range": Check("images of no CT, whose grey values 0 and 1000 are what --grey_range says", only_warns=True),
    "uptake": Check(
        "images of PET, whose grey values are no uptake values, since the headers lack what these take", only_warns=True
    ),
    "detector": Check("images whose distances are those at the detector, larger than the patient's", only_warns=True),
    "noisy": Check("lesions that DeepLesion calls possibly noisy, which are left out", only_warns=True),
    "no_type": Check("lesions without a type, which are left out", only_warns=True),
    "lossy": Check("slices that were compressed with loss", only_warns=True),
    "same_patient_id": Check("patients of the csv that share the one PatientID of all files", only_warns=True),
    "copies": Check("images that repeat another, and count as the same patient", only_warns=True),
    "no_patients": Check("images of which nothing says whose they are: each is a patient of its own", only_warns=True),
    "reduced": Check("images that were made smaller, to 128 pixels a side", only_warns=True),
    "transparent": Check("images that are transparent in part, of which all is taken", only_warns=True),
    "dark": Check("images of 16 bits that use less than a sixteenth of them", only_warns=True),
    "other_kind": Check("files that are no images of the kinds that are read, which are left out", only_warns=True),
    "halved": Check("images of 16 bits, of which the highest 15 are kept", only_warns=True),
    "colour": Check("coloured images, of which the luminance is taken", only_warns=True),
    "no_air": Check("large CT slices without air, where an offset of 1024 may be missing", only_warns=True),
    "burnt_in": Check("slices with text in their pixels by their headers", only_warns=True),
    "written_on": Check("images that seem to have text in their pixels: look at them", only_warns=True),
    "encoding": Check(
        "csv files in no Unicode, of which the letters are read as Western European: look at umlauts", only_warns=True
    ),
    "odd_files": Check("files with odd header values", only_warns=True),
    "links": Check(
        "links to folders that are read where they stand, or by another link, and not under this name", only_warns=True
    ),
    "unreadable": Check("files or folders that cannot be read, and that no row names", only_warns=True),
    "small": Check("datasets without a lesion of 10 mm, whose diameters may be in cm", only_warns=True),
}


@dataclasses.dataclass(frozen=True)
class Doubt:
    """What a source finds doubtful in an image that it could read.

    Attributes:
      check: Key of `CHECKS`.
      text: What was found and what to do, a sentence without the full stop; begins with the file.
      ratio: How many times smaller a compression with loss made it, for the note; 0 where nothing says.
    """

    check: str
    text: str
    ratio: float = 0.0


@dataclasses.dataclass(frozen=True)
class Mistake:
    """One thing that is wrong.

    Attributes:
      text: A sentence; begins with the row or the file.
      rows: The rows of the csv that it concerns, as `Mark.where` names them.
      check: The check that takes it where the user accepts it; "" where nothing does.
    """

    text: str
    rows: tuple[str, ...] = ()
    check: str = ""

    def __str__(self) -> str:
        """The sentence, and the rows that it does not name."""
        others = [row for row in self.rows if not re.search(rf"{re.escape(row)}(?!\d)", self.text)]
        if not others:
            return self.text
        # The csv is named once.
        shown = [re.sub(r"^.* (line \d+)$", r"\1", row, flags=re.DOTALL) for row in others[:_MOST_ROWS]]
        if others[0].removesuffix(shown[0]) not in self.text:
            shown[0] = others[0]
        more = f" and {len(others) - len(shown)} more" if len(others) > len(shown) else ""
        also = "also " if len(others) < len(self.rows) else ""
        return f"{self.text.removesuffix('.')} ({also}{', '.join(shown)}{more})."


class DataErrors(DataError):
    """Several mistakes in one input.

    Attributes:
      each: All of them.
    """

    def __init__(self, each: Sequence[Mistake]):
        """The first fifty become the message."""
        shown = "\n".join(map(str, each[:_MOST_SHOWN]))
        more = f"\n... and {len(each) - _MOST_SHOWN} more; --refusals=FILE.csv writes all" * (len(each) > _MOST_SHOWN)
        super().__init__(f"{len(each)} mistakes:\n{shown}{more}" if len(each) > 1 else shown)
        self.each = tuple(each)


class Mistakes:
    """Collects errors in the order of their discovery; none is lost, none is told twice."""

    def __init__(self) -> None:
        """Begins with none."""
        self._found: dict[str, Mistake] = {}

    @property
    def found(self) -> list[Mistake]:
        """Those until now."""
        return list(self._found.values())

    def add(self, text: str, rows: Iterable[str] = (), check: str = "") -> None:
        """Keeps a mistake, see `Mistake`; one that was told before gains the rows."""
        before = self._found[text].rows if text in self._found else ()
        self._found[text] = Mistake(text, tuple(dict.fromkeys((*before, *rows))), check)

    @contextlib.contextmanager
    def collected(self, rows: Collection[str] = ()) -> Iterator[None]:
        """Keeps a DataError that is raised within, and goes on.

        Args:
          rows: Rows of the csv that whatever is raised concerns, where it does not say so itself.
        """
        try:
            yield
        except DataErrors as error:
            for one in error.each:
                self.add(one.text, one.rows or rows, one.check)
        except DataError as error:
            self.add(str(error), rows)

    def check(self, untold: Iterable[Doubt] = ()) -> None:
        """Raises DataErrors if there are any.

        Args:
          untold: Doubts that no image is left to come with, since nothing was found: they say why.
        """
        untold = list(untold)
        for doubt in untold:
            if not CHECKS[doubt.check].only_warns:
                self.add(f"{doubt.text}.", (), doubt.check)
        for doubt in untold if not self._found else ():
            self.add(f"{doubt.text}.")
        if self._found:
            raise DataErrors(self.found)


class Review(Mistakes):
    """The mistakes and doubts of one build."""

    def __init__(self, accept: Collection[str] = ()):
        """Takes the checks that the user overrules.

        Raises:
          ConfigError: One of them is not in `CHECKS`, or needs no accepting.
        """
        super().__init__()
        can_be = [name for name, check in CHECKS.items() if not check.only_warns]
        if unknown := [name for name in accept if name not in can_be]:
            raise ConfigError(f"--accept has {unknown[0]!r}; choose among {', '.join(can_be)}.")
        self._accept = frozenset(accept)
        self._doubts: dict[tuple[str, str], Doubt] = {}

    def doubt(self, doubt: Doubt, rows: Iterable[str] = ()) -> None:
        """Keeps a doubt as a note or as a mistake; `rows` of the csv have it."""
        self._doubts.setdefault((doubt.check, doubt.text), doubt)
        if not self._takes(doubt):
            self.add(f"{doubt.text} (--accept={doubt.check} takes it as it is).", rows, doubt.check)

    def _takes(self, doubt: Doubt) -> bool:
        return CHECKS[doubt.check].only_warns or doubt.check in self._accept

    def notes(self, show: Callable[[str], None]) -> list[str]:
        """What was accepted or only warned of: counts, without a file's name or a header's value.

        Args:
          show: Called with each note and the first of its doubts, for the user's eyes.
        """
        found = []
        counts = Counter(doubt.check for doubt in self._doubts.values() if self._takes(doubt))
        for name, count in counts.items():
            note = f"{count} {CHECKS[name].title}{self._ratios(name, count)}"
            note += f", accepted by --accept={name}" if name in self._accept else ""
            found.append(note)
            first = next(doubt.text for doubt in self._doubts.values() if doubt.check == name)
            show(f"{note}; the first: {first}.")
        return found

    def _ratios(self, name: str, count: int) -> str:
        """How strongly images were compressed, in whole numbers, which are nobody's."""
        ratios = sorted(doubt.ratio for doubt in self._doubts.values() if doubt.check == name and doubt.ratio)
        if not ratios:
            return ""
        low, high = (f"{min(ratio, _HIGHEST_RATIO):.0f}" for ratio in (ratios[0], ratios[-1]))
        of = f" ({len(ratios)} of them say)" if len(ratios) < count else ""
        return f", {low if low == high else f'{low} to {high}'} : 1{of}"
