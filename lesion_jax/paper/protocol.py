"""The paper's experiments (section on the experiments), in order: classic sizes, GANs, synthetic sizes, report."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from lesion_jax.config import PaperConfig
from lesion_jax.data.folds import split
from lesion_jax.data.study import Study
from lesion_jax.inference.predict import predict
from lesion_jax.inference.sample import draw_bank
from lesion_jax.io.checkpoints import Which
from lesion_jax.paper.layout import Named, Trainings
from lesion_jax.paper.ledger import Ledger
from lesion_jax.paper.selection import Outcome, choose

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

    def _curve(self, stage: str, named: Mapping[tuple[int, int, int], Named]) -> Curve:
        """Trains classifiers, by (size, seed, fold), then scores them."""
        self._ledger.train(stage, list(named.values()))
        sizes = dict.fromkeys(size for size, _, _ in named)
        return {
            size: [
                [self._outcome(named[size, seed, fold][0], fold, self._which) for fold in self._folds]
                for seed in self.config.seeds
            ]
            for size in sizes
        }

    def run(self) -> Findings:
        """Trains, draws and scores everything that the config's arms need."""
        config, trainings = self.config, self.trainings
        classic = self._curve("classifiers without synthetic images", trainings.classic_stage())
        # "none" is an arm of its own: the classic arm is the best size above 0, however well 0 does.
        chosen = choose({size: found for size, found in classic.items() if size}, config.selection)
        gan_sizes = trainings.gan_sizes(chosen)
        for kind in trainings.gan_kinds:
            self._train_gans(kind, gan_sizes)
        mixed = {
            kind: self._curve(f"classifiers with {kind.upper()} images", trainings.mixed_stage(kind, chosen, gan_sizes))
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
        gans = self.trainings.gan_stage(kind, gan_sizes)
        self._ledger.train(f"{kind.upper()}s", [named for some in gans.values() for named in some])
        if kind in self.trainings.mixed_kinds:
            for (seed, _), some in gans.items():
                for name, _ in some:
                    draw_bank(self.trainings.run(name), num, self.trainings.bank(name), seed=seed, which=self._which)

    def _discriminators(self, gan_sizes: tuple[int, ...]) -> list[list[Outcome]]:
        gans = self.trainings.gan_stage("acgan", gan_sizes)
        # The last checkpoint: "best" is the generator's, by its images. There is one ACGAN of a seed and fold.
        return [
            [self._outcome(gans[seed, fold][0][0], fold, "last") for fold in self._folds] for seed in self.config.seeds
        ]
