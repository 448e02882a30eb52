"""One partition by patient, made once, stored beside the dataset and used by every method.

The paper uses one 3-fold partition, "by patient, class-balanced", for everything, and no
validation set: its sizes were chosen on the test folds. Here each test fold also carries inner
validation patients, a quarter of its training patients (more where a class has fewer than four), to choose on
instead.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from lesion_jax.core.types import Lesion, LesionSet
from lesion_jax.data.subset import take_patients
from lesion_jax.disk.atomic import write_json
from lesion_jax.errors import FoldError

_INNER_SPLITS = 4
# The splitter is greedy: a shuffle may leave a fold without a rare class. Then the next one is taken.
_SHUFFLES = 64
# In place of a fold, of patients who are never tested on.
ALWAYS_TRAINED = -1


@dataclasses.dataclass(frozen=True)
class Folds:
    """A partition of patients.

    Attributes:
      num_folds: Number of test folds.
      seed: Seed of the shuffles.
      fold_of: Test fold of every patient, or `ALWAYS_TRAINED`.
      inner: For each test fold, the patients among its training patients that are held out to
        choose checkpoints and sizes on; empty where a class has too few training patients.
      dataset_fingerprint: Fingerprint of the lesion set that was partitioned.
      fingerprint: Digest of all of the above.
    """

    num_folds: int
    seed: int
    fold_of: dict[str, int]
    inner: tuple[frozenset[str], ...]
    dataset_fingerprint: str
    fingerprint: str


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """The lesions of one test fold's experiment, in the order of the dataset; no patient is in two parts."""

    train: tuple[Lesion, ...]
    inner: tuple[Lesion, ...]
    test: tuple[Lesion, ...]


def make_folds(lesions: LesionSet, num_folds: int, seed: int) -> Folds:
    """Partitions the patients, balancing the classes' numbers of lesions.

    Args:
      lesions: The dataset.
      num_folds: At least 2.
      seed: Seed of the shuffles.

    Raises:
      FoldError: A class has fewer patients than there are folds, or no shuffle puts every class in every fold.
    """
    if num_folds < 2:
        raise FoldError(f"num_folds is {num_folds}; cross-validation needs at least 2.")
    for label, name in enumerate(lesions.class_names):
        patients = {lesion.patient for lesion in lesions.lesions if lesion.label == label}
        if len(patients) < num_folds:
            raise FoldError(
                f"Class {name!r} has {len(patients)} patients, fewer than the {num_folds} folds; "
                "add patients, drop the class or ask for fewer folds."
            )
    parts = _partition(lesions.lesions, num_folds, (seed,))
    if parts is None:
        raise FoldError(
            f"None of {_SHUFFLES} shuffles puts every class into each of {num_folds} folds, because patients "
            "with several lesions cannot be divided; ask for fewer folds."
        )
    return folds_of(lesions, {patient: fold for fold, part in enumerate(parts) for patient in sorted(part)}, seed)


def folds_of(lesions: LesionSet, fold_of: Mapping[str, int], seed: int) -> Folds:
    """The partition that puts every patient into a given fold, with inner patients drawn for each.

    Args:
      lesions: The dataset.
      fold_of: Test fold of every patient, from 0 without a gap, or `ALWAYS_TRAINED`.
      seed: Seed of the inner patients.

    Raises:
      FoldError: A class has no lesion in some test fold, or none to train on.
    """
    num_folds = max(fold_of.values()) + 1
    inner = []
    for fold in range(num_folds):
        train = [lesion for lesion in lesions.lesions if fold_of[lesion.patient] != fold]
        test = [lesion for lesion in lesions.lesions if fold_of[lesion.patient] == fold]
        for name, side in (("to train on", train), ("to test on", test)):
            if absent := set(range(lesions.num_classes)) - {lesion.label for lesion in side}:
                raise FoldError(f"Fold {fold} has no lesion of {lesions.class_names[min(absent)]} {name}.")
        inner.append(inner_patients(train, (seed, fold)))
    unsigned = Folds(num_folds, seed, dict(fold_of), tuple(inner), lesions.fingerprint, "")
    return dataclasses.replace(unsigned, fingerprint=_fingerprint(unsigned))


def inner_patients(train: Sequence[Lesion], seed: tuple[int, ...]) -> frozenset[str]:
    """Validation patients among those to train on; none where a class has fewer than two patients.

    Args:
      train: Lesions of all patients to train on.
      seed: Which patients.
    """
    scarcest = min(len({x.patient for x in train if x.label == label}) for label in {x.label for x in train})
    held_out = _partition(train, min(_INNER_SPLITS, scarcest), seed) if scarcest >= 2 else None
    return held_out[0] if held_out else frozenset()


def _partition(lesions: Sequence[Lesion], num_parts: int, seed: tuple[int, ...]) -> list[frozenset[str]] | None:
    # Takes a second to import, and only making folds needs it, not every run.
    from sklearn.model_selection import StratifiedGroupKFold

    patients = np.array([lesion.patient for lesion in lesions])
    labels = np.array([lesion.label for lesion in lesions])
    for state in np.random.SeedSequence(seed).generate_state(_SHUFFLES):
        splitter = StratifiedGroupKFold(num_parts, shuffle=True, random_state=int(state))
        parts = [part for _, part in splitter.split(labels, labels, patients)]
        if all(set(labels[part]) == set(labels) for part in parts):
            return [frozenset(patients[part].tolist()) for part in parts]
    return None


def split(
    lesions: LesionSet,
    folds: Folds,
    fold: int,
    *,
    hold_out_inner: bool,
    per_class: Sequence[int] = (),
    subset: int = 0,
) -> Split:
    """The lesions to train on, to choose on and to test on.

    Args:
      lesions: The dataset that `folds` partitions.
      folds: The partition.
      fold: Test fold.
      hold_out_inner: Whether the inner validation patients leave the training part; False
        trains on all other folds, as the paper did, and leaves `inner` empty.
      per_class: See `subset.take_patients`; () takes all that are not tested on.
      subset: Which patients those are.

    Raises:
      FoldError: No such fold, no inner patients to hold out, or a patient would be in two parts.
      ConfigError: See `subset.take_patients`.
    """
    if not 0 <= fold < folds.num_folds:
        raise FoldError(f"Fold {fold} does not exist; the partition has folds 0 to {folds.num_folds - 1}.")
    rest = tuple(x for x in lesions.lesions if folds.fold_of[x.patient] != fold)
    inner = folds.inner[fold]
    if per_class:
        rest = take_patients(rest, per_class, lesions.class_names, subset)
        inner = inner_patients(rest, (folds.seed, fold, subset)) if hold_out_inner else frozenset()
    held_out = inner if hold_out_inner else frozenset()
    if hold_out_inner and not held_out:
        raise FoldError(
            f"Fold {fold} has no inner validation patients, because a class has too few training patients; "
            "add patients or set data.hold_out_inner to False."
        )
    found = Split(
        train=tuple(x for x in rest if x.patient not in held_out),
        inner=tuple(x for x in lesions.lesions if x.patient in held_out),
        test=tuple(x for x in lesions.lesions if folds.fold_of[x.patient] == fold),
    )
    sides = [{x.patient for x in part} for part in (found.train, found.inner, found.test)]
    if shared := (sides[0] & sides[1]) | (sides[0] & sides[2]) | (sides[1] & sides[2]):
        raise FoldError(f"Fold {fold}: patient {min(shared)} is in two parts of the split; make the folds again.")
    return found


def train_fingerprint(lesions: Iterable[Lesion]) -> str:
    """Digest of the set of patients that a model has seen; the same for any order, class or number of their lesions."""
    return hashlib.sha256("\n".join(sorted({lesion.patient for lesion in lesions})).encode()).hexdigest()


def save_folds(folds: Folds, path: Path) -> None:
    """Writes the partition as JSON; a reader sees the old file or the whole new one."""
    write_json(path, {**_content(folds), "fingerprint": folds.fingerprint})


def load_folds(path: Path, lesions: LesionSet) -> Folds:
    """Reads a partition and checks that it is whole and belongs to the dataset.

    Args:
      path: Written by `save_folds`.
      lesions: The dataset.

    Raises:
      FoldError: No such file, an unreadable or changed one, or one of another dataset.
    """
    try:
        content = json.loads(path.read_text())
        folds = Folds(
            num_folds=content["num_folds"],
            seed=content["seed"],
            fold_of=content["fold_of"],
            inner=tuple(frozenset(patients) for patients in content["inner"]),
            dataset_fingerprint=content["dataset_fingerprint"],
            fingerprint=content["fingerprint"],
        )
    except FileNotFoundError:
        raise FoldError(f"{path} does not exist; run `lesion-jax build` to make dataset and folds.") from None
    except OSError as error:
        raise FoldError(
            f"{path} cannot be read ({error.strerror or error}); make it readable or run `lesion-jax build` again."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise FoldError(f"{path} is not a partition ({error!r}); run `lesion-jax build` again.") from None
    if folds.fingerprint != _fingerprint(folds):
        raise FoldError(f"{path} was changed after it was made; restore it or run `lesion-jax build` again.")
    if folds.dataset_fingerprint != lesions.fingerprint:
        raise FoldError(
            f"{path} partitions dataset {folds.dataset_fingerprint[:12]}, but the dataset beside it is "
            f"{lesions.fingerprint[:12]}; run `lesion-jax build` again."
        )
    return folds


def _content(folds: Folds) -> dict:
    return {
        "num_folds": folds.num_folds,
        "seed": folds.seed,
        "dataset_fingerprint": folds.dataset_fingerprint,
        "fold_of": dict(sorted(folds.fold_of.items())),
        "inner": [sorted(patients) for patients in folds.inner],
    }


def _fingerprint(folds: Folds) -> str:
    return hashlib.sha256(json.dumps(_content(folds), sort_keys=True).encode()).hexdigest()
