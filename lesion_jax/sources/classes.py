"""Names of the classes, and their order."""

import unicodedata
from collections.abc import Iterable, Sequence

from lesion_jax.sources.review import Mistakes

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
      DataErrors: All that is wrong: `wanted` lacks a class, has one that does not occur, or one twice; two names look
        alike; one has a line break, or shows nothing.
    """
    found: dict[str, list[str]] = {}
    for where, label in labelled:
        found.setdefault(label, []).append(where)
    mistakes, listed = Mistakes(), ",".join(wanted or ())
    alike: dict[str, str] = {}
    for label, rows in found.items():
        if any(unicodedata.category(c) in _NOT_IN_A_NAME for c in label):
            text = f"{rows[0]}: label {label!a} has a line break or a control character; write it in one line."
            mistakes.add(text, rows)
        elif not as_read(label):
            mistakes.add(f"{rows[0]}: label {label!a} shows nothing; write a name.", rows)
        elif (other := alike.setdefault(as_read(label), label)) != label:
            mistakes.add(
                f"{rows[0]}: label {label!a} differs from {other!a} ({found[other][0]}) in case, spaces or invisible "
                "characters only; write them alike, or give two classes names that a reader can tell apart.",
                rows,
            )
        elif wanted and label not in wanted:
            text = f"{rows[0]}: label {label!r} is not one of --class_names {listed}; correct it or add the class."
            mistakes.add(text, rows)
    if wanted and len(set(wanted)) != len(wanted):
        mistakes.add(f"--class_names {listed} names a class twice; name each once.")
    for name in dict.fromkeys(wanted or ()):
        if name not in found:
            mistakes.add(f"--class_names has {name!r}, but no lesion is labelled so; leave the class out.")
    mistakes.check()
    if wanted:
        return tuple(wanted)
    if all(name.isdecimal() for name in found):
        return tuple(sorted(found, key=int))
    return PAPER_CLASSES if set(found) == set(PAPER_CLASSES) else tuple(found)


def as_read(label: str) -> str:
    """What a reader takes in of a name: no case, no spaces, nothing that does not show."""
    text = unicodedata.normalize("NFKC", label).casefold()
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc"))
