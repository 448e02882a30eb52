"""Table of the arms: what the protocol trains and compares. A new arm is one row; nothing else names an arm.

Every generator can be used in every way: a new generator, and a new use of all of them, is one row too.

Figures, tables, curves, samples and the report's first sentences list whatever the table holds.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from lesion_jax.errors import ConfigError

Size = Literal["classic_size", "synthetic_size"]
Role = Literal["generator", "baseline", "ceiling"]
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
      given_role: See `role`; None where that follows from whether it has a generator.
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
    given_role: Role | None = None

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
    def role(self) -> Role:
        """Whether it tries a generator, needs none (as a placebo does not), or is what no generator can exceed."""
        return self.given_role or ("baseline" if self.generator is None else "generator")

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


@dataclasses.dataclass(frozen=True)
class _Source:
    """A generator, as arms name it.

    Attributes:
      name: Key of `PaperConfig.models`, and of its appending arm.
      words: In titles.
      color: Of all of its arms.
      marker: Of the appending one.
      role: See `Arm`.
    """

    name: str
    words: str
    color: str
    marker: str = "s"
    role: Role = "generator"


@dataclasses.dataclass(frozen=True)
class _Use:
    """How the images of any generator join the training.

    Attributes:
      suffix: Behind the generator's name.
      title: Format of the title; `{words}` and, with a capital, `{Words}` are the generator's.
      marker: None for the generator's own.
      mixing: See `Arm`.
      selects: See `Arm`.
    """

    suffix: str
    title: str
    marker: str | None
    mixing: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    selects: bool = False

    def of(self, source: _Source) -> Arm:
        """The arm of a generator's images used so."""
        words = source.words
        return Arm(
            f"{source.name}{self.suffix}",
            self.title.format(words=words, Words=words[0].upper() + words[1:]),
            source.color,
            self.marker or source.marker,
            generator=source.name,
            mixing=self.mixing,
            selects=self.selects,
            chosen=_BOTH,
            given_role=source.role,
        )


# Colours are Okabe and Ito's, then Tol's, which stay apart for colour-blind readers; arms of one differ by marker.
_SOURCES = (
    _Source("dcgan", "DCGAN", "#0072B2"),
    _Source("acgan", "ACGAN", "#D55E00", "^"),
    _Source("rpgan", "relativistic GAN", "#F0E442"),
    _Source("inpaint", "inpainted lesions", "#882255"),
    # Without one that learns.
    _Source("paste", "pasted lesions", "#E69F00"),
    _Source("recombine", "recombined lesions", "#999933"),
    # Controls: what more of the same does, and what the best possible generator would.
    _Source("more_classic", "more classic", "#44AA99", "P", role="baseline"),
    _Source("oracle", "fresh lesions", "#009E73", "*", role="ceiling"),
)
_USES = (
    _Use("", "Classic + {words}", None),
    # Share of a batch, and of the training, of banks that are used first; then real images alone (arXiv 2508.16783).
    _Use("_first", "{Words} first", "D", {"data.synthetic_share": 0.5, "data.synthetic_until": 0.6}),
    _Use(
        "_annealed",
        "Classic + {words}, annealed",
        "v",
        {"data.synthetic_share": 0.5, "data.synthetic_annealing": "linear"},
    ),
    _Use(
        "_genmix",
        "Classic + {words}, GenMix",
        "h",
        {"data.synthetic_share": 0.5, "mixing": "genmix", "mixing_alpha": 0.2},
    ),
    _Use("_selected", "Classic + selected {words}", "X", selects=True),
)

ARMS = {
    arm.name: arm
    for arm in (
        Arm("none", "No augmentation", "#7F7F7F", "v", changes={"data.classic_size": 0}, chosen=()),
        Arm("classic", "Classic", "#000000", "o"),
        *(use.of(source) for source in _SOURCES for use in _USES),
        # Of the classifier's training alone.
        Arm("oversampling", "Classic, classes balanced", "#56B4E9", "o", changes={"data.sampling": "balanced"}),
        Arm("logit_adjustment", "Classic, logits adjusted", "#56B4E9", "s", changes={"logit_adjustment": 1.0}),
        Arm("mixup", "Classic + mixup", "#56B4E9", "^", changes={"mixing": "mixup", "mixing_alpha": 0.2}),
        Arm("cutmix", "Classic + CutMix", "#56B4E9", "v", changes={"mixing": "cutmix", "mixing_alpha": 1.0}),
        Arm("intensity", "Classic + intensity", "#56B4E9", "D", changes={"intensity": "jitter"}),
        Arm("ensemble", "Classic, five networks", "#56B4E9", "P", members=5),
        # Of other models that answer.
        Arm(
            "acgan_discriminator",
            "ACGAN discriminator",
            "#CC79A7",
            "D",
            predictor="acgan",
            chosen=(),
            given_role="generator",
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
