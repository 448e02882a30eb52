"""Every training of a study: its config and its place below the workdir, both functions of what it is."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lesion_jax.config import TrainingConfig, replace
from lesion_jax.core.types import Lesion
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.draws import bits
from lesion_jax.data.folds import Split
from lesion_jax.families import FAMILIES
from lesion_jax.paper.arms import ARMS, Arm
from lesion_jax.paper.ledger import Named
from lesion_jax.study.config import ScenarioConfig, StudyConfig
from lesion_jax.study.recipes import Recipe
from lesion_jax.sweep.cells import varied

# Scenario, partition, test fold and model that a recipe is chosen for: no fold looks at another's inner patients, who
# may be among its own test patients.
Choice = tuple[str, int, int, str]
# Images that are drawn for one that is selected.
_DRAWN_TO_SELECT = 3


@dataclasses.dataclass(frozen=True)
class Setting:
    """One repetition of the comparison: in it, all arms see the same training and test patients.

    Attributes:
      scenario: Name of the scenario.
      cohort: Number of the draw of training patients; 0 where the scenario takes all.
      partition: Number of the partition; 0 is the dataset's own, or that of a tag.
      seed: Which retraining of these patients; `training_seed` makes the seed of all trainings of it.
      tunes: Whether it tries recipes on inner patients, before arms are compared; nothing in it sees a test lesion.
    """

    scenario: str
    cohort: int
    partition: int
    seed: int
    tunes: bool = False

    @property
    def name(self) -> str:
        """Its directory below runs/ and banks/."""
        tuning = "/tuning" if self.tunes else ""
        return f"{self.scenario}/cohort{self.cohort}-partition{self.partition}-seed{self.seed}{tuning}"

    def training_seed(self, member: int | None = None) -> int:
        """Seed of all trainings and banks: another one in every cohort, partition and seed, the same for all arms.

        One that cohorts shared would start all of their networks alike, and what that does would be in no interval.

        Args:
          member: Member of an ensemble, which has a seed of its own.
        """
        words = (self.cohort, self.partition, self.seed, -1 if member is None else member)
        return int(bits("study", *words, count=1)[0] >> np.uint64(33))

    @property
    def bank_seed(self) -> int:
        """Seed of the banks' images, which takes fewer bits: `sample` makes one for each class of it."""
        return self.training_seed() % 2**24


@dataclasses.dataclass(frozen=True)
class Layout:
    """Configs and directories.

    Attributes:
      config: Settings of the study.
      workdir: Absolute, so that a command given from elsewhere means the same runs.
      cohort: Content of the dataset.
      chosen: Number of the recipe of each model, once it is known, see `tuning.choose_recipes`; the first until then.
    """

    config: StudyConfig
    workdir: Path
    cohort: Cohort
    chosen: Mapping[Choice, int] = dataclasses.field(default_factory=dict)

    @property
    def tuning_settings(self) -> list[Setting]:
        """Those in which recipes are tried: copies of the first of each scenario and partition."""
        if not any(self.recipes(arm) for arm in self.arms):
            return []
        of: dict[tuple[str, int], list[Setting]] = {}
        for setting in self.settings:
            of.setdefault((setting.scenario, setting.partition), []).append(setting)
        num = self.config.tuning.num_settings
        return [dataclasses.replace(setting, tunes=True) for some in of.values() for setting in some[:num]]

    @property
    def settings(self) -> list[Setting]:
        """Those in which arms are compared, scenario by scenario."""
        return [
            Setting(name, cohort, partition, seed)
            for name, scenario in self.config.scenarios.items()
            for cohort in range(self.config.cohorts if scenario.per_class else 1)
            for partition in range(1 if scenario.partition else self.config.partitions)
            for seed in self.config.seeds
        ]

    @property
    def arms(self) -> list[Arm]:
        """The arms, in the order of the config."""
        return [ARMS[name] for name in self.config.arms]

    @property
    def generators(self) -> list[str]:
        """Models whose images join the training of some arm, in the order of the arms."""
        return list(dict.fromkeys(arm.generator for arm in self.arms if arm.generator is not None))

    def recipes(self, arm: Arm) -> list[Recipe]:
        """What is tried for an arm; none where its model is taken as it is."""
        return self.config.tuning.recipes(arm.predictor)

    def scenario(self, setting: Setting) -> ScenarioConfig:
        """The scenario of a setting."""
        return self.config.scenarios[setting.scenario]

    def partition(self, setting: Setting) -> str:
        """Name of a setting's partition, see `data.partitions`."""
        return self.scenario(setting).partition or (f"repeat:{setting.partition}" if setting.partition else "")

    def folds(self, setting: Setting) -> range:
        """Test folds of a setting."""
        return range(self.cohort.partition(self.partition(setting)).num_folds)

    def split(self, setting: Setting, fold: int) -> Split:
        """The lesions that the networks of a setting train on and are tested on, whatever their arm."""
        return self.cohort.split(self._config(self.arms[0].predictor, setting, fold, 0).data)

    def tested(self, setting: Setting) -> tuple[Lesion, ...]:
        """All test lesions of a setting, in the order of the dataset."""
        ids = {lesion.lesion_id for fold in self.folds(setting) for lesion in self.split(setting, fold).test}
        return tuple(lesion for lesion in self.cohort.lesions.lesions if lesion.lesion_id in ids)

    def run(self, name: str) -> Path:
        """Run directory of a training."""
        return self.workdir / "runs" / name

    def bank(self, name: str) -> Path:
        """Bank drawn from a training."""
        return self.workdir / "banks" / name

    def selected(self, name: str) -> Path:
        """Bank of the images that are selected from that of a training."""
        return self.workdir / "banks" / f"{name}-selected"

    def classic_size(self, arm: Arm, setting: Setting) -> int:
        """Classic images per training fold of an arm."""
        fixed = arm.fixed_classic_size
        return self.scenario(setting).classic_size if fixed is None else fixed

    def synthetic_size(self, arm: Arm, setting: Setting) -> int:
        """Synthetic images per class and training fold of an arm with a generator."""
        fixed = arm.fixed_synthetic_size
        return self.scenario(setting).synthetic_size if fixed is None else fixed

    def doses(self, arm: Arm, setting: Setting) -> tuple[int, ...]:
        """Further sizes that an arm is trained with, for its curve alone."""
        follows = arm.generator is not None and arm.fixed_synthetic_size is None
        return self.scenario(setting).doses if follows and not setting.tunes else ()

    def predictors(self, arm: Arm, setting: Setting, fold: int, dose: int | None = None) -> list[Named]:
        """The trainings of what answers for an arm: one, or the members of an ensemble; where it is tuned, its recipes.

        Args:
          arm: The arm.
          setting: The repetition.
          fold: Test fold.
          dose: One of `doses`; None for the arm itself.
        """
        config = self._config(arm.predictor, setting, fold, self.classic_size(arm, setting))
        config = replace(config, arm.own_changes)
        if arm.generator is not None:
            bank = self.selected if arm.selects else self.bank
            banks = tuple(str(bank(name)) for name, _ in self.generator(arm.generator, setting, fold))
            size = self.synthetic_size(arm, setting) if dose is None else dose
            config = replace(config, {"data.banks": banks, "data.synthetic_size": size, **arm.mixing})
        name = f"{setting.name}/fold{fold}/{arm.name}{'' if dose is None else f'-dose{dose}'}"
        recipes = self.recipes(arm)
        if setting.tunes:
            # An ensemble takes what is best for one network.
            return [(f"{name}-recipe{i}", varied(config, recipe)) for i, recipe in enumerate(recipes)]
        if recipes:
            choice = (setting.scenario, setting.partition, fold, arm.predictor)
            config = varied(config, recipes[self.chosen.get(choice, 0)])
        if arm.members == 1:
            return [(name, config)]
        return [
            (f"{name}-member{member}", replace(config, {"seed": setting.training_seed(member)}))
            for member in range(arm.members)
        ]

    def generator(self, model: str, setting: Setting, fold: int) -> list[Named]:
        """The trainings that together draw every class: one per class, or one."""
        config = self._config(model, setting, fold, self.scenario(setting).classic_size)
        one_per_class = FAMILIES[config.kind].one_per_class
        labels = self.cohort.lesions.class_names if one_per_class else ("",)
        return [
            (
                f"{setting.name}/fold{fold}/generator-{model}{'-' if label else ''}{label}",
                replace(config, {"data.label": label}),
            )
            for label in labels
        ]

    def bank_size(self, model: str, setting: Setting) -> int:
        """Images of each class that are drawn from a model: what its arms take, more where one of them selects."""
        some = [arm for arm in self.arms if arm.generator == model]
        selected = _DRAWN_TO_SELECT * self.num_taken([arm for arm in some if arm.selects], model, setting)
        return max(selected, self.num_taken([arm for arm in some if not arm.selects], model, setting))

    def num_taken(self, arms: Sequence[Arm], model: str, setting: Setting) -> int:
        """Images of each class of a model that the largest training of these arms takes; 0 of no arms."""
        sizes = [size for arm in arms for size in (self.synthetic_size(arm, setting), *self.doses(arm, setting))]
        return max(sizes, default=0) * self.cohort.training_folds(self._config(model, setting, 0, 0).data)

    def _config(self, model: str, setting: Setting, fold: int, classic_size: int) -> TrainingConfig:
        return replace(
            self.config.models[model],
            {
                "seed": setting.training_seed(),
                "data.dataset": str(Path(self.config.dataset).resolve()),
                "data.partition": self.partition(setting),
                "data.per_class": self.scenario(setting).per_class,
                "data.subset": setting.cohort,
                "data.fold": fold,
                "data.classic_size": classic_size,
                # In the comparison all training patients train, and the last weights answer.
                "data.hold_out_inner": setting.tunes,
            },
        )
