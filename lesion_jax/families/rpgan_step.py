"""One step of the relativistic GAN: losses of pairs, penalties on the slopes at real and at generated images.

    L_D = softplus(D(G(z)) - D(x)) + gamma / 2 (|dD/dx|^2 + |dD/dG(z)|^2)        L_G = softplus(D(x) - D(G(z)))

means over the batch, squares summed over pixels (Huang et al. 2024, arXiv 2501.05441; R1 is of Mescheder et al. 2018).
D sees every image augmented, and slopes are with respect to the image before that.

Without batch norm a logit depends on its own image alone. So the slopes that the penalty needs are G's gradient too,
once each is multiplied by the slope of its pair's loss, and D is run through once for both networks.
"""

import functools
import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from lesion_jax.core import keys
from lesion_jax.core.intensity import to_signed
from lesion_jax.core.state import Network, TrainState
from lesion_jax.families.adversarial_state import first_state, networks_of, next_state
from lesion_jax.families.base import Average, Metrics, Step
from lesion_jax.families.diff_augment import Strengths, augment
from lesion_jax.families.ema import moved_by_images
from lesion_jax.metrics.collapse import DISCRIMINATOR_LOSS
from lesion_jax.objectives.gan import relativistic_loss

Hyper = dict[str, jax.Array]


def scheduled(hyper: Hyper, step: jax.Array) -> Hyper:
    """Settings at a step, counted from 0: "learning_rate", "beta2", "gamma" and "augment_probability".

    Each goes by half a cosine from its first value to its final one at the end of the training, the probability from 0.
    """
    done = 0.5 - 0.5 * jnp.cos(math.pi * step / hyper["num_steps"])
    found = {"augment_probability": done * hyper["augment_probability"]}
    for name in ("learning_rate", "beta2", "gamma"):
        found[name] = hyper[name] + done * (hyper[f"final_{name}"] - hyper[name])
    return found


def strengths_of(hyper: Hyper, probability: jax.Array, window: tuple[float, float]) -> Strengths:
    """How much images in [-1, 1] are augmented; the offset is given in the dataset's unit."""
    offset = hyper["augment_offset"] * (2.0 / (window[1] - window[0]))
    return Strengths(probability, hyper["augment_shift"], hyper["augment_cutout"], offset)


def _adam(learning_rate: Any = 0.0, beta2: Any = 0.0) -> optax.GradientTransformation:
    return optax.adam(learning_rate, b1=0.0, b2=beta2)


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def create_rpgan_state(
    generator: nn.Module, discriminator: nn.Module, image_size: int, latent_size: int, seed: jax.Array, hyper: Hyper
) -> TrainState:
    """Initial state; a function of the seed alone.

    Args:
      generator: Called as (z [B, latent_size], labels [B], train=bool) -> [B, H, H, 1].
      discriminator: Called as (images [B, H, H, 1], labels [B]) -> [B].
      image_size: Side H of the images, pixels.
      latent_size: Length of z.
      seed: int32 scalar, seed of the weights.
      hyper: Traced settings of the config and num_steps, kept in the state.

    Returns:
      State on the default device.
    """
    key_g, key_d = jax.random.split(keys.stream(seed, "weights"))
    labels = jnp.zeros((1,), jnp.int32)
    variables_g = generator.init(key_g, jnp.zeros((1, latent_size)), labels, train=True)
    variables_d = discriminator.init(key_d, jnp.zeros((1, image_size, image_size, 1)), labels)
    network_g, network_d = (Network(v["params"], {}, _adam().init(v["params"])) for v in (variables_g, variables_d))
    return first_state(network_g, network_d, hyper)


def make_rpgan_step(
    generator: nn.Module,
    discriminator: nn.Module,
    *,
    latent_size: int,
    window: tuple[float, float],
    batch_size: int,
    average: Average,
) -> Step:
    """The step of one replica; generated image i has the label of real image i.

    Args:
      generator: Called as in `create_rpgan_state`.
      discriminator: Called as in `create_rpgan_state`; no image may change another's logit.
      latent_size: Length of z; z and the augmentations are drawn from the key, the step and each example's index.
      window: Range of pixel values that the networks can tell apart.
      batch_size: Images of the global batch.
      average: Mean over replicas.

    Returns:
      The step, as in `families.base.Step`; its key is the root of the training's random stream.
    """

    def step(state: TrainState, batch: dict[str, jax.Array], key: jax.Array) -> tuple[TrainState, Metrics]:
        now, num = scheduled(state.hyper, state.step), len(batch["label"])
        strengths = strengths_of(state.hyper, now["augment_probability"], window)
        before_g, before_d, average_g = networks_of(state)
        example_keys = keys.per_example(keys.at_step(key, state.step), batch["index"])
        z = keys.latents(example_keys, latent_size)
        own = [keys.named(example_keys, name) for name in ("augment real", "augment fake")]
        image_keys, labels = jnp.concatenate(own), jnp.tile(batch["label"], 2)
        real = to_signed(batch["pixels"], window)[..., None]

        def generate(params: Any) -> Any:
            return generator.apply({"params": params}, z, batch["label"], train=True)

        fake, pull_generator = jax.vjp(generate, before_g.params)
        images = jnp.concatenate([real, fake])

        def loss_of(params: Any) -> tuple[jax.Array, Any]:
            def critic(images: jax.Array) -> Any:
                return discriminator.apply({"params": params}, augment(images, image_keys, strengths), labels)

            logits, pull = jax.vjp(critic, images)
            (slopes,) = pull(jnp.ones_like(logits))
            on_d, _ = relativistic_loss(logits[:num], logits[num:])
            squares = jnp.sum(jnp.square(slopes), axis=(1, 2, 3))
            loss, penalties = jnp.mean(on_d), (jnp.mean(squares[:num]), jnp.mean(squares[num:]))
            return loss + 0.5 * now["gamma"] * sum(penalties), (loss, penalties, logits, slopes)

        grads_d, (loss, penalties, logits, slopes) = jax.grad(loss_of, has_aux=True)(before_d.params)
        on_g, of_logit = jax.value_and_grad(lambda fake: jnp.mean(relativistic_loss(logits[:num], fake)[1]))(
            logits[num:]
        )
        (grads_g,) = pull_generator(of_logit[:, None, None, None] * slopes[num:])

        metrics = {
            DISCRIMINATOR_LOSS: loss,
            "loss/generator": on_g,
            "penalty/real": penalties[0],
            "penalty/fake": penalties[1],
            "logit/difference": jnp.mean(logits[:num] - logits[num:]),
        }
        grads_d, grads_g, metrics = average((grads_d, grads_g, metrics))
        adam = _adam(now["learning_rate"], now["beta2"])
        network_g, network_d = (_updated(adam, *pair) for pair in ((before_g, grads_g), (before_d, grads_d)))
        average_g = moved_by_images(average_g, network_g.variables, state.step, batch_size, state.hyper["ema_images"])
        return next_state(state, network_g, network_d, average_g, metrics[DISCRIMINATOR_LOSS]), metrics

    return step


def _updated(adam: optax.GradientTransformation, network: Network, grads: Any) -> Network:
    updates, opt_state = adam.update(grads, network.opt_state, network.params)
    return Network(optax.apply_updates(network.params, updates), {}, opt_state)
