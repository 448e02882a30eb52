"""Names of the classes, and their order."""

import unicodedata
from collections.abc import Iterable, Sequence

from lesion_jax.errors import DataError

PAPER_CLASSES = ("cyst", "metastasis", "hemangioma")
# Control characters, separators of lines and paragraphs, halves of surrogate pairs.
_NOT_IN_A_NAME = ("Cc", "Zl", "Zp", "Cs")


def order_classes(labelled: Iterable[tuple[str, str]], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Orders the classes that occur.

    Args:
      labelled: (where, name of the class) of every lesion; `where` begins a message.
      wanted: The order; None takes cyst, metastasis, hemangioma where those are the names, the
        order of numbers where all are numbers, and that of first appearance otherwise.

    Raises:
      DataError: `wanted` lacks a class, has one that does not occur, or one twice; two names look alike; or
        one has a line break.
    """
    first: dict[str, str] = {}
    for where, label in labelled:
        first.setdefault(label, where)
    for label, where in first.items():
        if any(unicodedata.category(c) in _NOT_IN_A_NAME for c in label):
            raise DataError(f"{where}: label {label!a} has a line break or a control character; write it in one line.")
    alike: dict[str, str] = {}
    for label, where in first.items():
        if (other := alike.setdefault(as_read(label), label)) != label:
            raise DataError(
                f"{where}: label {label!a} differs from {other!a} ({first[other]}) in case, spaces or invisible "
                "characters only; write them alike, or give two classes names that a reader can tell apart."
            )
    if not wanted:
        if all(name.isdecimal() for name in first):
            return tuple(sorted(first, key=int))
        return PAPER_CLASSES if set(first) == set(PAPER_CLASSES) else tuple(first)
    listed = ",".join(wanted)
    if len(set(wanted)) != len(wanted):
        raise DataError(f"--class_names {listed} names a class twice; name each once.")
    for label, where in first.items():
        if label not in wanted:
            raise DataError(
                f"{where}: label {label!r} is not one of --class_names {listed}; correct it or add the class."
            )
    if unused := [name for name in wanted if name not in first]:
        raise DataError(f"--class_names has {unused[0]!r}, but no lesion is labelled so; leave the class out.")
    return tuple(wanted)


def as_read(label: str) -> str:
    """What a reader takes in of a name: no case, no spaces, nothing that does not show."""
    text = unicodedata.normalize("NFKC", label).casefold()
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc"))
