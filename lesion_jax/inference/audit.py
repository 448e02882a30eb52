"""Everything that is known of a bank before anybody trains on it, and in one sentence whether it is broken."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lesion_jax.metrics.collapse import alike_classes
from lesion_jax.metrics.copies import find_copies
from lesion_jax.metrics.images import GENERATOR_METRICS, NUM_SCORED, Ranges, compare, name_classes
from lesion_jax.metrics.label_audit import audit_labels
from lesion_jax.metrics.leaks import find_leaks
from lesion_jax.metrics.sample import Sample
from lesion_jax.metrics.titles import in_sentence

# Verdicts of `audit_labels` after which nobody should train on the labels.
_WRONG_LABELS = ("swapped", "wrong", "meaningless")
# Metrics beyond what chance makes of real images, from which on it is said: with ten of them one is, of a good bank.
_MIN_BEYOND = 2
# Raise it when an audit may say something else of the same bank: kept ones are then done again.
RULE = 2
# How that warning begins.
FARTHER = "it is farther from real lesions"


def audit_bank(
    bank: Sample,
    train: Sample,
    held_out: Sample,
    class_names: Sequence[str],
    *,
    views: np.ndarray | None = None,
    ranges: Ranges | None = None,
    made_of_lesions: bool = False,
) -> dict[str, Any]:
    """Judges a bank by metrics, labels, copies and leaks, each beside real images; deterministic, some ten seconds.

    Of a large bank the first 256 images are judged, in the proportions of the held-out lesions' classes. Where it lacks
    classes, metrics and leaks are of those lesions whose classes it has.

    Args:
      bank: Synthetic images with their labels.
      train: Original images of the lesions that the generator was trained on, with patients.
      held_out: Original images of other patients' lesions.
      class_names: One name per label.
      views: Wider crops of the training lesions, to find copies with; see `nearest_lesions`.
      ranges: See `compare`; they serve all banks of one fold.
      made_of_lesions: Whether the images show training lesions by intent, as pasted ones do: copies are no fault then.

    Returns:
      A plain dict: "num_bank", "num_judged", "num_train" and "num_held_out", of the bank's classes; "metrics" (what
      `compare` returns, with class names, and "floor_range"); "labels" (`audit_labels`), "copies" (`find_copies`,
      indices into the bank and `train`), "leaks" (`find_leaks`); "broken": list of "not lesions", "collapsed", "wrong
      labels", "copies", empty for a bank in order; "warnings": list of clauses; "sentence": all of it for the first
      line of a report.
    """
    chosen = judged(bank.labels, held_out.labels)
    some = bank[chosen]
    here, there = (side[np.isin(side.labels, some.labels)] for side in (held_out, train))
    compared = compare(some, here, others=there, ranges=ranges)
    labels = audit_labels(some, train, held_out, class_names)
    copies = find_copies(some, train, held_out, views)
    copies["pairs"] = [{**pair, "image": int(chosen[pair["image"]])} for pair in copies["pairs"]]
    leaks = find_leaks(some, there, here)
    named = name_classes(compared, class_names)
    broken = _broken(compared["metrics"], class_names, train, labels, copies)
    if made_of_lesions:
        broken.pop("copies", None)
    warnings = [*_beyond_chance(named["metrics"], broken), *_warnings(labels, copies, leaks, broken)]
    return {
        "num_bank": len(bank),
        "num_judged": len(some),
        "num_train": len(there),
        "num_held_out": len(here),
        "metrics": named,
        "labels": labels,
        "copies": copies,
        "leaks": leaks,
        "broken": [*broken],
        "warnings": warnings,
        "sentence": _sentence(broken, warnings),
    }


def judged(labels: np.ndarray, real_labels: np.ndarray) -> np.ndarray:
    """int64: which images of a bank are judged: up to 256, the first of each class, in the proportions of real ones.

    A class that the real images lack is left out; a bank of one class is judged on that class alone.
    """
    known, shares = np.unique(real_labels[np.isin(real_labels, labels)], return_counts=True)
    available = np.array([(labels == label).sum() for label in known])
    total = min(NUM_SCORED, int((available / shares).min(initial=np.inf) * shares.sum())) if len(known) else 0
    counts = np.minimum(np.maximum((total * shares / max(shares.sum(), 1)).astype(int), 1), available)
    taken = [np.flatnonzero(labels == label)[:n] for label, n in zip(known, counts, strict=True)]
    return np.sort(np.concatenate(taken)) if taken else np.zeros(0, np.int64)


def _broken(
    metrics: Mapping[str, Any],
    class_names: Sequence[str],
    train: Sample,
    labels: Mapping[str, Any],
    copies: Mapping[str, Any],
) -> dict[str, str]:
    """{what is broken: why}, in the order in which it matters."""
    found: dict[str, str] = {}
    if unlike := _unlike_lesions(metrics, train):
        found["not lesions"] = f"its images are not lesions ({'; '.join(unlike)})"
    collapsed = alike_classes(metrics)
    if collapsed and "not lesions" not in found:
        told_as, shares = collapsed[0]
        alike = ", ".join(f"{class_names[label]} {share:.2f}" for label, share in shares.items())
        found["collapsed"] = f"its images are alike ({alike} of {told_as} of real ones, with 1.00 for as varied)"
    if labels["verdict"] in _WRONG_LABELS and "not lesions" not in found:
        found["wrong labels"] = labels["sentence"]
    if copies["copies"]:
        found["copies"] = (
            f"{100 * copies['share']:.0f} % of its images are copies of training lesions, and "
            f"{100 * copies['near_share']:.0f} % nearly so (of other patients' lesions {100 * copies['floor']:.0f} and "
            f"{100 * copies['near_floor']:.0f} %)"
        )
    return found


def _unlike_lesions(metrics: Mapping[str, Any], train: Sample) -> list[str]:
    """What every metric that could say so says against the images being lesions; [] where one of them does not."""
    found = []
    for name, row in GENERATOR_METRICS.items():
        if row.unlike_lesions is not None:
            score = metrics.get(name)
            clause = None if score is None else row.unlike_lesions(score, train)
            if clause is None:
                return []
            found.append(clause)
    return found


def _beyond_chance(metrics: Mapping[str, Any], broken: Mapping[str, str]) -> list[str]:
    """What is worse than real images were in any partition of the patients; [] where it may be by chance."""
    found = []
    for name, score in metrics.items():
        if score is None or "floor_range" not in score:
            continue
        row, (lowest, highest) = GENERATOR_METRICS[name], score["floor_range"]
        is_low = row.better == "lower"
        if score["value"] > highest if is_low else score["value"] < lowest:
            limit = f"{highest:.2f} at most" if is_low else f"{lowest:.2f} at least"
            found.append(f"{in_sentence(row.title)} {score['value']:.2f}, of real ones {limit}")
    if broken or len(found) < _MIN_BEYOND:
        return []
    return [f"{FARTHER} than they are from each other by chance ({'; '.join(found)})"]


def _warnings(
    labels: Mapping[str, Any], copies: Mapping[str, Any], leaks: Mapping[str, Any], broken: Mapping[str, str]
) -> list[str]:
    found = []
    if labels["verdict"] in ("weaker than real", "cannot tell"):
        found.append(labels["sentence"])
    if not broken and copies["c_t"] is not None and copies["c_t"] < -3:
        found.append(
            f"its images are nearer to the training lesions than other patients' are (C_T {copies['c_t']:.1f}), which "
            "soft images are too"
        )
    for name, leak in leaks.items():
        if leak is not None and leak["leaks"]:
            found.append(
                f"augmentation shows in it ({name}: {100 * leak['share']:.0f} % of the images, "
                f"{100 * leak['floor']:.0f} % of real ones)"
            )
    return found


def _sentence(broken: Mapping[str, str], warnings: Sequence[str]) -> str:
    if broken:
        return f"The bank is broken: {'; '.join(broken.values())}."
    return "Nothing is broken in the bank" + (f", but {'; '.join(warnings)}." if warnings else ".")
