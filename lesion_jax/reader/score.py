"""Scores of readers: the numbers of the paper's expert assessment, and of its Table III.

A share is {"value", "low", "high" in [0, 1], "n": images} with Wilson's 95 % interval, which takes images as
independent, though those of one patient or generator are not quite; and "majority": the share that one answer to all
images would get, the best one. It is None where there is no image, and majority is None where only one answer is right.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lesion_jax.metrics.classification import accuracy, confusion_matrix
from lesion_jax.reader.agreement import agreement
from lesion_jax.reader.answers import Answers
from lesion_jax.reader.key import SOURCES, Key

# Which images: all of them, and by source.
SUBSETS = ("all", *SOURCES)


def score_readers(key: Key, readers: Sequence[Answers]) -> dict[str, Any]:
    """Everything that is said of the readers.

    Args:
      key: The truth.
      readers: Their answers; what a reader did not answer is left out of that reader's scores, and of agreement.

    Returns:
      {"page", "class_names", "num_images": by subset; "readers": [see `_score`]; "agreement": {"source": see
      `agreement.agreement`, "class": likewise}}.
    """
    of_all = np.all([one.is_answered for one in readers], axis=0)
    names = [one.reader for one in readers]
    said = {"source": np.stack([r.source for r in readers]), "class": np.stack([r.labels for r in readers])}
    num_values = {"source": len(SOURCES), "class": len(key.class_names)}
    return {
        "page": key.page,
        "class_names": list(key.class_names),
        "num_images": {name: int(mask.sum()) for name, mask in _subsets(key).items()},
        "readers": [_score(key, one) for one in readers],
        "agreement": {what: agreement(said[what][:, of_all], names, num_values[what]) for what in said},
    }


def fooled(key: Key, readers: Sequence[Answers]) -> dict[str, list[tuple[int, int, int]]]:
    """The images whose source readers got wrong.

    Returns:
      For each source, (image, readers that were wrong, readers that answered), the most deceptive first.
    """
    answered = np.sum([one.is_answered for one in readers], axis=0)
    wrong = np.sum([one.is_answered & (one.source != key.source) for one in readers], axis=0)
    order = sorted(np.flatnonzero(wrong).tolist(), key=lambda image: (-wrong[image] / answered[image], -wrong[image]))
    return {
        name: [(image, int(wrong[image]), int(answered[image])) for image in order if key.source[image] == number]
        for number, name in enumerate(SOURCES)
    }


def _subsets(key: Key) -> dict[str, np.ndarray]:
    return {"all": np.ones(len(key), bool)} | {name: key.source == i for i, name in enumerate(SOURCES)}


def _score(key: Key, one: Answers) -> dict[str, Any]:
    """One reader: {"reader", "session", "num_answered", "seconds": median per image, "source", "class"}.

    A question is {"total": {subset: share}, "per_class": {subset: [share of each class]}, "confusion": {subset: counts,
    rows true}}; the source has a confusion of all images only, and "class" is None where there is one class.
    """
    sources, classes = len(SOURCES), len(key.class_names)
    masks = {name: mask & one.is_answered for name, mask in _subsets(key).items()}
    per_class = {name: [mask & (key.labels == label) for label in range(classes)] for name, mask in masks.items()}

    def question(truth: np.ndarray, said: np.ndarray, num: int) -> dict[str, Any]:
        return {
            "total": {name: _share(truth, said, mask, num) for name, mask in masks.items()},
            "per_class": {name: [_share(truth, said, mask, num) for mask in some] for name, some in per_class.items()},
            "confusion": {
                name: confusion_matrix(truth[mask], said[mask], num).tolist() for name, mask in masks.items()
            },
        }

    source = question(key.source, one.source, sources)
    source["confusion"] = {"all": source["confusion"]["all"]}
    return {
        "reader": one.reader,
        "session": one.session,
        "num_answered": int(one.is_answered.sum()),
        "seconds": float(np.median(one.seconds[one.is_answered])),
        "source": source,
        "class": question(key.labels, one.labels, classes) if classes > 1 else None,
    }


def _share(truth: np.ndarray, said: np.ndarray, mask: np.ndarray, num: int) -> dict[str, Any] | None:
    if not mask.any():
        return None
    counts = np.bincount(truth[mask], minlength=num)
    majority = float(counts.max() / counts.sum()) if np.count_nonzero(counts) > 1 else None
    return {**accuracy(confusion_matrix(truth[mask], said[mask], num))["total"], "majority": majority}
