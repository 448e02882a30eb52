"""What a dataset holds, as text tables."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from lesion_jax.core.text_table import text_table
from lesion_jax.core.types import UNITS, Lesion, LesionSet
from lesion_jax.data.folds import ALWAYS_TRAINED, Folds

_MOST_VALUES = 12


def lesions_text(lesions: LesionSet) -> str:
    """Numbers, sizes and spacings of each class, and its lesions by each tag."""
    names = lesions.class_names
    groups = {name: [x for x in lesions.lesions if x.label == label] for label, name in enumerate(names)}
    if len(groups) > 1:
        # A class may be called "all", too.
        rows = [_row(name, some) for name, some in groups.items()] + [_row("(all)", lesions.lesions)]
    else:
        rows = [_row(name, some) for name, some in groups.items()]
    low, high = lesions.window
    header = ["class", "lesions", "patients", "diameter in mm: least, median, most", "mm between pixels"]
    parts = [f"pixels in {UNITS[lesions.unit].title}, shown from {low:g} to {high:g}", text_table(header, rows)]
    tags = dict.fromkeys(tag for lesion in lesions.lesions for tag in lesion.tags)
    return "\n".join([*parts, *(_tag_text(tag, groups) for tag in tags)])


def folds_text(lesions: LesionSet, folds: Folds) -> str:
    """Patients and test lesions of each fold, by class."""
    rows = []
    for fold in sorted(set(folds.fold_of.values())):
        some = [x for x in lesions.lesions if folds.fold_of[x.patient] == fold]
        counts = Counter(x.label for x in some)
        name = "never tested" if fold == ALWAYS_TRAINED else fold
        rows.append([name, len({x.patient for x in some}), *(counts[label] for label in range(lesions.num_classes))])
    return text_table(["test fold", "patients", *(f"lesions of {name}" for name in lesions.class_names)], rows)


def _row(name: str, some: Sequence[Lesion]) -> list[str | int]:
    patients = len({lesion.patient for lesion in some})
    if not some:
        return [name, 0, patients, "-", "-"]
    sizes = [lesion.diameter_mm for lesion in some]
    spacings = [spacing for lesion in some for spacing in lesion.spacing_mm]
    least, most = f"{min(spacings):.3g}", f"{max(spacings):.3g}"
    return [
        name,
        len(some),
        patients,
        f"{min(sizes):.1f}, {np.median(sizes):.1f}, {max(sizes):.1f}",
        least if least == most else f"{least} to {most}",
    ]


def _tag_text(tag: str, groups: dict[str, list[Lesion]]) -> str:
    # Of a training and a test set each: what differs between them is not seen in their sum.
    counts = {name: Counter(_valued(lesion, tag) for lesion in some) for name, some in groups.items()}
    values = [value for value, _ in sum(counts.values(), Counter()).most_common()]
    rows = [[value, *(counts[name][value] for name in groups)] for value in values[:_MOST_VALUES]]
    more = f"\n  ... and {len(values) - _MOST_VALUES} more values" if len(values) > _MOST_VALUES else ""
    return text_table([tag, *(f"lesions of {name}" for name in groups)], rows) + more


def _valued(lesion: Lesion, tag: str) -> str:
    value, split = lesion.tags.get(tag, "-"), lesion.tags.get("split")
    return value if split is None or tag == "split" else f"{value}, {split}"
