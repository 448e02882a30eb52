"""Every training of the protocol: its config and its place below the workdir."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lesion_jax.config import TrainingConfig, replace
from lesion_jax.families import FAMILIES
from lesion_jax.families.base import Family
from lesion_jax.paper.arms import ARMS, BASELINE, Arm
from lesion_jax.paper.config import PaperConfig
from lesion_jax.paper.ledger import Named


@dataclasses.dataclass(frozen=True)
class Trainings:
    """Configs and directories, both functions of what a training is; arms share the trainings that are the same.

    Attributes:
      config: Settings of the protocol.
      workdir: Absolute, so that a command given from elsewhere means the same runs.
      dataset: Absolute.
      class_names: Classes of the dataset.
      num_folds: Test folds of the dataset.
    """

    config: PaperConfig
    workdir: Path
    dataset: Path
    class_names: tuple[str, ...]
    num_folds: int

    @property
    def arms(self) -> list[Arm]:
        """The arms of the config, in its order."""
        return [ARMS[name] for name in self.config.arms]

    @property
    def generators(self) -> list[str]:
        """Models whose images join the training of some arm, in the order of the arms."""
        return list(dict.fromkeys(arm.generator for arm in self.arms if arm.generator is not None))

    @property
    def repeats(self) -> list[tuple[int, int]]:
        """(seed, fold) of every repetition."""
        return [(seed, fold) for seed in self.config.seeds for fold in range(self.num_folds)]

    def family(self, model: str) -> Family:
        """The family of a model."""
        return FAMILIES[self.config.models[model].kind]

    def title(self, model: str) -> str:
        """What a model is called: its family's title, with its name where models share a family."""
        family = self.family(model)
        shared = sum(config.kind == family.name for config in self.config.models.values()) > 1
        return f"{family.title} ({model})" if shared else family.title

    def run(self, name: str) -> Path:
        """Run directory of a training."""
        return self.workdir / "runs" / name

    def bank(self, name: str) -> Path:
        """Bank drawn from a training."""
        return self.workdir / "banks" / name

    def _config(self, model: str, seed: int, fold: int, classic_size: int) -> TrainingConfig:
        return replace(
            self.config.models[model],
            {
                "seed": seed,
                "data.dataset": str(self.dataset),
                "data.fold": fold,
                "data.classic_size": classic_size,
                "data.hold_out_inner": self.config.selection == "inner",
            },
        )

    def predictor(self, arm: Arm, seed: int, fold: int, classic_size: int) -> Named:
        """The training of what answers for an arm, without synthetic images."""
        # What the baseline trains is the plain case, and named by its size alone.
        stem = "classic" if arm.predictor == ARMS[BASELINE].predictor else f"{arm.predictor}-on"
        name = f"seed{seed}/fold{fold}/{stem}-{classic_size}{_suffix(arm.own_changes)}"
        return name, replace(self._config(arm.predictor, seed, fold, classic_size), arm.own_changes)

    def mixed(self, arm: Arm, seed: int, fold: int, classic_size: int, gan_size: int, synthetic_size: int) -> Named:
        """The training of what answers for an arm, with its generator's images."""
        assert arm.generator is not None
        name, config = self.predictor(arm, seed, fold, classic_size)
        banks = tuple(str(self.bank(gan)) for gan, _ in self.generator(arm.generator, seed, fold, gan_size))
        mixing = {"data.banks": banks, "data.synthetic_size": synthetic_size, **arm.mixing}
        return f"{name}+{arm.generator}-{synthetic_size}{_suffix(arm.mixing)}", replace(config, mixing)

    def generator(self, model: str, seed: int, fold: int, classic_size: int) -> list[Named]:
        """The trainings that together draw every class: one per class, or one (paper, section on the GANs)."""
        config = self._config(model, seed, fold, classic_size)
        labels = self.class_names if self.family(model).one_per_class else ("",)
        return [
            (
                f"seed{seed}/fold{fold}/{model}{'-' if label else ''}{label}-on-{classic_size}",
                replace(config, {"data.label": label}),
            )
            for label in labels
        ]

    def synthetic_sizes(self, arm: Arm) -> tuple[int, ...]:
        """Synthetic sizes that an arm is trained with; () without a generator."""
        if arm.generator is None:
            return ()
        fixed = arm.fixed_synthetic_size
        return self.config.synthetic_sizes if fixed is None else (fixed,)

    def bank_size(self, model: str) -> int:
        """Images of each class that the largest training with a model's images takes."""
        return max(size for arm in self.arms if arm.generator == model for size in self.synthetic_sizes(arm)) * (
            self.num_folds - 1
        )


def _suffix(changes: Mapping[str, Any]) -> str:
    return "".join("-" + re.sub(r"[^\w.=+,-]+", "_", f"{field}={value}") for field, value in changes.items())
