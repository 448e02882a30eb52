"""One step of the inpainting diffusion: what lies under the mask is told from its noised image and what is around.

The network sees the noised image, the mask and the image outside of it. Its loss is that of `objectives.edm`, by
pixels: 1 inside of the mask, 0.1 outside, where the answer is given.
"""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from lesion_jax.core import keys
from lesion_jax.core.intensity import to_signed
from lesion_jax.core.state import Network, TrainState
from lesion_jax.families.base import Average, Metrics, Step
from lesion_jax.families.blending import FEATHER_PX, MASK_RADIUS
from lesion_jax.families.ema import moved_by_images
from lesion_jax.objectives.edm import P_MEAN, P_STD, loss_weight, preconditioning

Hyper = dict[str, jax.Array]
_WEIGHT_OUTSIDE = 0.1
# Share of the examples that are not told their class: so the network learns both.
_LABEL_DROPOUT = 0.1


def disc(image_size: int, margin: float) -> np.ndarray:
    """The mask in the middle of an image, of 1.15 lesion radii with a soft edge: float32 [H, H], 1 inside."""
    away = np.hypot(*np.meshgrid(*2 * [np.arange(image_size) - (image_size - 1) / 2], indexing="ij"))
    radius = MASK_RADIUS * image_size / (1 + 2 * margin) / 2
    return np.clip((radius - away) / FEATHER_PX + 0.5, 0, 1).astype(np.float32)


def denoised(
    apply: Any,
    variables: Any,
    noised: jax.Array,
    known: jax.Array,
    sigma: jax.Array,
    labels: jax.Array,
    hyper: Hyper,
    image_keys: jax.Array | None = None,
) -> jax.Array:
    """The mean of clean images, as the network tells it.

    Args:
      apply: `Denoiser.apply`.
      variables: Its variables.
      noised: float32 [B, H, H].
      known: float32 [B, H, H], the images; only what lies outside of the mask is shown.
      sigma: float32 [B].
      labels: int32 [B].
      hyper: "mask" [H, H] and "data_std".
      image_keys: Keys [B] of the dropout; None for none.

    Returns:
      float32 [B, H, H].
    """
    factors = preconditioning(sigma[:, None, None], hyper["data_std"])
    mask = jnp.broadcast_to(hyper["mask"], noised.shape)
    seen = jnp.stack([factors.into * noised, mask, known * (1 - mask)], axis=-1)
    answer = apply(variables, seen, factors.noise[:, 0, 0], labels, keys=image_keys)
    return factors.skip * noised + factors.out * answer


def denoising_loss(clean: jax.Array, found: jax.Array, sigma: jax.Array, hyper: Hyper) -> jax.Array:
    """Weighted mean squared error by pixel: [B, H, H] twice and sigma [B] -> float32 [B]."""
    weights = hyper["mask"] + _WEIGHT_OUTSIDE * (1 - hyper["mask"])
    mean = jnp.sum(weights * jnp.square(found - clean), axis=(1, 2)) / jnp.sum(weights)
    return loss_weight(sigma, hyper["data_std"]) * mean


def _adam(hyper: Hyper) -> optax.GradientTransformation:
    learning_rate: Any = hyper["learning_rate"]
    return optax.adam(learning_rate)  # pyright: ignore[reportArgumentType]


@functools.partial(jax.jit, static_argnums=(0, 1))
def create_inpaint_state(denoiser: nn.Module, image_size: int, seed: jax.Array, hyper: Hyper) -> TrainState:
    """Initial state on the default device; a function of the seed alone.

    Args:
      denoiser: Called as (images and context float32 [B, H, H, 3], noise float32 [B], labels int32 [B]).
      image_size: Side H of the images, pixels.
      seed: int32 scalar, seed of the weights.
      hyper: Traced settings of the config, kept in the state.
    """
    x, zeros = jnp.zeros((1, image_size, image_size, 3)), jnp.zeros((1,))
    variables = denoiser.init(keys.stream(seed, "weights"), x, zeros, zeros.astype(jnp.int32))
    network = Network(variables["params"], {}, _adam(hyper).init(variables["params"]))
    ema = {"denoiser": jax.tree.map(jnp.copy, network.variables)}
    return TrainState(jnp.zeros((), jnp.int32), {"denoiser": network}, ema, hyper, {})


def make_inpaint_step(
    denoiser: nn.Module, *, num_classes: int, window: tuple[float, float], batch_size: int, average: Average
) -> Step:
    """The step of one replica.

    Args:
      denoiser: A `Denoiser` of num_classes + 1 labels, of which the last is "not told".
      num_classes: Number of classes.
      window: Range of pixel values that the network can tell apart.
      batch_size: Images of the global batch.
      average: Mean over replicas.

    Returns:
      The step, as in `families.base.Step`; its key is the root of all noise.
    """

    def step(state: TrainState, batch: dict[str, jax.Array], key: jax.Array) -> tuple[TrainState, Metrics]:
        hyper, network = state.hyper, state.networks["denoiser"]
        example_keys = keys.per_example(keys.at_step(key, state.step), batch["index"])
        clean = to_signed(batch["pixels"], window)
        sigma = jnp.exp(P_MEAN + P_STD * jax.vmap(jax.random.normal)(keys.named(example_keys, "sigma")))
        draw_noise = jax.vmap(lambda own: jax.random.normal(own, clean.shape[1:]))
        noised = clean + sigma[:, None, None] * draw_noise(keys.named(example_keys, "noise"))
        is_told = jax.vmap(jax.random.uniform)(keys.named(example_keys, "label")) >= _LABEL_DROPOUT
        labels = jnp.where(is_told, batch["label"], num_classes)

        def mean_loss(params: Any) -> jax.Array:
            variables, dropout_keys = {"params": params}, keys.named(example_keys, "dropout")
            found = denoised(denoiser.apply, variables, noised, clean, sigma, labels, hyper, dropout_keys)
            return jnp.mean(denoising_loss(clean, found, sigma, hyper))

        loss, grads = jax.value_and_grad(mean_loss)(network.params)
        grads, metrics = average((grads, {"loss/denoising": loss}))
        updates, opt_state = _adam(hyper).update(grads, network.opt_state, network.params)
        network = Network(optax.apply_updates(network.params, updates), {}, opt_state)
        old = state.ema["denoiser"]
        ema = moved_by_images(old, network.variables, state.step, batch_size, hyper["ema_images"])
        new = state.replace(step=state.step + 1, networks={"denoiser": network}, ema={"denoiser": ema})
        return new, metrics

    return step
