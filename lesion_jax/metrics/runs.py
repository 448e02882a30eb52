"""What one arm said of the same lesions, once for every retraining, and its file."""

import dataclasses
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lesion_jax.disk.atomic import replacing, writing
from lesion_jax.errors import DataError

_SCHEMA = "lesion_jax predictions 1"
# Probabilities are float32, and a softmax of theirs adds up to one within this.
_SUM_TOLERANCE = 1e-3
_DTYPES = {
    "probabilities": np.float32,
    "labels": np.int64,
    "cohort": np.int64,
    "partition": np.int64,
    "seed": np.int64,
    "folds": np.int64,
}


@dataclasses.dataclass(frozen=True, eq=False)
class Runs:
    """Predictions of one arm over its retrainings, a retraining being one network, or one for each fold.

    Two designs. Cross-validation of one cohort: a retraining is a (partition, seed), and each lesion is scored by the
    network that did not see its patient. Cohorts of training patients and one independent test set: a retraining is a
    (cohort, seed), and one network scores all lesions. A new partition for each seed costs nothing and lets the
    interval of a difference cover both.

    Attributes:
      probabilities: float32 [U, N, C]; every retraining scored all lesions.
      labels: int64 [N], the truth, in [0, C).
      patients: Hash of each lesion's patient; lesions of one patient are not independent.
      cohort: int64 [U], which training patients; all equal in cross-validation of one cohort.
      partition: int64 [U], which partition into folds, a row of `folds`; zeros where there are no folds.
      seed: int64 [U], seed of the training.
      folds: int64 [Q, N], for each partition the fold that each lesion was scored in; None for an independent test set.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    patients: tuple[str, ...]
    cohort: np.ndarray
    partition: np.ndarray
    seed: np.ndarray
    folds: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Converts to the types above, and refuses what does not fit together.

        Raises:
          DataError: Arrays of other shapes, probabilities that are none, labels or partitions out of range, a
            retraining that comes twice, or a patient in two folds of one partition.
        """
        for name, dtype in _DTYPES.items():
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, np.asarray(value, dtype))
        object.__setattr__(self, "patients", tuple(str(patient) for patient in self.patients))
        _check(self)

    @property
    def units(self) -> list[tuple[int, int, int]]:
        """(cohort, partition, seed) of each retraining."""
        return list(zip(self.cohort.tolist(), self.partition.tolist(), self.seed.tolist(), strict=True))

    def take(self, retrainings: Sequence[int] | np.ndarray) -> "Runs":
        """Some of the retrainings, by their indices, in the order given."""
        some = np.asarray(retrainings, np.int64)
        parts = {name: getattr(self, name)[some] for name in ("probabilities", "cohort", "partition", "seed")}
        return dataclasses.replace(self, **parts)

    def save(self, path: Path) -> None:
        """Writes the arrays as .npz, whole or not at all.

        Args:
          path: The file; its directory exists.

        Raises:
          DataError: The disk does not take it.
        """
        arrays = {name: getattr(self, name) for name in _DTYPES if getattr(self, name) is not None}
        with writing(path, what="Predictions", error=DataError), replacing(path) as file:
            np.savez_compressed(file, schema=np.array(_SCHEMA), patients=np.array(self.patients), **arrays)

    @classmethod
    def load(cls, path: Path) -> "Runs":
        """Reads what `save` wrote.

        Args:
          path: An .npz file.

        Raises:
          DataError: There is no such file, it is damaged, of another kind, or its arrays do not fit together.
        """
        try:
            # numpy leaves a file open that it opened itself and cannot read.
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except FileNotFoundError as error:
            raise DataError(f"There is no file of predictions {path}.") from error
        # numpy raises a different one of these for each way in which a file can be spoilt.
        except (
            OSError,
            ValueError,
            EOFError,
            KeyError,
            NotImplementedError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise DataError(f"{path} cannot be read as predictions ({error}); make it anew.") from error
        found = str(arrays.pop("schema", "none"))
        if found != _SCHEMA:
            raise DataError(f"{path} has the schema {found!r}, not {_SCHEMA!r}; make it anew with this version.")
        names = {field.name for field in dataclasses.fields(cls)}
        if lacking := names - {"folds"} - arrays.keys():
            raise DataError(f"{path} lacks {', '.join(sorted(lacking))}; make it anew.")
        try:
            return cls(**{name: array for name, array in arrays.items() if name in names})
        except (DataError, ValueError, TypeError) as error:
            raise DataError(f"{path}: {error}") from error


def _check(runs: Runs) -> None:
    shape = runs.probabilities.shape
    if len(shape) != 3 or 0 in shape:
        raise DataError(f"probabilities must be [retrainings, lesions, classes] and not empty, got {list(shape)}.")
    num_runs, num_lesions, num_classes = shape
    for name, wanted in (
        ("labels", (num_lesions,)),
        ("patients", (num_lesions,)),
        ("cohort", (num_runs,)),
        ("partition", (num_runs,)),
        ("seed", (num_runs,)),
    ):
        if (found := np.shape(getattr(runs, name))) != wanted:
            raise DataError(f"{name} must be {list(wanted)} to fit probabilities {list(shape)}, got {list(found)}.")
    sums = runs.probabilities.sum(-1, dtype=np.float64)
    if not (np.abs(sums - 1) < _SUM_TOLERANCE).all() or (runs.probabilities < 0).any():
        raise DataError("probabilities hold a row that is no distribution over the classes (finite, >= 0, sum 1).")
    if runs.labels.min() < 0 or runs.labels.max() >= num_classes:
        raise DataError(
            f"labels go from {runs.labels.min()} to {runs.labels.max()}, but there are {num_classes} classes."
        )
    if len(set(runs.units)) < num_runs:
        raise DataError("A (cohort, partition, seed) comes twice; give each retraining its own.")
    _check_folds(runs, num_lesions)


def _check_folds(runs: Runs, num_lesions: int) -> None:
    if runs.folds is None:
        if (runs.partition != 0).any():
            raise DataError("partition is not 0 throughout, but there are no folds; give folds [partitions, lesions].")
        return
    if runs.folds.ndim != 2 or runs.folds.shape[1] != num_lesions:
        raise DataError(f"folds must be [partitions, {num_lesions}], got {list(runs.folds.shape)}.")
    if runs.partition.min() < 0 or runs.partition.max() >= len(runs.folds):
        raise DataError(f"partition names row {runs.partition.max()} of folds, which has {len(runs.folds)}.")
    _, first, patient = np.unique(runs.patients, return_index=True, return_inverse=True)
    for row, folds in enumerate(runs.folds):
        if (folds != folds[first[patient]]).any():
            raise DataError(f"Partition {row} has a patient in two folds; folds are by patient.")
