"""Settings of the classifier: the paper's recipe by default, and what other recipes add to it."""

import dataclasses
from typing import Literal

from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import compiled, traced
from lesion_jax.errors import ConfigError
from lesion_jax.families.classifier_intensity import MAX_BLUR
from lesion_jax.models.cnn import MIN_IMAGE_SIZE


@dataclasses.dataclass(frozen=True)
class ClassifierConfig(TrainingConfig):
    """Training of the paper's CNN."""

    kind: Literal["classifier"] = compiled("classifier", doc="Always 'classifier'.")
    width: int = compiled(32, above=0, doc="Filters of the first convolution; 32 in the paper.")
    learning_rate: float = traced(1e-3, above=0.0, doc="Learning rate of SGD.")
    momentum: float = traced(0.9, low=0.0, below=1.0, doc="Nesterov momentum; the paper names no value.")
    learning_rate_schedule: Literal["constant", "cosine"] = compiled(
        "constant",
        doc="'cosine' lets the rate fall to 0 over loop.duration, so that a run cannot be made longer. The paper is "
        "silent.",
    )
    fine_tuning_rate: float = traced(
        1.0, above=0.0, off=1.0, doc="Factor of the learning rate in the steps after data.synthetic_until."
    )
    weight_decay: float = traced(
        0.0, low=0.0, off=0.0, doc="L2 decay: so much of each weight is added to its gradient; 0 as in the paper."
    )
    ema_decay: float = traced(
        0.0,
        low=0.0,
        below=1.0,
        off=0.0,
        doc="Decay of a moving average of the weights, which answers in their place; 0 keeps none, as in the paper.",
    )
    input_scale: float = traced(
        1.0,
        above=0.0,
        off=1.0,
        doc="Factor of the images after the window is mapped to [0, 1] and the mean is subtracted; 1 as in the paper. "
        "For a window of 400 HU, 8 makes 50 HU one.",
    )
    logit_adjustment: float = traced(
        0.0,
        low=0.0,
        off=0.0,
        doc="Tau of logit adjustment: the loss sees logits plus tau times the logarithm of each class's share of the "
        "training, so that rare classes count as much as others at 1; 0 for none.",
    )
    mixing: Literal["none", "mixup", "cutmix", "genmix"] = compiled(
        "none",
        doc="Mixing of images and labels in a batch: 'mixup' averages two images, 'cutmix' puts a box of one into "
        "another, 'genmix' averages a real image with a synthetic one and wants data.synthetic_share 0.5.",
    )
    mixing_alpha: float = traced(
        0.2, above=0.0, doc="Alpha of the Beta(alpha, alpha) that shares are drawn from; 1 is usual for 'cutmix'."
    )
    intensity: Literal["none", "jitter"] = compiled(
        "none", doc="'jitter' blurs each training image, adds noise and shifts its values, by strengths of its own."
    )
    intensity_offset: float = traced(
        15.0,
        low=0.0,
        doc="Largest shift, up or down, in the dataset's unit: 15 HU is the shift between scanners of methods that "
        "report one; grey values want some 4 % of their range.",
    )
    intensity_noise: float = traced(
        10.0, low=0.0, doc="Standard deviation of the largest noise, in the dataset's unit."
    )
    intensity_blur: float = traced(
        0.7, low=0.0, high=MAX_BLUR, doc="Standard deviation of the widest Gaussian blur, pixels."
    )

    @property
    def depends_on_length(self) -> bool:
        """See `TrainingConfig`."""
        return super().depends_on_length or self.learning_rate_schedule == "cosine"

    def check_devices(self, num_devices: int) -> None:
        """See `TrainingConfig`."""
        if self.mixing != "none" and self.data.batch_size // num_devices % 2:
            raise ConfigError(
                f"mixing is {self.mixing!r}, which pairs images, but data.batch_size {self.data.batch_size} leaves an "
                f"odd number to each of {num_devices} devices; change one of the two."
            )

    def check(self, prefix: str = "") -> None:
        """Refuses impossible settings with a ConfigError."""
        super().check(prefix)
        if self.data.label:
            raise ConfigError(f"{prefix}data.label is {self.data.label!r}, but a classifier takes all classes.")
        if self.data.image_size < MIN_IMAGE_SIZE:
            raise ConfigError(
                f"{prefix}data.image_size is {self.data.image_size}; three unpadded convolutions with pooling need "
                f"{MIN_IMAGE_SIZE}."
            )
        if self.fine_tuning_rate != 1 and self.data.synthetic_until == 1:
            raise ConfigError(
                f"{prefix}fine_tuning_rate is {self.fine_tuning_rate}, but {prefix}data.synthetic_until is 1, so that "
                "no step comes after it; lower one or leave the other at 1."
            )
        if self.logit_adjustment and self.data.sampling == "balanced":
            raise ConfigError(
                f"{prefix}logit_adjustment is {self.logit_adjustment} and {prefix}data.sampling 'balanced': both make "
                "up for rare classes; use one of them."
            )
        if self.mixing == "genmix" and (self.data.synthetic_share, self.data.synthetic_annealing) != (0.5, "none"):
            raise ConfigError(
                f"{prefix}mixing is 'genmix', which pairs real with synthetic images, but {prefix}data.synthetic_share "
                f"is {self.data.synthetic_share} and {prefix}data.synthetic_annealing "
                f"{self.data.synthetic_annealing!r}; set them to 0.5 and 'none'."
            )
        if self.intensity != "none" and not (self.intensity_offset or self.intensity_noise or self.intensity_blur):
            raise ConfigError(
                f"{prefix}intensity is {self.intensity!r}, but {prefix}intensity_offset, intensity_noise and "
                "intensity_blur are 0, which does nothing; raise one of them."
            )
