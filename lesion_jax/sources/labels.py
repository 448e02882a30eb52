"""Which labels of a source are lesions, and what their classes are called."""

import fnmatch
from collections.abc import Collection, Mapping, Sequence

from lesion_jax.errors import ConfigError
from lesion_jax.sources.base import Mark, Source
from lesion_jax.sources.review import Mistakes

_MOST_SHOWN = 40


def parse_labels(texts: Sequence[str]) -> dict[str, str | None]:
    """Class by label, of LABEL, which gives None, or LABEL=CLASS.

    Raises:
      ConfigError: One is empty, or a label is named twice.
    """
    classes: dict[str, str | None] = {}
    for text in texts:
        label, is_renamed, name = (part.strip() for part in text.partition("="))
        if not label or (is_renamed and not name):
            raise ConfigError(f"--labels has {text!r}; write LABEL or LABEL=CLASS.")
        if label in classes:
            raise ConfigError(f"--labels names {label!r} twice; name each label once.")
        classes[label] = name or None
    return classes


def class_of(label: str, classes: Mapping[str, str | None]) -> str | None:
    """Name of a label's class, or None if it is no lesion.

    Args:
      label: As the source has it.
      classes: From `parse_labels`; * in a label stands for anything, ? for one character. None takes every label.
    """
    if not classes:
        return label
    fitting = [label] if label in classes else [name for name in classes if fnmatch.fnmatchcase(label, name)]
    return (classes[fitting[0]] or label) if fitting else None


def check_labels(
    classes: Mapping[str, str | None], seen: Collection[str], source: Source, marks: Sequence[Mark], mistakes: Mistakes
) -> None:
    """Checks that what was asked for is there, and that organs are not taken for lesions unasked.

    Args:
      classes: From `parse_labels`.
      seen: All labels of the source, in the order of their appearance.
      source: Where they come from.
      marks: Rows of the csv.
      mistakes: Takes what is wrong.
    """
    listed = ", ".join(repr(label) for label in list(seen)[:_MOST_SHOWN])
    listed += f" and {len(seen) - _MOST_SHOWN} more" if len(seen) > _MOST_SHOWN else ""
    for label in classes:
        if seen and not any(class_of(one, {label: None}) for one in seen):
            mistakes.add(f"--labels names {label!r}, but what is outlined is {listed}; correct it or leave it out.")
    if source.outlines and not classes and len(seen) > 1 and not any("label" in mark.values for mark in marks):
        mistakes.add(
            f"What is outlined is {listed}: say with --labels which are lesions, and their classes if they have other "
            "names, as --labels=LABEL,LABEL=CLASS."
        )
