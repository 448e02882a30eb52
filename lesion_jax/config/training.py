"""The settings that every training has. Defaults are the paper's; where the paper is silent, the text says so."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Literal

from lesion_jax.config.fields import check_ranges, compiled, host, seed
from lesion_jax.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Images that a training sees."""

    dataset: str = host("", doc="Directory written by `lesion-jax build`.", is_free=True)
    fold: int = host(0, low=0, doc="Test fold; the training sees the other folds.")
    partition: str = host(
        "",
        doc="Which folds: empty for the dataset's own; 'repeat:K' for the Kth other random partition; 'tag:NAME' for a "
        "fold of each value of a tag; 'tag:NAME=VALUE' for one test fold, the lesions with that value. A tag is a "
        "column of the csv that `lesion-jax build --tags` kept.",
    )
    per_class: tuple[int, ...] = host(
        (),
        above=0,
        doc="So many training lesions of each class, one number for all or one per class, patient after patient; empty "
        "for all.",
    )
    subset: int = seed(0, doc="Which patients those are, where data.per_class is set.")
    hold_out_inner: bool = host(
        True,
        doc="Keep the inner validation patients out of training, to choose checkpoints and sizes on. False trains on "
        "all of the training folds, as the paper did.",
    )
    label: str = host("", doc="Name of the only class to train on; empty for all of them.")
    image_size: int = compiled(64, above=0, doc="Side of the square image, pixels.")
    window: tuple[float, ...] = compiled(
        (),
        doc="Lowest and highest pixel value that the networks can tell apart, in the dataset's unit; empty takes the "
        "dataset's own. The paper is silent; for HU it is the usual abdominal window, level 40, width 400.",
    )
    margin: float = host(
        0.25,
        low=0.0,
        high=0.5,
        doc="Tissue around the lesion on each side, as a share of its diameter; more than half is not stored. The "
        "paper is silent about the value.",
    )
    classic_size: int = host(
        5000,
        low=0,
        doc="Classic augmentation: images per fold, as the paper counts them (two training folds give twice as many); "
        "0 for the originals alone.",
    )
    augmentation_seed: int = seed(0, doc="Seed of the classic augmentation.")
    banks: tuple[str, ...] = host((), doc="Synthetic banks to mix in.", is_free=True)
    refuse_broken_banks: bool = host(
        False,
        doc="Audit the banks before the training, and refuse them where they are broken: no lesions, all alike, "
        "wrongly labelled, or copies. Real images beside them are of inner patients, or of test patients where the "
        "generator held no inner ones out. Ten to thirty seconds.",
        is_free=True,
        is_varied=False,
    )
    synthetic_size: int = host(
        0,
        low=0,
        doc="Synthetic images per class and fold, as the paper counts them; 0 for none. Held-out inner patients take "
        "their share of the real images with them, not of the synthetic ones.",
    )
    synthetic_share: float = host(
        0.0, low=0.0, below=1.0, doc="Share of a batch that is synthetic; 0 means in proportion to the sizes."
    )
    synthetic_until: float = host(
        1.0,
        above=0.0,
        high=1.0,
        doc="Share of the training's steps, from its beginning, that use synthetic images; the others use real ones "
        "alone: pretrain on a bank, then fine-tune. 1 uses them to the end.",
    )
    synthetic_annealing: Literal["none", "linear"] = host(
        "none",
        doc="'linear' lowers the share of synthetic images step by step, from synthetic_share to 0 at synthetic_until; "
        "'none' keeps it.",
    )
    sampling: Literal["natural", "balanced"] = host(
        "natural",
        doc="How often a real image is seen: 'natural' each equally often, 'balanced' each class equally often, which "
        "repeats the images of rare classes (oversampling).",
    )
    batch_size: int = compiled(64, above=0, doc="Global batch: real images of a generator, all images of a classifier.")
    feed: Literal["auto", "stream", "resident"] = host(
        "auto",
        doc="How batches reach the devices: 'stream' sends each by tf.data, 'resident' lets all images lie on every "
        "device that trains and sends their numbers, 'auto' the latter where a quarter of its memory holds them. The "
        "batches are the same. Sweeps and the paper take 'auto', and it means 'resident'.",
        is_free=True,
        is_varied=False,
    )

    def check(self, prefix: str) -> None:
        """Refuses settings that contradict each other, with a ConfigError."""
        if self.window and not (len(self.window) == 2 and self.window[0] < self.window[1]):
            raise ConfigError(
                f"{prefix}window is {self.window}; it is empty, or two finite numbers of which the first is below the "
                "second."
            )
        if not re.fullmatch(r"|repeat:[1-9]\d*|tag:[^=]+(=.+)?", self.partition):
            raise ConfigError(
                f"{prefix}partition is {self.partition!r}; it is empty, 'repeat:K', 'tag:NAME' or 'tag:NAME=VALUE'."
            )
        if self.synthetic_share and not self.synthetic_size:
            raise ConfigError(
                f"{prefix}synthetic_share is {self.synthetic_share} but {prefix}synthetic_size is 0; set both or "
                "neither."
            )
        if self.synthetic_size and not self.banks:
            raise ConfigError(
                f"{prefix}synthetic_size is {self.synthetic_size} but {prefix}banks is empty; name a bank."
            )
        is_annealed = self.synthetic_annealing != "none"
        if (is_annealed or self.synthetic_until < 1) and not self.synthetic_size:
            raise ConfigError(
                f"{prefix}synthetic_until is {self.synthetic_until} and {prefix}synthetic_annealing "
                f"{self.synthetic_annealing!r}, but {prefix}synthetic_size is 0; name a bank and its size."
            )
        if is_annealed and not self.synthetic_share:
            raise ConfigError(
                f"{prefix}synthetic_annealing is {self.synthetic_annealing!r}, but {prefix}synthetic_share is 0; say "
                "from which share it falls."
            )
        if len(set(self.banks)) < len(self.banks):
            raise ConfigError(f"{prefix}banks is {self.banks}; it names a bank twice.")
        if self.banks and not self.synthetic_size:
            raise ConfigError(
                f"{prefix}banks names {len(self.banks)} but {prefix}synthetic_size is 0; say how many to take."
            )


@dataclasses.dataclass(frozen=True)
class LoopConfig:
    """Length of a training, and how often something happens; durations read '2000 steps', '5 epochs' or '10%'."""

    duration: str = host("150 epochs", doc="Length of the training.", is_free=True)
    log_every: str = host("50 steps", doc="Metrics to metrics.jsonl and TensorBoard.", is_free=True)
    # Not free: it decides which checkpoint is the best.
    evaluate_every: str = host(
        "10%", doc="Scores on the inner validation images, and the choice of the best checkpoint."
    )
    checkpoint_every: str = host("10%", doc="Saves of the last checkpoint.", is_free=True)
    pictures_every: str = host("10%", doc="Sample grids of a generator; '0 steps' for none.", is_free=True)


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Settings of one training; a family adds its own, see `lesion_jax.families`."""

    kind: str = compiled("", doc="Family of the training.")
    seed: int = seed(0, doc="Seed of weights, batches and whatever a step draws.")
    num_devices: int = host(
        0,
        low=0,
        doc="Data-parallel replicas, which share the batch evenly; 0 for every device. However many, the result is one "
        "device's up to rounding.",
        is_varied=False,
    )
    dtype: Literal["auto", "float32", "bfloat16"] = compiled(
        "auto",
        doc="Type of the computation; parameters, statistics and loss are float32 in any case. 'auto' is bfloat16 on "
        "accelerators and float32 on CPUs; the run keeps which.",
    )
    data: DataConfig = DataConfig()
    loop: LoopConfig = LoopConfig()

    @property
    def stops_on_collapse(self) -> bool:
        """Whether a collapse ends the training; a family that can collapse may say so."""
        return False

    @property
    def depends_on_devices(self) -> bool:
        """Whether the result depends on num_devices by more than rounding, so that it is part of the run."""
        return False

    @property
    def depends_on_length(self) -> bool:
        """Whether steps depend on when the last one comes, so that a run cannot be made longer."""
        return self.data.synthetic_until < 1 or self.data.synthetic_annealing != "none"

    def check_devices(self, num_devices: int) -> None:
        """Refuses a number of devices that cannot share a step, with a ConfigError; a family may have its own reasons.

        Args:
          num_devices: Devices that share each batch evenly.
        """
        del num_devices

    def check(self, prefix: str = "") -> None:
        """Refuses impossible settings; a family's class checks its own and calls this.

        Args:
          prefix: Where the config stands in another one, for messages.

        Raises:
          ConfigError: Names the settings and their values.
        """
        check_ranges(self, prefix)
        self.data.check(f"{prefix}data.")


def replace(config: Any, changes: Mapping[str, Any]) -> Any:
    """A config with some fields changed.

    Args:
      config: Any frozen dataclass.
      changes: Dotted name -> value.

    Raises:
      ConfigError: There is no such field.
    """
    for name, value in changes.items():
        config = _replaced(config, name.split("."), value, name)
    return config


def _replaced(config: Any, path: list[str], value: Any, name: str) -> Any:
    fields = {field.name for field in dataclasses.fields(config)} if dataclasses.is_dataclass(config) else set()
    if path[0] not in fields:
        raise ConfigError(f"{name} is not a setting of {type(config).__name__}.")
    if len(path) > 1:
        value = _replaced(getattr(config, path[0]), path[1:], value, name)
    return dataclasses.replace(config, **{path[0]: value})  # pyright: ignore[reportArgumentType]
