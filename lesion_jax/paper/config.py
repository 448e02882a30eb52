"""Settings of the whole protocol, checked before anything is trained."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

from lesion_jax.config import DataConfig, TrainingConfig, replace
from lesion_jax.config.fields import check_ranges, host, seed
from lesion_jax.errors import ConfigError
from lesion_jax.families import FAMILIES
from lesion_jax.paper.arms import ARMS, BASELINE, PAPER_ARMS, Arm, arm_of

# Models share their images, and are spread over the same devices.
_ALIKE = ("data.image_size", "data.window", "data.margin", "data.augmentation_seed", "num_devices")
_FREE_DATA = ("image_size", "window", "margin", "augmentation_seed", "batch_size")


def _models() -> dict[str, TrainingConfig]:
    """The models of all arms, each as its family's defaults have it: a model is named after its family."""
    names = dict.fromkeys(name for arm in ARMS.values() for name in arm.models)
    return {name: FAMILIES[name].config() for name in names if name in FAMILIES}


@dataclasses.dataclass(frozen=True)
class PaperConfig:
    """The whole protocol (paper, section on the experiments)."""

    kind: Literal["paper"] = host("paper", doc="Always 'paper'.")
    dataset: str = host(
        "", doc="Directory written by `lesion-jax build`; empty makes and builds the phantom.", is_free=True
    )
    phantom_seed: int = seed(0, doc="Seed of that phantom.")
    # Below a quarter a class may have too few patients for three folds with inner patients in each.
    phantom_patients_scale: float = host(
        1.0, low=0.25, high=1.0, doc="Share of the phantom's default number of lesions, for quick runs."
    )
    seeds: tuple[int, ...] = host(
        (0,),
        low=0,
        below=2**31,
        doc="One repetition of every training per seed, on the same folds and the same classic augmentation.",
    )
    selection: Literal["inner", "test"] = host(
        "inner",
        doc="Where sizes and checkpoints are chosen: 'inner' on patients held out of the training folds, 'test' on the "
        "test folds, as the paper did (optimistic).",
    )
    arms: tuple[str, ...] = host(PAPER_ARMS, doc="Names of the arms that are compared, of lesion_jax/paper/arms.py.")
    classic_sizes: tuple[int, ...] = host(
        (0, 500, 1000, 2000, 3000, 5000, 7500, 10000, 15000),
        low=0,
        doc="Classic images per fold; rises from 0.",
    )
    synthetic_sizes: tuple[int, ...] = host(
        (100, 500, 1000, 2000, 3000, 4000),
        above=0,
        doc="Synthetic images per class and fold, added to the chosen classic size; rises.",
    )
    gan_classic_size: int = host(
        0,
        low=0,
        doc="Classic images per fold that the generators are trained on; 0 takes the size that the baseline chose.",
    )
    models: Mapping[str, TrainingConfig] = host(
        make=_models,
        doc="Config of each model, by the name that arms have for it; see `lesion-jax train --help`. Folds, sizes and "
        "banks are filled in for each arm; num_devices are those over which trainings are spread, each on one.",
    )

    def check(self) -> None:
        """Refuses impossible settings, with a ConfigError."""
        check_ranges(self)
        for name, model in self.models.items():
            model.check(f"models.{name}.")
            _check_filled_in(name, model.data)
        self._check_alike()
        for name in self.arms:
            self._check_arm(arm_of(name))
        if BASELINE not in self.arms:
            raise ConfigError(f"arms is {self.arms}; {BASELINE!r} is what the others are compared with.")
        for name, values in (("seeds", self.seeds), ("arms", self.arms)):
            if not values or len(set(values)) != len(values):
                raise ConfigError(f"{name} is {values}; name at least one, each once.")
        sizes = self.classic_sizes
        if list(sizes) != sorted(set(sizes)) or not sizes or sizes[0] != 0 or len(sizes) < 2:
            raise ConfigError(f"classic_sizes is {sizes}; it must rise from 0 and hold one more size at least.")
        sizes = self.synthetic_sizes
        if list(sizes) != sorted(set(sizes)) or not sizes:
            raise ConfigError(f"synthetic_sizes is {sizes}; it must rise from above 0.")

    def _check_alike(self) -> None:
        for field in _ALIKE:
            values = {name: _get(model, field) for name, model in self.models.items()}
            if len(set(values.values())) > 1:
                raise ConfigError(f"{field} differs between models ({values}); set it alike for all of them.")

    def _check_arm(self, arm: Arm) -> None:
        if arm.members > 1:
            raise ConfigError(
                f"Arm {arm.name!r} averages {arm.members} networks, which only `study` does; leave it out."
            )
        for name in arm.models:
            if name not in self.models:
                raise ConfigError(
                    f"Arm {arm.name!r} needs models.{name}, but models has {', '.join(self.models)}; add it, or leave "
                    "the arm out of arms."
                )
        predictor = self.models[arm.predictor]
        if FAMILIES[predictor.kind].classify is None:
            raise ConfigError(
                f"models.{arm.predictor}.kind is {predictor.kind!r}, which cannot classify: {arm.name!r}."
            )
        if arm.generator is not None and FAMILIES[kind := self.models[arm.generator].kind].draw is None:
            raise ConfigError(f"models.{arm.generator}.kind is {kind!r}, which draws no images: {arm.name!r}.")
        try:
            replace(predictor, arm.own_changes).check()
        except ConfigError as error:
            raise ConfigError(f"Arm {arm.name!r} changes {dict(arm.changes)}: {error}") from error


def _get(config: TrainingConfig, field: str) -> object:
    value: object = config
    for part in field.split("."):
        value = getattr(value, part)
    return value


def _check_filled_in(name: str, data: DataConfig) -> None:
    # Every field that `paper` fills in must be at its default.
    if data != DataConfig(**{field: getattr(data, field) for field in _FREE_DATA}):
        raise ConfigError(
            f"models.{name}.data sets another field than {', '.join(_FREE_DATA)}; `paper` fills these in for every "
            "arm, leave them alone."
        )
