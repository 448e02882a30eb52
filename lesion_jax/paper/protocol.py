"""The paper's experiments (section on the experiments), in order: classic sizes, GANs, synthetic sizes, report."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from lesion_jax.config import PaperConfig
from lesion_jax.data.folds import split
from lesion_jax.evaluate.draw_bank import draw_bank
from lesion_jax.evaluate.predictions import predict
from lesion_jax.io.checkpoints import Which
from lesion_jax.paper.ledger import Ledger, Named
from lesion_jax.paper.selection import Outcome, choose
from lesion_jax.paper.trainings import Trainings
from lesion_jax.train.prepare import Study

# [seed][fold] for each size.
Curve = dict[int, list[list[Outcome]]]


@dataclasses.dataclass(frozen=True)
class Findings:
    """Everything that was trained, scored and chosen; the report is written from it.

    Attributes:
      classic: Outcomes of the classifiers by classic size; 0 is the arm without augmentation.
      classic_chosen: Classic size of each fold.
      mixed: By kind of GAN: outcomes by synthetic size, on top of the chosen classic size.
      mixed_chosen: By kind of GAN: synthetic size of each fold.
      discriminator: Outcomes of the ACGAN's discriminator as classifier, [seed][fold]; None
        where no arm asked for it.
    """

    classic: Curve
    classic_chosen: tuple[int, ...]
    mixed: dict[str, Curve]
    mixed_chosen: dict[str, tuple[int, ...]]
    discriminator: list[list[Outcome]] | None


class Protocol:
    """Runs the protocol below a workdir; what is finished there is not run again."""

    def __init__(self, config: PaperConfig, workdir: Path, dataset: Path, study: Study):
        """Prepares; nothing is trained yet.

        Args:
          config: Of the protocol.
          workdir: Of the command.
          dataset: Directory of the built dataset.
          study: Its content.
        """
        self.config = config
        self.study = study
        self.trainings = Trainings(
            config, workdir.resolve(), dataset.resolve(), study.lesions.class_names, study.folds.num_folds
        )
        self._ledger = Ledger(self.trainings, study)
        self._which: Which = "best" if config.selection == "inner" else "last"

    @property
    def _folds(self) -> range:
        return range(self.study.folds.num_folds)

    def _outcome(self, name: str, fold: int, which: Which) -> Outcome:
        held_out = self.config.selection == "inner"
        parts = split(self.study.lesions, self.study.folds, fold, hold_out_inner=held_out)
        run = self.trainings.run(name)
        inner = predict(run, parts.inner, which) if held_out else None
        return Outcome(inner, predict(run, parts.test, which))

    def _curve(self, stage: str, sizes: Sequence[int], make: Callable[[int, int, int], Named]) -> Curve:
        """Trains a classifier for each size, seed and fold, then scores them; `make` names one."""
        named = {
            size: [[make(size, seed, fold) for fold in self._folds] for seed in self.config.seeds] for size in sizes
        }
        self._ledger.train(stage, [one for rows in named.values() for row in rows for one in row])
        return {
            size: [[self._outcome(name, fold, self._which) for fold, (name, _) in enumerate(row)] for row in rows]
            for size, rows in named.items()
        }

    def gan_sizes(self, classic_chosen: tuple[int, ...]) -> tuple[int, ...]:
        """Classic size that each fold's GANs are trained on."""
        return tuple(self.config.gan_classic_size or size for size in classic_chosen)

    def run(self) -> Findings:
        """Trains, draws and scores everything that the config's arms need."""
        config, trainings = self.config, self.trainings
        classic = self._curve(
            "classifiers without synthetic images",
            config.classic_sizes,
            lambda size, seed, fold: trainings.classifier(seed, fold, size),
        )
        # "none" is an arm of its own: the classic arm is the best size above 0, however well 0 does.
        chosen = choose({size: found for size, found in classic.items() if size}, config.selection)
        gan_sizes = self.gan_sizes(chosen)
        for kind in trainings.gan_kinds:
            self._train_gans(kind, gan_sizes)
        mixed = {
            kind: self._curve(
                f"classifiers with {kind.upper()} images",
                config.synthetic_sizes,
                lambda size, seed, fold, kind=kind: trainings.mixed(
                    seed, fold, chosen[fold], kind, gan_sizes[fold], size
                ),
            )
            for kind in trainings.mixed_kinds
        }
        return Findings(
            classic=classic,
            classic_chosen=chosen,
            mixed=mixed,
            mixed_chosen={kind: choose(curve, config.selection) for kind, curve in mixed.items()},
            discriminator=self._discriminators(gan_sizes) if "acgan_discriminator" in config.arms else None,
        )

    def _train_gans(self, kind: str, gan_sizes: tuple[int, ...]) -> None:
        num = max(self.config.synthetic_sizes) * (self.study.folds.num_folds - 1)
        of_seed = {
            seed: [named for fold in self._folds for named in self.trainings.gans(seed, fold, kind, gan_sizes[fold])]
            for seed in self.config.seeds
        }
        self._ledger.train(f"{kind.upper()}s", [named for some in of_seed.values() for named in some])
        if kind in self.trainings.mixed_kinds:
            for seed, some in of_seed.items():
                for name, _ in some:
                    draw_bank(self.trainings.run(name), num, self.trainings.bank(name), seed=seed, which=self._which)

    def _discriminators(self, gan_sizes: tuple[int, ...]) -> list[list[Outcome]]:
        # The last checkpoint: "best" is the generator's, by its images.
        return [
            [
                self._outcome(name, fold, "last")
                for fold in self._folds
                for name, _ in self.trainings.gans(seed, fold, "acgan", gan_sizes[fold])
            ]
            for seed in self.config.seeds
        ]
