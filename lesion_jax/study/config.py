"""Settings of a study, checked before anything is trained."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from lesion_jax.config import TrainingConfig, replace
from lesion_jax.config.fields import check_ranges, host
from lesion_jax.errors import ConfigError
from lesion_jax.families import FAMILIES
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.paper.arms import ARMS, BASELINE, Arm, arm_of
from lesion_jax.paper.models import check_alike, check_arm, check_filled_in, default_models
from lesion_jax.study.recipes import TuningConfig

# Of the classifier. On 1,456 fresh phantom lesions (W = 8, 32x32 pixels) a rate of 0.01 with nothing held out was worth
# four points over 0.001 with inner patients held out, twice what more lesions of other patients added.
_RECIPE = {
    "learning_rate": 0.015,
    "learning_rate_schedule": "cosine",
    "input_scale": 8.0,
    "loop.duration": "2000 steps",
}


def study_models() -> dict[str, TrainingConfig]:
    """The models of all arms: as their families' defaults have them, the classifier with a better recipe."""
    models = default_models()
    return models | {"classifier": replace(models["classifier"], _RECIPE)}


@dataclasses.dataclass(frozen=True)
class ScenarioConfig:
    """Which patients are trained on and which are tested on."""

    partition: str = host(
        "",
        doc="Who is tested on: see data.partition in `lesion-jax train --help`. 'tag:NAME=VALUE' is an independent or "
        "a shifted test set; what else there is is cross-validated.",
    )
    per_class: tuple[int, ...] = host(
        (),
        above=0,
        doc="Training lesions of each class, one number for all or one per class: a learning curve's point, a rare "
        "class. Empty for all.",
    )
    classic_size: int = host(500, low=0, doc="Classic images per training fold, of the arms that do not say.")
    synthetic_size: int = host(
        100, above=0, doc="Synthetic images per class and training fold, of the arms that do not say."
    )
    doses: tuple[int, ...] = host(
        (),
        above=0,
        doc="Further numbers of synthetic images, at which those arms are trained too: a dose-response curve. The "
        "verdict is of synthetic_size.",
    )


@dataclasses.dataclass(frozen=True)
class StudyConfig:
    """Arms x scenarios x cohorts x partitions x seeds, and the rule of the verdict."""

    kind: Literal["study"] = host("study", doc="Always 'study'.")
    dataset: str = host("", doc="Directory written by `lesion-jax build`.", is_free=True)
    question: str = host("", doc="What is asked, for the head of the report; empty for the usual question.")
    arms: tuple[str, ...] = host(
        ("none", "classic", "dcgan", "acgan"), doc="Names of the arms; each is compared with the baseline."
    )
    baseline: str = host(BASELINE, doc="The arm that the others are compared with.")
    scenarios: Mapping[str, ScenarioConfig] = host(
        make=lambda: {"all": ScenarioConfig()}, doc="Scenarios by name; every arm runs in each."
    )
    cohorts: int = host(
        1,
        above=0,
        doc="Repeated draws of the training patients in scenarios with per_class: what other patients would change.",
    )
    partitions: int = host(
        1, above=0, doc="Repeated random partitions of scenarios that are cross-validated by the dataset's own folds."
    )
    seeds: tuple[int, ...] = host((0,), low=0, below=1_000_000, doc="Retrainings of everything.")
    metric: str = host("accuracy", doc="Primary metric, by which arms are compared.")
    margin: float = host(
        0.05, above=0.0, below=1.0, doc="Differences of the primary metric below it do not matter: fixed beforehand."
    )
    confidence: float = host(0.95, low=0.5, below=1.0, doc="Confidence of all intervals.")
    models: Mapping[str, TrainingConfig] = host(
        make=study_models,
        doc="Config of each model, by the name that arms have for it; see `lesion-jax train --help`. Patients, sizes "
        "and banks are filled in. All classifiers need one duration in steps, so that no arm is trained longer.",
    )
    tuning: TuningConfig = TuningConfig()

    def check(self) -> None:
        """Refuses impossible settings, with a ConfigError."""
        check_ranges(self)
        for name, model in self.models.items():
            model.check(f"models.{name}.")
        check_filled_in(self.models, "study")
        check_alike(self.models)
        for name, values in (("seeds", self.seeds), ("arms", self.arms)):
            if not values or len(set(values)) != len(values):
                raise ConfigError(f"{name} is {values}; name at least one, each once.")
        if self.baseline not in self.arms or len(self.arms) < 2:
            raise ConfigError(f"arms is {self.arms}; name the baseline {self.baseline!r} and one more at least.")
        if self.metric not in PREDICTION_METRICS:
            raise ConfigError(f"metric is {self.metric!r}; choose from {', '.join(PREDICTION_METRICS)}.")
        self._check_scenarios()
        for name in self.arms:
            check_arm(arm_of(name), self.models)
        _check_selecting([ARMS[name] for name in self.arms])
        predictors = {name: replace(self.models[ARMS[name].predictor], ARMS[name].own_changes) for name in self.arms}
        _check_durations(predictors)
        self.tuning.check({name: (ARMS[name], config) for name, config in predictors.items()})

    def _check_scenarios(self) -> None:
        if not self.scenarios:
            raise ConfigError("scenarios is empty; name one at least.")
        for name, scenario in self.scenarios.items():
            if not re.fullmatch(r"[\w.-]+", name):
                raise ConfigError(f"scenarios has {name!r}; a name holds letters, digits, '_', '-' and '.' only.")
            check_ranges(scenario, f"scenarios.{name}.")
            sizes = (scenario.synthetic_size, *scenario.doses)
            if len(set(sizes)) < len(sizes):
                raise ConfigError(f"scenarios.{name}.doses is {scenario.doses}; name each once, without {sizes[0]}.")
            if scenario.partition.startswith("repeat"):
                raise ConfigError(
                    f"scenarios.{name}.partition is {scenario.partition!r}; `study` repeats partitions itself, by "
                    "--config.partitions."
                )


def _check_durations(predictors: Mapping[str, TrainingConfig]) -> None:
    durations = {name: config.loop.duration for name, config in predictors.items() if FAMILIES[config.kind].fit is None}
    if odd := [name for name, duration in durations.items() if not duration.endswith("steps")]:
        raise ConfigError(
            f"Arm {odd[0]!r} is trained for {durations[odd[0]]!r}, which is more steps the more images it has; "
            "give a duration in steps, so that no arm gains by being trained longer."
        )
    if len(set(durations.values())) > 1:
        raise ConfigError(f"Arms are trained for different durations ({durations}); give all of them the same.")


def _check_selecting(arms: Sequence[Arm]) -> None:
    random = {arm.generator for arm in arms if not arm.selects}
    for arm in arms:
        if arm.selects and arm.generator not in random:
            raise ConfigError(
                f"Arm {arm.name!r} selects images of {arm.generator}, and no other arm takes as many random ones; add "
                "one, so that selecting can be told from drawing."
            )
