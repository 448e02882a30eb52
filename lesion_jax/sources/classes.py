"""Names of the classes, and their order."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from lesion_jax.sources.review import Mistakes

PAPER_CLASSES = ("cyst", "metastasis", "hemangioma")
# Cyrillic and Greek letters that are drawn as Latin ones (Unicode's confusables.txt, UTS 39), large or small.
_DRAWN_ALIKE = str.maketrans(
    "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425"
    "\u0430\u0435\u0455\u0456\u0458\u043e\u0440\u0441\u0443\u0445\u04bb\u0501\u051b\u051d\u04cf"
    "\u0432\u043a\u043c\u043d\u0442"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u03b1\u03b9\u03bd\u03bf\u03c1\u03c5\u0131",
    "ABESIJKMHOPCTYXaesijopcyxhdqwlbkmhtABEZHIKMNOPTYXaivopui",
)
# Accents that stand on another letter, as they come from another keyboard or are left away.
_ACCENTS = range(0x300, 0x370)
_LONGEST = 100
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
        elif len(label) > _LONGEST:
            text = f"{rows[0]}: label {label[:20]!a}... has {len(label)} characters; a name has up to {_LONGEST}."
            mistakes.add(text, rows)
        elif (other := alike.setdefault(as_read(label), label)) != label:
            mistakes.add(
                f"{rows[0]}: label {label!a} differs from {other!a} ({found[other][0]}) in case, spaces or invisible "
                "characters, accents, hyphens, zeros, or letters of another alphabet that look alike; write them in "
                "one way, or give two classes names that a reader can tell apart.",
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
    """What a reader takes in of a name: no case, no spaces, nothing that does not show, no alphabet."""
    text = unicodedata.normalize("NFKD", label).translate(_DRAWN_ALIKE).casefold().translate(_DRAWN_ALIKE)
    shown = (c for c in text if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc"))
    plain = "".join(c for c in shown if ord(c) not in _ACCENTS)
    # Programs write 1 as 1.0, spreadsheets 01 as 1.
    if re.fullmatch(r"\d+(\.0*)?", plain):
        digits = "".join(str(unicodedata.decimal(c)) for c in plain.partition(".")[0])
        return digits.lstrip("0") or "0"
    # Between numbers a hyphen counts.
    plain = plain.rstrip(".,;:") or plain
    return re.sub(r"(?<=[^\W\d_])[-_\u2010-\u2015]+(?=[^\W\d_])", "", plain)
