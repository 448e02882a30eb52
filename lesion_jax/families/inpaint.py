"""Inpainting diffusion: a small EDM model redraws the lesion inside a training patient's real tissue.

From: EDM (Karras et al. 2022, arXiv 2206.00364), its loss and sampler; the idea of redrawing the lesion alone is of
ciGAN (arXiv 1807.08093) and LeFusion (arXiv 2403.14066). It makes combinations that no training lesion shows: one of a
class in the tissue of another patient, and `origins` says whose that is.

What differs: no segmentation is needed, since a lesion's record holds centre and diameter: the mask is a disc of 1.15
radii. The images of classic augmentation are learned from, as by other families, in place of EDM's augmentation with
labels. Of those some are shifted, and show a sliver of the lesion outside of the mask (0.13 radii at most), and some
show the lesion smaller; a drawing's tissue is neither. The checkpoint is that of the least denoising loss on the inner
patients; nothing stops a training for copies, which `evaluate --bank` counts.

Cost: 1.9 TFLOP a step of 64 images at 64x64 and the default widths, 9.7 GFLOP an evaluation and 35 evaluations an image
(XLA's count, not run). At 32x32, width 8 and one block, on a CPU: 32 CPU-s to compile, 0.17 CPU-s a step of 16
images, 139 CPU-s for 1000 drawn ones.

Smallest set on which it gave usable images: 90 lesions of the phantom in three classes (and 30 inner ones), with those
narrow settings and 500 steps, 85 CPU-s. Of 100 images a class the audit said: kernel distance 0.004 (real -0.001), a
classifier trained on them right on 77 % of real lesions (on real ones 80 %), no copies; but told from real ones in 76 %
(58 %), and metastases look much like hemangiomas. Of 50, 50 and 6 lesions it drew, after 1,000 steps, what gained in a
study on top of balanced classes; of 22 real lesions of one class images that are as near to other patients' lesions as
real ones are (benchmarks/README.md).
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.config import LoopConfig
from lesion_jax.config.fields import compiled, host, traced
from lesion_jax.config.training import TrainingConfig
from lesion_jax.core import keys as key_streams
from lesion_jax.core.intensity import from_signed, to_signed
from lesion_jax.core.state import TrainState
from lesion_jax.core.types import Lesion
from lesion_jax.data import draws
from lesion_jax.data.origins import Origins
from lesion_jax.data.training_images import TrainingImages
from lesion_jax.errors import ConfigError
from lesion_jax.families import chunks
from lesion_jax.families.base import Arrays, Average, Family, Program, Step, compute_dtype, hyper_of
from lesion_jax.families.blending import MASK_RADIUS, View, classic_view, crop
from lesion_jax.families.context import Context, images_of, seeds_of
from lesion_jax.families.inpaint_step import (
    Hyper,
    create_inpaint_state,
    denoised,
    denoising_loss,
    disc,
    make_inpaint_step,
)
from lesion_jax.models.unet import SCALE, Denoiser
from lesion_jax.objectives.edm import P_MEAN, P_STD, sample

# Noise levels of the inner loss: as many for each image, at equally likely values of the training's.
_NUM_LEVELS = 8


@dataclasses.dataclass(frozen=True)
class InpaintConfig(TrainingConfig):
    """Training of an inpainting diffusion model of all classes."""

    kind: Literal["inpaint"] = compiled("inpaint", doc="Always 'inpaint'.")
    width: int = compiled(64, above=0, doc="W of the U-Net's channels W, 2W, 2W.")
    num_blocks: int = compiled(2, above=0, doc="Residual blocks at each resolution.")
    dropout: float = compiled(0.25, low=0.0, below=1.0, doc="Share of values that each block drops in training.")
    learning_rate: float = traced(2e-4, above=0.0, doc="Learning rate of Adam.")
    ema_images: float = traced(
        500_000.0, low=0.0, doc="Half-life of the moving average, in images; at most 5 % of those seen so far."
    )
    sampling_steps: int = host(18, low=2, doc="Noise levels of a drawing; each but the last takes two evaluations.")
    guidance: float = host(
        1.0,
        low=1.0,
        high=3.0,
        doc="Weight of what the network says with the class against what it says without; 1 for the former alone. "
        "Above 1.5 images of a class are alike.",
    )
    loop: LoopConfig = LoopConfig(duration="10000 steps")

    def check(self, prefix: str = "") -> None:
        """Refuses impossible settings with a ConfigError."""
        super().check(prefix)
        if self.data.image_size % SCALE:
            raise ConfigError(
                f"{prefix}data.image_size is {self.data.image_size}; a U-Net of three resolutions needs a multiple of "
                f"{SCALE}."
            )
        if 1 + 2 * self.data.margin <= MASK_RADIUS:
            raise ConfigError(
                f"{prefix}data.margin is {self.data.margin}: the mask of {MASK_RADIUS} radii covers the image, and "
                "nothing is left to draw by; choose a larger one."
            )
        if self.data.banks:
            raise ConfigError(f"{prefix}data.banks is set, but a generator is never trained on synthetic images.")


@dataclasses.dataclass(frozen=True)
class InpaintProgram(Program):
    """Program of an inpainting diffusion; see `make_inpaint_step`."""

    denoiser: nn.Module
    num_classes: int
    window: tuple[float, float]
    batch_size: int

    def as_products(self) -> "InpaintProgram":
        """See `Program`."""
        return dataclasses.replace(self, denoiser=self.denoiser.clone(as_products=True))

    def make_step(self, average: Average) -> Step:
        """See `make_inpaint_step`."""
        settings = {"num_classes": self.num_classes, "window": self.window, "batch_size": self.batch_size}
        return make_inpaint_step(self.denoiser, average=average, **settings)


def _denoiser(config: InpaintConfig, num_classes: int) -> nn.Module:
    return Denoiser(num_classes + 1, config.width, config.num_blocks, config.dropout, compute_dtype(config))


def _make_program(config: InpaintConfig, num_classes: int) -> InpaintProgram:
    window: Any = config.data.window
    return InpaintProgram(_denoiser(config, num_classes), num_classes, window, config.data.batch_size)


def _init_state(config: InpaintConfig, program: InpaintProgram, images: TrainingImages | None) -> TrainState:
    data_std = 0.5
    if images is not None:
        data_std = float(np.std(to_signed(jnp.asarray(images.originals.pixels), program.window)))
    facts = {"mask": jnp.asarray(disc(config.data.image_size, config.data.margin)), "data_std": jnp.float32(data_std)}
    seed = jnp.int32(config.seed)
    return create_inpaint_state(program.denoiser, config.data.image_size, seed, hyper_of(config) | facts)


def _tissue(context: Context, keys: jax.Array) -> list[View]:
    """The training lesion whose surroundings each image shows, turned and flipped, in the middle."""
    views = []
    for seed in seeds_of(keys):
        lesion: Lesion = context.lesions[int(draws.uniform("inpaint", seed, count=1)[0] * len(context.lesions))]
        views.append(dataclasses.replace(classic_view(context, lesion, seed), offset=np.zeros(2)))
    return views


def _draw(
    config: InpaintConfig,
    num_classes: int,
    arrays: Arrays,
    keys: jax.Array,
    labels: np.ndarray,
    context: Context | None,
) -> np.ndarray:
    assert context is not None
    around = images_of(_tissue(context, keys), lambda view: crop(context, view), context.image_size)
    apply = _compiled_sampler(
        _denoiser(config, num_classes), num_classes, config.sampling_steps, config.guidance, config.data.window
    )
    variables = {"params": arrays["ema"]["denoiser"]["params"]}
    facts = {name: arrays["hyper"][name] for name in ("mask", "data_std")}
    key_data = np.asarray(jax.random.key_data(keys))
    return chunks.draw(functools.partial(apply, variables, facts), key_data, labels.astype(np.int32), around)


# Trainings of one shape share a compiled function, however many there are.
@functools.cache
def _compiled_sampler(
    denoiser: nn.Module, num_classes: int, num_steps: int, guidance: float, window: Any
) -> Callable[..., Any]:
    """f(variables, facts, key data [B, 2], labels [B], pixels around [B, H, H]) -> int16 pixels [B, H, H]."""

    @jax.jit
    def apply(variables: Any, facts: Hyper, key_data: jax.Array, labels: jax.Array, around: jax.Array) -> jax.Array:
        known, own_keys = to_signed(around, window), jax.random.wrap_key_data(key_data)
        noise = jax.vmap(lambda key: jax.random.normal(key, known.shape[1:]))(own_keys)

        def hold(x: jax.Array, sigma: jax.Array) -> jax.Array:
            # Along the flow the surroundings are themselves plus their own noise.
            return facts["mask"] * x + (1 - facts["mask"]) * (known + sigma * noise)

        def denoise(x: jax.Array, sigma: jax.Array) -> jax.Array:
            def told(labels: jax.Array) -> jax.Array:
                sigmas = jnp.broadcast_to(sigma, labels.shape)
                return denoised(denoiser.apply, variables, x, known, sigmas, labels, facts)

            if guidance == 1:
                return told(labels)
            without = told(jnp.full_like(labels, num_classes))
            return without + guidance * (told(labels) - without)

        return from_signed(jnp.clip(sample(denoise, noise, num_steps, hold), -1.0, 1.0), window)

    return apply


def _origins(
    config: InpaintConfig, num_classes: int, arrays: Arrays, keys: jax.Array, labels: np.ndarray, context: Context
) -> Origins:
    """The lesion itself is of nobody: both names are of the one in whose place it stands."""
    del config, num_classes, arrays, labels
    lesions = [view.lesion for view in _tissue(context, keys)]
    return Origins.of([[lesion] for lesion in lesions], lesions)


def _inner_loss(config: InpaintConfig, images: TrainingImages, arrays: Arrays) -> float:
    """Denoising loss of the moving average on the inner images; the noise is the same at every evaluation."""
    num_classes, inner = len(images.class_names), images.inner
    apply = _compiled_loss(_denoiser(config, num_classes), config.data.window)
    rows = np.repeat(np.arange(len(inner)), _NUM_LEVELS)
    levels = np.tile((np.arange(_NUM_LEVELS) + 0.5) / _NUM_LEVELS, len(inner)).astype(np.float32)
    key_data = np.asarray(jax.random.key_data(key_streams.per_image(0, len(rows))))
    variables = {"params": arrays["ema"]["denoiser"]["params"]}
    facts = {name: arrays["hyper"][name] for name in ("mask", "data_std")}
    run = functools.partial(apply, variables, facts)
    return float(np.mean(chunks.draw(run, key_data, levels, inner.labels, inner.pixels), dtype=np.float64))


@functools.cache
def _compiled_loss(denoiser: nn.Module, window: Any) -> Callable[..., Any]:
    """f(variables, facts, key data [B, 2], quantiles of sigma [B], labels [B], pixels [B, H, H]) -> losses [B]."""

    @jax.jit
    def apply(
        variables: Any, facts: Hyper, key_data: jax.Array, levels: jax.Array, labels: jax.Array, pixels: jax.Array
    ) -> jax.Array:
        clean, own_keys = to_signed(pixels, window), jax.random.wrap_key_data(key_data)
        sigma = jnp.exp(P_MEAN + P_STD * jax.scipy.stats.norm.ppf(levels))
        noise = jax.vmap(lambda key: jax.random.normal(key, clean.shape[1:]))(own_keys)
        noised = clean + sigma[:, None, None] * noise
        found = denoised(denoiser.apply, variables, noised, clean, sigma, labels, facts)
        return denoising_loss(clean, found, sigma, facts)

    return apply


INPAINT = Family(
    name="inpaint",
    title="Inpainting diffusion",
    stream="inpaint",
    config=InpaintConfig,
    make_program=_make_program,
    init_state=_init_state,
    draw=_draw,
    origins=_origins,
    inner_loss=_inner_loss,
)
