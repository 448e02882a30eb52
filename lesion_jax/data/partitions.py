"""Other partitions of a dataset than the one beside it: repeated random ones, and those that a tag gives.

A partition is named by a text: "" is the dataset's own; "repeat:K" another random one of as many folds, K from 1;
"tag:NAME" has a fold for each value of a tag, in alphabetic order; "tag:NAME=VALUE" has one test fold, the lesions
with that value, and all others are always trained on: an independent test set, or one of another site.
"""

from collections import defaultdict
from collections.abc import Mapping

from lesion_jax.core.types import LesionSet
from lesion_jax.data.folds import ALWAYS_TRAINED, Folds, folds_of, make_folds
from lesion_jax.errors import FoldError


def make_partition(lesions: LesionSet, own: Folds | None, name: str) -> Folds:
    """The partition of a name.

    Args:
      lesions: The dataset.
      own: The partition beside it; None where there is none.
      name: See the module.

    Raises:
      FoldError: No such tag or value, a patient on two sides, or a class that a fold would lack.
    """
    kind, _, rest = name.partition(":")
    if kind == "tag":
        tag, _, value = rest.partition("=")
        return folds_of(lesions, _by_tag(lesions, tag, value), own.seed if own else 0)
    if own is None:
        splits = {lesion.tags.get("split") for lesion in lesions.lesions} - {None}
        way = "build it with some, or name a tag with data.partition='tag:NAME'"
        if "test" in splits:
            way = "name its test set with data.partition='tag:split=test' (in a study: scenarios.NAME.partition)"
        raise FoldError(f"The dataset has no folds of its own; {way}.")
    return make_folds(lesions, own.num_folds, own.seed + int(rest)) if kind == "repeat" else own


def _by_tag(lesions: LesionSet, tag: str, value: str) -> Mapping[str, int]:
    """Patient -> fold."""
    known = sorted({name for lesion in lesions.lesions for name in lesion.tags})
    if missing := [lesion for lesion in lesions.lesions if tag not in lesion.tags]:
        raise FoldError(
            f"{len(missing)} of {len(lesions.lesions)} lesions have no tag {tag!r} (the dataset keeps "
            f"{', '.join(known) or 'none'}); build it with --tags={tag}."
        )
    values = sorted({lesion.tags[tag] for lesion in lesions.lesions})
    if len(values) < 2 or (value and value not in values):
        wanted = f"no {tag} is {value!r}" if value and value not in values else f"every {tag} is {values[0]!r}"
        raise FoldError(f"The dataset cannot be divided: {wanted} (there are {', '.join(values)}).")
    found: dict[str, set[str]] = defaultdict(set)
    for lesion in lesions.lesions:
        found[lesion.patient].add(lesion.tags[tag])
    for patient, theirs in found.items():
        sides = {one == value for one in theirs} if value else theirs
        if len(sides) > 1:
            raise FoldError(
                f"Patient {patient} has lesions with {tag} {' and '.join(sorted(theirs))}, and would be trained and "
                "tested on; correct the csv."
            )
    if value:
        return {patient: 0 if value in theirs else ALWAYS_TRAINED for patient, theirs in found.items()}
    return {patient: values.index(min(theirs)) for patient, theirs in found.items()}
