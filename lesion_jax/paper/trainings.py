"""Every training of the protocol: its config and its place below the workdir."""

import dataclasses
from pathlib import Path

from lesion_jax.config import ClassifierConfig, DataConfig, GanConfig, PaperConfig


@dataclasses.dataclass(frozen=True)
class Trainings:
    """Configs and directories, both functions of what a training is.

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

    def counts(self) -> dict[str, int]:
        """How many trainings of each kind the whole protocol needs."""
        repeats = len(self.config.seeds) * self.num_folds
        mixed = len(self.mixed_kinds) * len(self.config.synthetic_sizes)
        gans = {"dcgan": len(self.class_names), "acgan": 1}
        return {
            "classifier": repeats * (len(self.config.classic_sizes) + mixed),
            **{kind: repeats * gans[kind] for kind in self.gan_kinds},
        }
