"""Table of the arms: what the protocol trains and compares. A new arm is one row; nothing else names an arm.

Figures, tables, curves, samples and the report's first sentences list whatever the table holds.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from lesion_jax.errors import ConfigError

Size = Literal["classic_size", "synthetic_size"]
_SIZES = {"classic_size": "data.classic_size", "synthetic_size": "data.synthetic_size"}
_SHARE = "data.synthetic_share"
# Data that an arm may change; the protocol fills in the others, folds above all.
_CHANGEABLE = frozenset({*_SIZES.values(), _SHARE, "data.batch_size"})


@dataclasses.dataclass(frozen=True)
class Arm:
    """One way to train what answers.

    Attributes:
      name: Key in the table, in `PaperConfig.arms` and in results.
      title: In tables, figures and sentences.
      color: In figures, one that a colour-blind reader can tell from the others'.
      marker: In figures, of matplotlib.
      predictor: Key of `PaperConfig.models`: the model that answers. Its family must classify.
      generator: Key of `PaperConfig.models`: the model whose images join the predictor's training; None for none. Its
        family must draw.
      changes: Fields of the predictor's config that this arm sets, dotted: {"data.classic_size": 0}.
      chosen: Sizes that each fold chooses for this arm. Without "classic_size", and without a change that sets it, the
        predictor is trained on the size that the baseline chose (or on the generators', if it is one itself). With a
        generator, "synthetic_size" is either chosen or set by a change.
    """

    name: str
    title: str
    color: str
    marker: str
    predictor: str = "classifier"
    generator: str | None = None
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    chosen: tuple[Size, ...] = ("classic_size",)

    def __post_init__(self):
        """Refuses a row that contradicts itself, with a ValueError."""
        for field in self.changes:
            if field in ("kind", "seed", "num_devices") or (field.startswith("data.") and field not in _CHANGEABLE):
                raise ValueError(f"Arm {self.name!r} changes {field}, which the protocol sets alike for every arm.")
        for size, field in _SIZES.items():
            if size in self.chosen and field in self.changes:
                raise ValueError(f"Arm {self.name!r} chooses {size}, but its changes set {field}; do one of the two.")
        if unknown := set(self.chosen) - _SIZES.keys():
            raise ValueError(f"Arm {self.name!r} chooses {min(unknown)!r}; it can choose {', '.join(_SIZES)}.")
        has_size = "synthetic_size" in self.chosen or "data.synthetic_size" in self.changes
        if has_size != (self.generator is not None):
            raise ValueError(
                f"Arm {self.name!r} has generator {self.generator!r}, and its synthetic_size is "
                f"{'given' if has_size else 'neither chosen nor set by a change'}; give both or neither."
            )

    @property
    def models(self) -> tuple[str, ...]:
        """Keys of `PaperConfig.models` that this arm needs."""
        return (self.predictor,) if self.generator is None else (self.predictor, self.generator)

    @property
    def fixed_classic_size(self) -> int | None:
        """Classic size that a change sets; None where there is none."""
        return self.changes.get(_SIZES["classic_size"])

    @property
    def fixed_synthetic_size(self) -> int | None:
        """Synthetic size that a change sets; None where there is none."""
        return self.changes.get(_SIZES["synthetic_size"])

    @property
    def own_changes(self) -> dict[str, Any]:
        """The changes of a training without synthetic images; its size is not among them."""
        return {field: value for field, value in self.changes.items() if field not in (*_SIZES.values(), _SHARE)}

    @property
    def mixing_changes(self) -> dict[str, Any]:
        """The changes that concern how synthetic images are mixed in; their number is not among them."""
        return {field: value for field, value in self.changes.items() if field == _SHARE}


# Colours are Okabe and Ito's, which stay apart for colour-blind readers; arms also differ by marker. Not used yet:
# "#009E73", "#E69F00", "#56B4E9".
ARMS = {
    arm.name: arm
    for arm in (
        Arm("none", "No augmentation", "#7F7F7F", "v", changes={"data.classic_size": 0}, chosen=()),
        Arm("classic", "Classic", "#000000", "o"),
        Arm("dcgan", "Classic + DCGAN", "#0072B2", "s", generator="dcgan", chosen=("classic_size", "synthetic_size")),
        Arm("acgan", "Classic + ACGAN", "#D55E00", "^", generator="acgan", chosen=("classic_size", "synthetic_size")),
        Arm("acgan_discriminator", "ACGAN discriminator", "#CC79A7", "D", predictor="acgan", chosen=()),
    )
}

# The arm that all others are compared with, and what sentences call it. Generators learn from the sizes that it chose.
BASELINE = "classic"
BASELINE_WORDS = "classic augmentation alone"


def arm_of(name: str) -> Arm:
    """The row of a name.

    Raises:
      ConfigError: There is none.
    """
    if name not in ARMS:
        raise ConfigError(f"arms has {name!r}; choose from {', '.join(ARMS)}.")
    return ARMS[name]
