"""The paper's experiments (section on the experiments), in order: classic sizes, generators, synthetic sizes.

Whatever arms the config names are trained, scored and chosen for, stage by stage; see `paper.stages`.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lesion_jax.data.cohort import Cohort
from lesion_jax.data.folds import split
from lesion_jax.errors import ConfigError
from lesion_jax.inference.predict import Predictions, predict
from lesion_jax.inference.sample import draw_bank
from lesion_jax.io.saved_checkpoints import Which
from lesion_jax.paper import stages
from lesion_jax.paper.arms import ARMS, BASELINE, Arm
from lesion_jax.paper.config import PaperConfig
from lesion_jax.paper.layout import Trainings
from lesion_jax.paper.ledger import Ledger, Named
from lesion_jax.paper.selection import Outcome, choose
from lesion_jax.train.training import check_family

# [seed][fold] for each size.
Curve = dict[int, list[list[Outcome]]]


@dataclasses.dataclass(frozen=True)
class ArmFindings:
    """What was trained, scored and chosen for one arm.

    Attributes:
      classic_curve: Outcomes without synthetic images by the classic sizes that it chose from; {} where it chose none.
      classic_sizes: Classic size of each fold.
      synthetic_curve: Outcomes by synthetic size, on those classic sizes; {} without a generator.
      synthetic_sizes: Synthetic size of each fold; () without a generator.
      outcomes: What it says at those sizes, [seed][fold].
    """

    classic_curve: Curve
    classic_sizes: tuple[int, ...]
    synthetic_curve: Curve
    synthetic_sizes: tuple[int, ...]
    outcomes: list[list[Outcome]]


@dataclasses.dataclass(frozen=True)
class Findings:
    """Everything that was trained, scored and chosen; the report is written from it.

    Attributes:
      arms: By name, in the order of the config.
      gan_sizes: Classic size of each fold that the generators were trained on.
    """

    arms: dict[str, ArmFindings]
    gan_sizes: tuple[int, ...]


class Protocol:
    """Runs the protocol below a workdir; what is finished there is not run again."""

    def __init__(
        self,
        config: PaperConfig,
        workdir: Path,
        dataset: Path,
        cohort: Cohort,
        *,
        train: Callable[[str, Sequence[Named]], None] | None = None,
        draw: Callable[..., None] = draw_bank,
        ask: Callable[..., Predictions] = predict,
    ):
        """Prepares; nothing is trained yet.

        Args:
          config: Settings of the protocol.
          workdir: Where runs and banks lie.
          dataset: Directory of the built dataset.
          cohort: Its content.
          train: f(what a stage is called, its trainings); None trains them.
          draw: As `draw_bank`.
          ask: As `predict`.

        Raises:
          ConfigError: A training of some arm has impossible settings.
        """
        self.config = config
        self.cohort = cohort
        self.trainings = Trainings(
            config, workdir.resolve(), dataset.resolve(), cohort.lesions.class_names, cohort.partition().num_folds
        )
        # Now, not when the stage that needs it comes up hours later.
        for stage in stages.largest(self.trainings):
            for name, training in stage:
                training.check(f"{name}: ")
                try:
                    check_family(training, cohort)
                except ConfigError as error:
                    raise ConfigError(f"{name}: {error}") from error
        self._train = train or Ledger(self.trainings.workdir, stages.counts(self.trainings), cohort).train
        self._draw, self._ask = draw, ask
        self._outcomes: dict[tuple[str, Which], Outcome] = {}

    @property
    def which(self) -> Which:
        """Checkpoint that is used where an arm has no reason for another."""
        return "best" if self.config.selection == "inner" else "last"

    def which_answers(self, arm: Arm) -> Which:
        """Checkpoint that answers for an arm."""
        return "last" if self.which == "last" else self.trainings.family(arm.predictor).classifies_with

    def run(self) -> Findings:
        """Trains, draws and scores everything that the config's arms need."""
        trainings, arms = self.trainings, self.trainings.arms
        self._train("trainings without synthetic images", stages.first(trainings))
        curves = {arm.name: self._curve(arm, stages.sweep(trainings, arm)) for arm in arms}
        chosen = {name: self._choose_classic(curve) for name, curve in curves.items() if curve}
        baseline = stages.classic_sizes(trainings, ARMS[BASELINE], (), chosen.get(BASELINE))
        gan_sizes = stages.gan_sizes(trainings, baseline)
        for model in trainings.generators:
            self._train_generator(model, gan_sizes)
        sizes = {arm.name: stages.classic_sizes(trainings, arm, baseline, chosen.get(arm.name)) for arm in arms}
        # As `stages.largest` has them: what takes no bank comes first.
        in_order = sorted(arms, key=lambda arm: arm.generator is not None)
        found = {arm.name: self._arm(arm, curves[arm.name], sizes[arm.name], gan_sizes) for arm in in_order}
        return Findings({arm.name: found[arm.name] for arm in arms}, gan_sizes)

    def _choose_classic(self, curve: Curve) -> tuple[int, ...]:
        # Without any augmentation is an arm of its own: the best size above 0 is chosen, however well 0 does.
        return choose({size: found for size, found in curve.items() if size}, self.config.selection)

    def _arm(self, arm: Arm, curve: Curve, sizes: tuple[int, ...], gan_sizes: tuple[int, ...]) -> ArmFindings:
        if arm.generator is None:
            alone = stages.alone(self.trainings, arm, sizes)
            self._train(arm.title, list(alone.values()))
            outcomes = [
                [self._outcome(arm, alone[seed, fold][0], fold) for fold in self._folds] for seed in self.config.seeds
            ]
            return ArmFindings(curve, sizes, {}, (), outcomes)
        named = stages.mixed(self.trainings, arm, sizes, gan_sizes)
        self._train(arm.title, list(named.values()))
        mixed = self._curve(arm, named)
        chosen = choose(mixed, self.config.selection)
        return ArmFindings(curve, sizes, mixed, chosen, at(mixed, chosen))

    def _train_generator(self, model: str, gan_sizes: tuple[int, ...]) -> None:
        runs = stages.generators(self.trainings, model, gan_sizes)
        self._train(self.trainings.title(model), [named for some in runs.values() for named in some])
        num = self.trainings.bank_size(model)
        for (seed, _), some in runs.items():
            for name, _ in some:
                self._draw(self.trainings.run(name), num, self.trainings.bank(name), seed=seed, which=self.which)

    @property
    def _folds(self) -> range:
        return range(self.cohort.partition().num_folds)

    def _curve(self, arm: Arm, named: Mapping[tuple[int, int, int], Named]) -> Curve:
        """What trainings say that are finished, from (size, seed, fold)."""
        return {
            size: [
                [self._outcome(arm, named[size, seed, fold][0], fold) for fold in self._folds]
                for seed in self.config.seeds
            ]
            for size in dict.fromkeys(size for size, _, _ in named)
        }

    def _outcome(self, arm: Arm, name: str, fold: int) -> Outcome:
        which = self.which_answers(arm)
        # Arms share trainings; each is asked once.
        if (name, which) not in self._outcomes:
            held_out = self.config.selection == "inner"
            parts = split(self.cohort.lesions, self.cohort.partition(), fold, hold_out_inner=held_out)
            run = self.trainings.run(name)
            inner = self._ask(run, parts.inner, which) if held_out else None
            self._outcomes[name, which] = Outcome(inner, self._ask(run, parts.test, which))
        return self._outcomes[name, which]


def at(curve: Curve, sizes: tuple[int, ...]) -> list[list[Outcome]]:
    """Outcomes [seed][fold] of a curve, at the size of each fold."""
    num_seeds = len(next(iter(curve.values())))
    return [[curve[size][seed][fold] for fold, size in enumerate(sizes)] for seed in range(num_seeds)]
