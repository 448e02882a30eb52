"""A dataset with its partitions: who is trained on, chosen on and tested on by a config."""

import dataclasses
from pathlib import Path

from lesion_jax.config import DataConfig
from lesion_jax.core.types import LesionSet
from lesion_jax.data.augment import num_per_lesion
from lesion_jax.data.bank import Bank
from lesion_jax.data.dataset import load_dataset
from lesion_jax.data.folds import Folds, Split, load_folds, split, train_fingerprint
from lesion_jax.data.partitions import make_partition
from lesion_jax.errors import BankError, ConfigError


@dataclasses.dataclass(frozen=True)
class Cohort:
    """A dataset with its partitions, loaded once and shared by many runs.

    Attributes:
      lesions: The dataset.
      folds: The partition beside it; None where it was built without.
    """

    lesions: LesionSet
    folds: Folds | None
    _made: dict[str, Folds] = dataclasses.field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def load(cls, directory: Path) -> "Cohort":
        """Reads what `lesion-jax build` wrote.

        Raises:
          DataError, FoldError: Something is missing or does not belong together.
        """
        lesions, path = load_dataset(directory), directory / "folds.json"
        return cls(lesions, load_folds(path, lesions) if path.exists() else None)

    def partition(self, name: str = "") -> Folds:
        """One of its partitions; made once.

        Args:
          name: See `data.partitions`; "" is the one beside the dataset.

        Raises:
          FoldError: There is none, or it cannot be made.
        """
        if name not in self._made:
            self._made[name] = make_partition(self.lesions, self.folds, name)
        return self._made[name]

    def split(self, data: DataConfig) -> Split:
        """The lesions that a config trains on, chooses on and tests on.

        Raises:
          ConfigError: A fold or a number of lesions that does not exist.
          FoldError: See `partition` and `folds.split`.
        """
        folds = self.partition(data.partition)
        if data.fold >= folds.num_folds:
            last = folds.num_folds - 1
            raise ConfigError(
                f"data.fold is {data.fold}; {data.dataset} has {f'folds 0 to {last}' if last else 'fold 0'}."
            )
        return split(
            self.lesions,
            folds,
            data.fold,
            hold_out_inner=data.hold_out_inner,
            per_class=data.per_class,
            subset=data.subset,
        )

    def copies_per_lesion(self, data: DataConfig, parts: Split | None = None) -> int:
        """Classic images of each training lesion that make a config's nominal size.

        Args:
          data: The config's data.
          parts: What `split` says, if it is at hand.

        Raises:
          ConfigError: A size that cannot be.
        """
        num_folds = self.partition(data.partition).num_folds
        if num_folds > 1 and not data.per_class:
            # As the paper counts: all folds are of a size.
            return num_per_lesion(data.classic_size, num_folds, len(self.lesions.lesions))
        parts = parts or self.split(data)
        return num_per_lesion(data.classic_size, self.training_folds(data), len(parts.train) + len(parts.inner))

    def training_folds(self, data: DataConfig) -> int:
        """Folds that a config trains on, by which nominal sizes are multiplied; 1 beside an independent test set."""
        return max(1, self.partition(data.partition).num_folds - 1)

    def split_of_bank(self, bank: Bank, path: Path) -> Split:
        """The split whose training patients a bank's generator saw.

        Args:
          bank: The bank.
          path: Its directory, for messages.

        Raises:
          BankError: It is of another dataset, partition or fold, or its generator saw other patients.
        """
        facts = bank.provenance
        data = DataConfig(
            fold=facts["fold"],
            partition=facts["partition"],
            per_class=tuple(facts["per_class"]),
            subset=facts["subset"],
            hold_out_inner=facts["hold_out_inner"],
        )
        folds = self.partition(data.partition)
        for what, field, own in (
            ("dataset", "dataset_fingerprint", self.lesions.fingerprint),
            ("partition", "fold_fingerprint", folds.fingerprint),
        ):
            if (theirs := facts[field]) != own:
                raise BankError(
                    f"Bank {path} is of {what} {theirs[:12]}, but {what} {own[:12]} is asked for; name a bank that was "
                    "drawn for it."
                )
        if not 0 <= data.fold < folds.num_folds:
            raise BankError(f"Bank {path} is of fold {data.fold}, but the dataset has {folds.num_folds} folds.")
        parts = self.split(data)
        if train_fingerprint(parts.train) != facts["train_fingerprint"]:
            raise BankError(
                f"Bank {path} was drawn from a generator trained on other patients than those of fold {data.fold}, so "
                "nobody knows which lesions it has seen; name a bank of the fold's training patients."
            )
        return parts
