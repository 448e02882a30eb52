"""What a build would make of its input, for people."""

from collections import Counter

from lesion_jax.data.overview import folds_text, lesions_text
from lesion_jax.data.preflight import Preflight
from lesion_jax.errors import FoldError
from lesion_jax.sources.review import CHECKS

_MOST_SHOWN = 10


def preflight_text(found: Preflight, num_folds: int) -> str:
    """All that a preflight found but the mistakes themselves, which are counted.

    Args:
      found: What was found.
      num_folds: Folds that were asked for.
    """
    parts = ["Dry run: no dataset is written."]
    if found.lesion_set is None:
        parts.append("No lesion can be read.")
    else:
        parts += [lesions_text(found.lesion_set), *_folds(found, num_folds), _passed_over(found)]
        parts.append(_pairs("pairs of ROIs look the same, across patients or classes", found.alike))
        if found.has_marks:
            parts.append(_pairs("pairs of marks in one image may be of one lesion", found.overlapping))
    return "\n".join([*parts, *_wrong(found)])


def _folds(found: Preflight, num_folds: int) -> list[str]:
    lesions, folds = found.lesion_set, found.folds
    assert lesions is not None
    if folds is None:
        return []
    patients = {
        name: len({x.patient for x in lesions.lesions if x.label == label})
        for label, name in enumerate(lesions.class_names)
    }
    smallest = min(patients, key=patients.__getitem__)
    told = f"smallest class: {smallest}, {patients[smallest]} patients for {num_folds} folds"
    if isinstance(folds, FoldError):
        return [f"{told}; there can be no such folds: {folds}"]
    return [f"{told}, about {patients[smallest] / num_folds:.1f} to test on in each", folds_text(lesions, folds)]


def _passed_over(found: Preflight) -> str:
    lines = []
    if found.num_files:
        lines.append(f"{found.num_unused} of {found.num_files} files below --input hold no lesion that was read")
    found.reading.review.notes(lines.append)
    return "\n".join(["passed over, or taken as it is:", *(f"  {line}" for line in lines or ["nothing"])])


def _pairs(title: str, each: list[str]) -> str:
    more = [f"... and {len(each) - _MOST_SHOWN} more"] if len(each) > _MOST_SHOWN else []
    return "\n".join([f"{len(each)} {title}", *(f"  {line}" for line in (*each[:_MOST_SHOWN], *more))])


def _wrong(found: Preflight) -> list[str]:
    mistakes = found.reading.review.found
    if not mistakes:
        return ["nothing is wrong"]
    rows = {row for mistake in mistakes for row in mistake.rows}
    counts = Counter(mistake.check for mistake in mistakes)
    lines = [f"{len(mistakes)} mistakes in {len(rows)} rows would end the build:"]
    for check, count in counts.most_common():
        title = f"{CHECKS[check].title} (--accept={check} takes them as they are)" if check else "others"
        lines.append(f"  {count} {title}")
    return lines
