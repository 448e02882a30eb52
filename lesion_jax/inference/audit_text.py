"""An audit as lines for a terminal."""

from collections.abc import Mapping
from typing import Any

from lesion_jax.inference.text import image_lines


def describe_audit(found: Mapping[str, Any]) -> str:
    """What `audit_files` returned, the sentence first."""
    labels, copies, names = found["labels"], found["copies"], found["class_names"]
    lines = [
        found["sentence"],
        "",
        f"{found['num_judged']} of {found['num_bank']} images of {', '.join(found['banks'])}, fold {found['fold']}, "
        f"against {found['num_held_out']} {found['part']} lesions",
        f"real: the same of {found['metrics']['num_floor']} of {found['num_train']} training lesions in the place of "
        "the bank; n: images of the bank that were taken",
    ]
    for name, score in found["metrics"]["metrics"].items():
        lines += image_lines(name, score)
    lines += ["", f"labels: {labels['verdict']}; rows: labels, columns: what the images show, {', '.join(names)}"]
    sides = zip(names, labels["confusion"], labels["floor_confusion"], strict=True)
    width = max(map(len, names))
    lines += [f"  {name:{width}}  bank {_counts(ours)}   real {_counts(real)}" for name, ours, real in sides]
    shares = [("ratio below 1/3", "share", "floor"), ("ratio below 1/2", "near_share", "near_floor")]
    lines += [
        "",
        f"copies: {'yes' if copies['copies'] else 'no'}; distance to the nearest over the second nearest lesion",
    ]
    lines += [
        f"  {title}: {100 * copies[ours]:.1f} % of the bank, {100 * copies[real]:.1f} % of held-out lesions"
        for title, ours, real in shares
    ]
    if copies["c_t"] is not None:
        lines.append(f"  C_T {copies['c_t']:.1f} (below -3: nearer to the training lesions than held-out ones are)")
    lines += ["", "leaks of augmentation, share of images in the bank and of real ones"]
    for name, leak in found["leaks"].items():
        if leak is None:
            lines.append(f"  {name}: real lesions have no such orientation")
        else:
            word = "leaks" if leak["leaks"] else "nothing"
            lines.append(f"  {name}: {100 * leak['share']:.0f} % and {100 * leak['floor']:.0f} %, {word}")
    return "\n".join(lines)


def _counts(row: list[int]) -> str:
    return " ".join(f"{count:4d}" for count in row)
