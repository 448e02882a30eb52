"""Table of the arms: what the protocol trains and compares. A new arm is one row; nothing else names an arm.

Figures, tables, curves, samples and the report's first sentences list whatever the table holds.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from lesion_jax.errors import ConfigError

Size = Literal["classic_size", "synthetic_size"]
_SIZES = {"classic_size": "data.classic_size", "synthetic_size": "data.synthetic_size"}
# Data that an arm may change; the protocol fills in the others, folds above all.
_CHANGEABLE = frozenset({*_SIZES.values(), "data.sampling", "data.batch_size"})
_MIXING = frozenset({"data.synthetic_share", "data.synthetic_until", "data.synthetic_annealing"})


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
      mixing: Those that it sets only where synthetic images join its training: how they are used.
      selects: Whether the synthetic images are selected from a larger bank, see `metrics.selection`; the arm with the
        same generator that does not select has as many random ones. Only `study` does so.
      members: Networks whose probabilities are averaged, each of a seed of its own.
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
    mixing: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    selects: bool = False
    members: int = 1
    chosen: tuple[Size, ...] = ("classic_size",)

    def __post_init__(self):
        """Refuses a row that contradicts itself, with a ValueError."""
        for fields, allowed in ((self.changes, _CHANGEABLE), (self.mixing, _MIXING)):
            for field in fields:
                if field in ("kind", "seed", "num_devices") or (field.startswith("data.") and field not in allowed):
                    raise ValueError(f"Arm {self.name!r} changes {field}, which the protocol sets alike for every arm.")
        if (self.mixing or self.selects) and self.generator is None:
            raise ValueError(f"Arm {self.name!r} says how synthetic images are used, but has no generator.")
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
        return {field: value for field, value in self.changes.items() if field not in _SIZES.values()}


_BOTH = ("classic_size", "synthetic_size")
# Share of a batch, and of the training, of banks that are used first; then real images alone (arXiv 2508.16783).
_FIRST = {"data.synthetic_share": 0.5, "data.synthetic_until": 0.6}

# Colours are Okabe and Ito's, which stay apart for colour-blind readers; arms of one colour differ by marker.
ARMS = {
    arm.name: arm
    for arm in (
        Arm("none", "No augmentation", "#7F7F7F", "v", changes={"data.classic_size": 0}, chosen=()),
        Arm("classic", "Classic", "#000000", "o"),
        Arm("dcgan", "Classic + DCGAN", "#0072B2", "s", generator="dcgan", chosen=_BOTH),
        Arm("acgan", "Classic + ACGAN", "#D55E00", "^", generator="acgan", chosen=_BOTH),
        Arm("acgan_discriminator", "ACGAN discriminator", "#CC79A7", "D", predictor="acgan", chosen=()),
        # Controls: what more of the same does, and what the best possible generator would.
        Arm("more_classic", "Classic + more classic", "#7F7F7F", "P", generator="more_classic", chosen=_BOTH),
        Arm("oracle", "Classic + fresh lesions", "#009E73", "*", generator="oracle", chosen=_BOTH),
        # Without a generator that learns.
        Arm("paste", "Classic + pasted lesions", "#E69F00", "s", generator="paste", chosen=_BOTH),
        Arm("recombine", "Classic + recombined lesions", "#E69F00", "^", generator="recombine", chosen=_BOTH),
        Arm("paste_first", "Pasted lesions first", "#E69F00", "D", generator="paste", mixing=_FIRST, chosen=_BOTH),
        # Of the classifier's training alone.
        Arm("oversampling", "Classic, classes balanced", "#56B4E9", "o", changes={"data.sampling": "balanced"}),
        Arm("logit_adjustment", "Classic, logits adjusted", "#56B4E9", "s", changes={"logit_adjustment": 1.0}),
        Arm("mixup", "Classic + mixup", "#56B4E9", "^", changes={"mixing": "mixup", "mixing_alpha": 0.2}),
        Arm("cutmix", "Classic + CutMix", "#56B4E9", "v", changes={"mixing": "cutmix", "mixing_alpha": 1.0}),
        Arm("intensity", "Classic + intensity", "#56B4E9", "D", changes={"intensity": "jitter"}),
        Arm("ensemble", "Classic, five networks", "#56B4E9", "P", members=5),
        # Other uses of a GAN's images than appending them.
        Arm("dcgan_first", "DCGAN first", "#0072B2", "D", generator="dcgan", mixing=_FIRST, chosen=_BOTH),
        Arm(
            "dcgan_annealed",
            "Classic + DCGAN, annealed",
            "#0072B2",
            "v",
            generator="dcgan",
            mixing={"data.synthetic_share": 0.5, "data.synthetic_annealing": "linear"},
            chosen=_BOTH,
        ),
        Arm(
            "dcgan_genmix",
            "Classic + DCGAN, GenMix",
            "#0072B2",
            "P",
            generator="dcgan",
            mixing={"data.synthetic_share": 0.5, "mixing": "genmix", "mixing_alpha": 0.2},
            chosen=_BOTH,
        ),
        Arm(
            "dcgan_selected", "Classic + selected DCGAN", "#0072B2", "X", generator="dcgan", selects=True, chosen=_BOTH
        ),
        Arm("rpgan", "Classic + relativistic GAN", "#F0E442", "s", generator="rpgan", chosen=_BOTH),
        Arm("rpgan_first", "Relativistic GAN first", "#F0E442", "D", generator="rpgan", mixing=_FIRST, chosen=_BOTH),
        Arm("inpaint", "Classic + inpainted lesions", "#F0E442", "^", generator="inpaint", chosen=_BOTH),
        Arm(
            "inpaint_first", "Inpainted lesions first", "#F0E442", "v", generator="inpaint", mixing=_FIRST, chosen=_BOTH
        ),
        Arm("bovw", "Bag of visual words", "#CC79A7", "s", predictor="bovw", chosen=()),
    )
}

# Those of the paper's main comparison.
PAPER_ARMS = ("none", "classic", "dcgan", "acgan", "acgan_discriminator")

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
