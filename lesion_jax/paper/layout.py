"""Every training of the protocol: its config and its place below the workdir."""

import collections
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from lesion_jax.config import ClassifierConfig, DataConfig, GanConfig, PaperConfig

# (name, config).
Named = tuple[str, ClassifierConfig | GanConfig]


@dataclasses.dataclass(frozen=True)
class Trainings:
    """Configs and directories, both functions of what a training is; and the stages that the protocol has of them.

    Attributes:
      config: Of the protocol.
      workdir: Absolute, so that a command given from elsewhere means the same runs.
      dataset: Absolute.
      class_names: Of the dataset.
      num_folds: Of the dataset.
    """

    config: PaperConfig
    workdir: Path
    dataset: Path
    class_names: tuple[str, ...]
    num_folds: int

    def _data(self, part: ClassifierConfig | GanConfig, fold: int, classic_size: int) -> DataConfig:
        return dataclasses.replace(
            part.data,
            dataset=str(self.dataset),
            fold=fold,
            classic_size=classic_size,
            hold_out_inner=self.config.selection == "inner",
        )

    def classifier(self, seed: int, fold: int, classic_size: int) -> tuple[str, ClassifierConfig]:
        """(name, config) of a classifier without synthetic images."""
        part = self.config.classifier
        config = dataclasses.replace(part, seed=seed, data=self._data(part, fold, classic_size))
        return f"seed{seed}/fold{fold}/classic-{classic_size}", config

    def mixed(
        self, seed: int, fold: int, classic_size: int, kind: str, gan_size: int, synthetic_size: int
    ) -> tuple[str, ClassifierConfig]:
        """(name, config) of a classifier with synthetic images of one kind of GAN."""
        name, config = self.classifier(seed, fold, classic_size)
        banks = tuple(str(self.bank(gan)) for gan, _ in self.gans(seed, fold, kind, gan_size))
        data = dataclasses.replace(config.data, banks=banks, synthetic_size=synthetic_size)
        return f"{name}+{kind}-{synthetic_size}", dataclasses.replace(config, data=data)

    def gans(self, seed: int, fold: int, kind: str, classic_size: int) -> list[tuple[str, GanConfig]]:
        """(name, config) of each GAN of a kind: one DCGAN per class, or one ACGAN (paper, section on the GANs)."""
        part: GanConfig = getattr(self.config, kind)
        data = self._data(part, fold, classic_size)
        labels = self.class_names if kind == "dcgan" else ("",)
        return [
            (
                f"seed{seed}/fold{fold}/{kind}{'-' if label else ''}{label}-on-{classic_size}",
                dataclasses.replace(part, seed=seed, data=dataclasses.replace(data, label=label)),
            )
            for label in labels
        ]

    def run(self, name: str) -> Path:
        """Run directory of a training."""
        return self.workdir / "runs" / name

    def bank(self, name: str) -> Path:
        """Bank drawn from a GAN."""
        return self.workdir / "banks" / name

    @property
    def gan_kinds(self) -> tuple[str, ...]:
        """The kinds of GAN that some arm needs."""
        arms = self.config.arms
        return tuple(k for k in ("dcgan", "acgan") if k in arms or f"{k}_discriminator" in arms)

    @property
    def mixed_kinds(self) -> tuple[str, ...]:
        """The kinds of GAN whose images join the training of some arm."""
        return tuple(kind for kind in self.gan_kinds if kind in self.config.arms)

    @property
    def _repeats(self) -> list[tuple[int, int]]:
        return [(seed, fold) for seed in self.config.seeds for fold in range(self.num_folds)]

    def classic_stage(self) -> dict[tuple[int, int, int], Named]:
        """By (size, seed, fold): every classifier without synthetic images."""
        return {
            (size, seed, fold): self.classifier(seed, fold, size)
            for size in self.config.classic_sizes
            for seed, fold in self._repeats
        }

    def gan_sizes(self, classic_sizes: Sequence[int]) -> tuple[int, ...]:
        """Classic size that each fold's GANs are trained on, from the one chosen for its classifiers."""
        return tuple(self.config.gan_classic_size or size for size in classic_sizes)

    def gan_stage(self, kind: str, gan_sizes: Sequence[int]) -> dict[tuple[int, int], list[tuple[str, GanConfig]]]:
        """By (seed, fold): every GAN of a kind, on each fold's classic size."""
        return {(seed, fold): self.gans(seed, fold, kind, gan_sizes[fold]) for seed, fold in self._repeats}

    def mixed_stage(
        self, kind: str, classic_sizes: Sequence[int], gan_sizes: Sequence[int]
    ) -> dict[tuple[int, int, int], Named]:
        """By (synthetic size, seed, fold): every classifier with a kind's images, on each fold's classic size."""
        return {
            (size, seed, fold): self.mixed(seed, fold, classic_sizes[fold], kind, gan_sizes[fold], size)
            for size in self.config.synthetic_sizes
            for seed, fold in self._repeats
        }

    def largest(self) -> list[list[Named]]:
        """The stages in order, each size that an earlier stage's scores choose taken at its largest."""
        classic = [max(self.config.classic_sizes)] * self.num_folds
        gan = self.gan_sizes(classic)
        return [
            list(self.classic_stage().values()),
            *([one for some in self.gan_stage(kind, gan).values() for one in some] for kind in self.gan_kinds),
            *(list(self.mixed_stage(kind, classic, gan).values()) for kind in self.mixed_kinds),
        ]

    def counts(self) -> collections.Counter[str]:
        """How many trainings of each kind the whole protocol needs."""
        return collections.Counter(config.kind for stage in self.largest() for _, config in stage)
