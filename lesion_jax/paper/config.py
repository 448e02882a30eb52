"""Settings of the whole protocol, checked before anything is trained."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import check_ranges, host, seed
from lesion_jax.errors import ConfigError
from lesion_jax.paper.arms import BASELINE, PAPER_ARMS, Arm, arm_of
from lesion_jax.paper.models import check_alike, check_arm, check_filled_in, default_models


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
        make=default_models,
        doc="Config of each model, by the name that arms have for it; see `lesion-jax train --help`. Folds, sizes and "
        "banks are filled in for each arm; num_devices are those over which trainings are spread, each on one.",
    )

    def check(self) -> None:
        """Refuses impossible settings, with a ConfigError."""
        check_ranges(self)
        for name, model in self.models.items():
            model.check(f"models.{name}.")
        check_filled_in(self.models, "paper")
        check_alike(self.models)
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

    def _check_arm(self, arm: Arm) -> None:
        only = {f"averages {arm.members} networks": arm.members > 1, "selects among synthetic images": arm.selects}
        for what in (what for what, does in only.items() if does):
            raise ConfigError(f"Arm {arm.name!r} {what}, which only `study` does; leave it out.")
        check_arm(arm, self.models)
