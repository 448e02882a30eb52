"""One step of a GAN: both networks run forward once, two gradients come from it."""

import functools
from collections.abc import Callable
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
from lesion_jax.families.ema import moved
from lesion_jax.metrics.collapse import DISCRIMINATOR_LOSS
from lesion_jax.objectives.classification import cross_entropy_loss
from lesion_jax.objectives.gan import PairLoss

# critic(params, images [B, H, H, 1]) -> source logits [B], by the batch's own statistics, which are not kept.
Critic = Callable[[Any, jax.Array], jax.Array]
# penalty(critic, params of D, real [B, H, H, 1], fake [B, H, H, 1], hyper) -> scalar that D's loss gains. It may
# differentiate the critic with respect to images: D's gradient is then of second order.
Penalty = Callable[[Critic, Any, jax.Array, jax.Array, dict[str, jax.Array]], jax.Array]


def _adam(hyper: dict[str, jax.Array]) -> optax.GradientTransformation:
    learning_rate: Any = hyper["learning_rate"]
    return optax.adam(learning_rate, b1=hyper["beta1"], b2=hyper["beta2"])  # pyright: ignore[reportArgumentType]


def create_gan_state(
    generator: nn.Module,
    discriminator: nn.Module,
    *,
    seed: int,
    image_size: int,
    latent_size: int,
    hyper: dict[str, jax.Array],
) -> TrainState:
    """Initial state; a function of the seed alone.

    Args:
      generator: Called as (z [B, latent_size], labels [B], train=bool) -> [B, H, H, 1].
      discriminator: Called as (images [B, H, H, 1], train=bool) -> (source [B], class [B, C] or None).
      seed: Seed of the weights.
      image_size: Side H of the images, pixels.
      latent_size: Length of z.
      hyper: Traced settings of the config, kept in the state.

    Returns:
      State on the default device.
    """
    return _create(generator, discriminator, image_size, latent_size, jnp.int32(seed), hyper)


# Compiled once per shape of network, not once per run.
@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _create(
    generator: nn.Module,
    discriminator: nn.Module,
    image_size: int,
    latent_size: int,
    seed: jax.Array,
    hyper: dict[str, jax.Array],
) -> TrainState:
    key_g, key_d = jax.random.split(keys.stream(seed, "weights"))
    z, labels = jnp.zeros((1, latent_size)), jnp.zeros((1,), jnp.int32)
    network_g, network_d = (
        Network(v["params"], v.get("batch_stats", {}), _adam(hyper).init(v["params"]))
        for v in (
            generator.init(key_g, z, labels, train=True),
            discriminator.init(key_d, jnp.zeros((1, image_size, image_size, 1)), train=True),
        )
    )
    return first_state(network_g, network_d, hyper)


def _updated(network: Network, grads: Any, batch_stats: Any, hyper: dict[str, jax.Array], take: jax.Array) -> Network:
    updates, opt_state = _adam(hyper).update(grads, network.opt_state, network.params)
    new = Network(optax.apply_updates(network.params, updates), batch_stats, opt_state)
    return jax.tree.map(lambda n, o: jnp.where(take, n, o), new, network)


def make_gan_step(
    generator: nn.Module,
    discriminator: nn.Module,
    *,
    pair_loss: PairLoss,
    latent_size: int,
    window: tuple[float, float],
    average: Average,
    penalty: Penalty | None = None,
) -> Step:
    """The step of one replica (paper, sections on the DCGAN and the ACGAN).

    D sees the real and the fake images as two batches, each with its own batch statistics.
    Both gradients come from the same forward pass: G's gradient comes through D as it was
    before D's update. Fake images take the labels of the real ones, so that pair i is of one class. With
    hyper["generator_every"] = n, G is updated at steps 0, n, 2n, ...; likewise D.

    Args:
      generator: Called as in `create_gan_state`.
      discriminator: Called as in `create_gan_state`; hyper["class_weight"] weighs the loss of a class output.
      pair_loss: Adversarial loss of both networks.
      latent_size: Length of z; z is drawn from the key, the step and each example's index.
      window: Range of pixel values that the networks can tell apart.
      average: Mean over replicas.
      penalty: Term that D's loss gains, such as a gradient penalty; None for none.

    Returns:
      The step, as in `families.base.Step`; its key is the root of the training's latents.
    """

    def step(state: TrainState, batch: dict[str, jax.Array], key: jax.Array) -> tuple[TrainState, Metrics]:
        hyper, labels = state.hyper, batch["label"]
        before_g, before_d, average_g = networks_of(state)
        real = to_signed(batch["pixels"], window)[..., None]
        z = keys.latents(keys.per_example(keys.at_step(key, state.step), batch["index"]), latent_size)

        def generate(params: Any) -> tuple[jax.Array, Any]:
            variables = {"params": params, "batch_stats": before_g.batch_stats}
            image, updated = generator.apply(variables, z, labels, train=True, mutable=["batch_stats"])
            return image, updated.get("batch_stats", {})

        def judge(params: Any, fake: jax.Array) -> tuple[Any, Any]:
            variables = {"params": params, "batch_stats": before_d.batch_stats}
            on_real, updated = discriminator.apply(variables, real, train=True, mutable=["batch_stats"])
            variables = {"params": params, "batch_stats": updated.get("batch_stats", {})}
            on_fake, updated = discriminator.apply(variables, fake, train=True, mutable=["batch_stats"])
            return (on_real, on_fake), updated.get("batch_stats", {})

        def critic(params: Any, images: jax.Array) -> jax.Array:
            variables = {"params": params, "batch_stats": before_d.batch_stats}
            (source, _), _ = discriminator.apply(variables, images, train=True, mutable=["batch_stats"])
            return source

        def class_loss(class_logits: jax.Array | None) -> jax.Array:
            if class_logits is None:
                return jnp.zeros(())
            return hyper["class_weight"] * jnp.mean(cross_entropy_loss(class_logits, labels))

        def losses(judged: Any) -> tuple[jax.Array, jax.Array]:
            (real_source, real_class), (fake_source, fake_class) = judged
            smoothing = hyper.get("label_smoothing", 0.0)
            on_d, on_g = pair_loss(real_source, fake_source, label_smoothing=smoothing)
            on_d = jnp.mean(on_d) + class_loss(real_class) + class_loss(fake_class)
            return on_d, jnp.mean(on_g) + class_loss(fake_class)

        fake, pull_generator, stats_g = jax.vjp(generate, before_g.params, has_aux=True)
        judged, pull_discriminator, stats_d = jax.vjp(judge, before_d.params, fake, has_aux=True)
        loss_d, cotangent_d = jax.value_and_grad(lambda seen: losses(seen)[0])(judged)
        loss_g, cotangent_g = jax.value_and_grad(lambda seen: losses(seen)[1])(judged)
        grads_d, _ = pull_discriminator(cotangent_d)
        _, fake_cotangent = pull_discriminator(cotangent_g)
        (grads_g,) = pull_generator(fake_cotangent)

        (real_source, real_class), (fake_source, fake_class) = judged
        metrics = {
            DISCRIMINATOR_LOSS: loss_d,
            "loss/generator": loss_g,
            "logit/real": jnp.mean(real_source),
            "logit/fake": jnp.mean(fake_source),
        }
        if penalty is not None:
            of_params = jax.value_and_grad(functools.partial(penalty, critic))
            size, gained = of_params(before_d.params, real, fake, hyper)
            grads_d = jax.tree.map(jnp.add, grads_d, gained)
            metrics["loss/penalty"] = size
        if real_class is not None:
            metrics["accuracy/real_class"] = jnp.mean((jnp.argmax(real_class, -1) == labels).astype(jnp.float32))
            metrics["accuracy/fake_class"] = jnp.mean((jnp.argmax(fake_class, -1) == labels).astype(jnp.float32))
        grads_d, grads_g, stats_d, stats_g, metrics = average((grads_d, grads_g, stats_d, stats_g, metrics))

        take_g = state.step % hyper["generator_every"] == 0
        network_g = _updated(before_g, grads_g, stats_g, hyper, take_g)
        network_d = _updated(before_d, grads_d, stats_d, hyper, state.step % hyper["discriminator_every"] == 0)
        moved_g = moved(average_g, network_g.variables, hyper["ema_decay"])
        average_g = jax.tree.map(functools.partial(jnp.where, take_g), moved_g, average_g)
        return next_state(state, network_g, network_d, average_g, metrics[DISCRIMINATOR_LOSS]), metrics

    return step
