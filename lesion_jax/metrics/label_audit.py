"""What do synthetic images show, whatever their labels say? Classifiers that saw real training patients alone tell."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from lesion_jax.data import draws
from lesion_jax.metrics.sample import Sample
from lesion_jax.metrics.transfer import fit_probabilities

_NUM_FOLDS = 5
_NUM_BOOTSTRAPS = 1000
# Of the rule that labels are swapped.
_SIGNIFICANCE = 0.01
# Shares of what real labels have above chance, below which labels mean nothing, and are wrong. On the phantom good
# banks had 0.9 to 1.1, GANs trained for minutes 0.4 to 1.1, swapped and noisy ones -0.4 to 0.5.
_MIN_MEANING, _MIN_RIGHT = 0.25, 0.5
# A bank has an error of its own, and the interval of real lesions that are all right has no width.
_MIN_DIFFERENCE = 0.05


def audit_labels(bank: Sample, train: Sample, held_out: Sample | None, class_names: Sequence[str]) -> dict[str, Any]:
    """Compares the labels of a bank with what out-of-fold classifiers see in its images.

    Classifiers: logistic regression on radiomic features, five folds by training patient, deterministic. Real lesions
    are answered for by classifiers that did not see their patient: training ones out of fold, held-out ones, like the
    bank, by the mean of all five.

    The verdict, by agreement (balanced over classes) of labels with what is seen:
      "one class": there is no other, so no label can be wrong.
      "cannot tell": the classifiers are not better than chance on real lesions (lower end of a 95 % interval over
        patients).
      "meaningless": no exchange of labels brings it to a quarter of what real labels have above chance.
      "swapped": some exchange of labels agrees better than the labels as they are (sign test over the images that the
        two judge differently, p below 0.01).
      "wrong": less than half of what real labels have above chance.
      "weaker than real": more than 0.05 below the interval of real lesions.
      "right": otherwise.

    Args:
      bank: Synthetic images with the labels in question.
      train: Original images of the training patients.
      held_out: Original images of other patients; None where there are none.
      class_names: One name per label.

    Returns:
      {"verdict", "sentence", "agreement", "floor", "floor_low", "floor_high" in [0, 1], "confusion" and
      "floor_confusion" (int lists [C, C], rows labels, columns what is seen), "num_bank", "num_real", "num_patients",
      "shows": {label: class that most of its images show}, "shown": int list [N], what each bank image shows}.
    """
    num_classes = len(class_names)
    bank_seen, train_seen, held_seen = out_of_fold_answers(bank, train, held_out, num_classes)
    shown = bank_seen.argmax(1)
    truth, seen, patients = train.labels, train_seen.argmax(1), train.patients
    if held_out is not None and held_seen is not None:
        truth = np.concatenate([truth, held_out.labels])
        seen = np.concatenate([seen, held_seen.argmax(1)])
        patients = np.concatenate([patients, held_out.patients + patients.max() + 1])
    ours, floor = _confusion(bank.labels, shown, num_classes), _confusion(truth, seen, num_classes)
    low, high = _interval(truth, seen, patients, num_classes)
    found = {
        "agreement": _agreement(ours),
        "floor": _agreement(floor),
        "floor_low": low,
        "floor_high": high,
        "confusion": ours.tolist(),
        "floor_confusion": floor.tolist(),
        "num_bank": len(bank),
        "num_real": len(truth),
        "num_patients": len(np.unique(patients)),
        "shows": {class_names[a]: class_names[int(row.argmax())] for a, row in enumerate(ours) if row.sum()},
        "shown": shown.tolist(),
    }
    return {**_verdict(found, ours, class_names), **found}


def out_of_fold_answers(
    bank: Sample, train: Sample, held_out: Sample | None, num_classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """What the classifiers of `audit_labels` say of images, none of them having seen the image's patient.

    Args:
      bank: N synthetic images.
      train: M original images of the training patients.
      held_out: K original images of other patients; None where there are none.
      num_classes: C.

    Returns:
      (float64 [N, C], [M, C], [K, C] or None): class probabilities; those of the bank and of held-out images are means
      over the classifiers of all folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    out_of_fold = np.zeros((len(train), num_classes))
    others = [bank.radiomics] + ([] if held_out is None else [held_out.radiomics])
    sums = [np.zeros((len(x), num_classes)) for x in others]
    # A rare class has few lesions; of one alone it warns, and that one is only ever answered for.
    num_folds = min(_NUM_FOLDS, max(2, int(np.unique(train.labels, return_counts=True)[1].min())))
    splitter = StratifiedGroupKFold(num_folds, shuffle=True, random_state=0)
    for fitted, left in splitter.split(train.labels, train.labels, train.patients):
        answers = fit_probabilities(
            train.radiomics[fitted],
            train.labels[fitted],
            train.radiomics[left],
            *others,
            num_classes=num_classes,
        )
        out_of_fold[left] = answers[0]
        for total, answer in zip(sums, answers[1:], strict=True):
            total += answer
    means = [total / num_folds for total in sums]
    return means[0], out_of_fold, None if held_out is None else means[1]


def _verdict(found: dict[str, Any], ours: np.ndarray, class_names: Sequence[str]) -> dict[str, str]:
    if len(class_names) == 1:
        return {"verdict": "one class", "sentence": "there is one class only, so no label can be wrong"}
    floor, low = found["floor"], found["floor_low"]
    chance = 1 / len(class_names)
    exchange = _best_exchange(ours)
    reached = (found["agreement"] - chance) / max(floor - chance, 1e-9)
    could_reach = (_agreement(ours[:, exchange]) - chance) / max(floor - chance, 1e-9)
    moved = ", ".join(f"{class_names[a]} for {class_names[b]}" for a, b in enumerate(exchange) if a != b)
    if low <= chance:
        verdict, words = "cannot tell", "cannot be audited"
    elif could_reach < _MIN_MEANING:
        verdict, words = "meaningless", "mean nothing"
    elif moved and _agrees_better(ours, exchange):
        verdict, words = "swapped", f"are swapped ({moved})"
    elif reached < _MIN_RIGHT:
        verdict, words = "wrong", "are wrong"
    elif found["agreement"] < low - _MIN_DIFFERENCE:
        verdict, words = "weaker than real", "hold less than those of real lesions"
    else:
        verdict, words = "right", "are right"
    sentence = (
        f"the labels {words}: classifiers of real lesions see what the label says in {100 * found['agreement']:.0f} % "
        f"of the images, and in {100 * floor:.0f} % of real lesions ({100 * low:.0f} to "
        f"{100 * found['floor_high']:.0f})"
    )
    return {"verdict": verdict, "sentence": sentence}


def _best_exchange(ours: np.ndarray) -> np.ndarray:
    """Int [C], for each label the class that it should have been, each class once, so that they agree best."""
    from scipy.optimize import linear_sum_assignment

    shares = ours / np.maximum(ours.sum(1, keepdims=True), 1)
    return linear_sum_assignment(-shares)[1]


def _agrees_better(ours: np.ndarray, exchange: np.ndarray) -> bool:
    """Sign test of an exchange of labels against the labels as they are."""
    moved = np.flatnonzero(exchange != np.arange(len(ours)))
    kept, exchanged = (int(ours[moved, to].sum()) for to in (moved, exchange[moved]))
    if not kept + exchanged:
        return False
    return bool(stats.binomtest(exchanged, kept + exchanged, alternative="greater").pvalue < _SIGNIFICANCE)


def _confusion(labels: np.ndarray, shown: np.ndarray, num_classes: int) -> np.ndarray:
    return np.bincount(labels * num_classes + shown, minlength=num_classes**2).reshape(num_classes, num_classes)


def _agreement(confusion: np.ndarray) -> float:
    """Mean over the classes that there are of the share on the diagonal."""
    total = confusion.sum(1)
    return float(np.mean(np.diag(confusion)[total > 0] / total[total > 0]))


def _interval(truth: np.ndarray, seen: np.ndarray, patients: np.ndarray, num_classes: int) -> tuple[float, float]:
    """95 % interval of the agreement of real lesions, by the bootstrap over patients."""
    known, index = np.unique(patients, return_inverse=True)
    per_patient = np.zeros((len(known), num_classes, num_classes))
    np.add.at(per_patient, (index.reshape(-1), truth, seen), 1)
    chosen = draws.uniform("label audit", count=_NUM_BOOTSTRAPS * len(known)).reshape(_NUM_BOOTSTRAPS, -1)
    totals = per_patient[(chosen * len(known)).astype(int)].sum(1)
    low, high = np.percentile([_agreement(total) for total in totals], (2.5, 97.5))
    return float(low), float(high)
