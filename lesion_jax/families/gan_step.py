"""One step of a DCGAN or an ACGAN: both networks run forward once, two gradients come from it."""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from lesion_jax.core import keys
from lesion_jax.core.intensity import to_signed
from lesion_jax.core.state import GanHyper, GanState, Network
from lesion_jax.objectives.classification import cross_entropy_loss
from lesion_jax.objectives.gan import discriminator_loss, generator_loss

# Of the running mean of D's loss: it follows within some fifty steps.
_LOSS_DECAY = 0.98

Metrics = dict[str, jax.Array]
Step = Callable[[Any, dict[str, jax.Array], jax.Array], tuple[Any, Metrics]]


def _adam(hyper: GanHyper) -> optax.GradientTransformation:
    return optax.adam(hyper.learning_rate, b1=hyper.beta1, b2=hyper.beta2)


def create_gan_state(
    generator: nn.Module, discriminator: nn.Module, *, seed: int, image_size: int, latent_size: int, hyper: GanHyper
) -> GanState:
    """Initial state; a function of the seed alone.

    Args:
      generator: Called as (z [B, latent_size], labels [B], train=bool) -> [B, H, H, 1].
      discriminator: Called as (images [B, H, H, 1], train=bool) -> (source [B], class [B, C] or None).
      seed: Of the weights.
      image_size: H.
      latent_size: Length of z.
      hyper: Scalars, kept in the state.

    Returns:
      State on the default device.
    """
    return _create(generator, discriminator, image_size, latent_size, jnp.int32(seed), hyper)


# Compiled once per shape of network, not once per run.
@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _create(
    generator: nn.Module, discriminator: nn.Module, image_size: int, latent_size: int, seed: jax.Array, hyper: GanHyper
) -> GanState:
    key_g, key_d = jax.random.split(keys.stream(seed, "weights"))
    z, labels = jnp.zeros((1, latent_size)), jnp.zeros((1,), jnp.int32)
    network_g, network_d = (
        Network(v["params"], v.get("batch_stats", {}), _adam(hyper).init(v["params"]))
        for v in (
            generator.init(key_g, z, labels, train=True),
            discriminator.init(key_d, jnp.zeros((1, image_size, image_size, 1)), train=True),
        )
    )
    return GanState(
        step=jnp.zeros((), jnp.int32),
        generator=network_g,
        discriminator=network_d,
        ema=jax.tree.map(jnp.copy, network_g.variables),
        discriminator_loss=jnp.ones(()),
        hyper=hyper,
    )


def _updated(network: Network, grads: Any, batch_stats: Any, hyper: GanHyper, take: jax.Array) -> Network:
    updates, opt_state = _adam(hyper).update(grads, network.opt_state, network.params)
    new = Network(optax.apply_updates(network.params, updates), batch_stats, opt_state)
    return jax.tree.map(lambda n, o: jnp.where(take, n, o), new, network)


def make_gan_step(
    generator: nn.Module,
    discriminator: nn.Module,
    *,
    loss: str,
    latent_size: int,
    window: tuple[float, float],
    average: Callable[[Any], Any],
) -> Step:
    """The step of one replica (paper, sections on the DCGAN and the ACGAN).

    D sees the real and the fake images as two batches, each with its own batch statistics.
    Both networks are judged on the same forward pass: G's gradient comes through D as it was
    before D's update. Fake images take the labels of the real ones. With hyper.generator_every
    = n, G is updated at steps 0, n, 2n, ...; likewise D.

    Args:
      generator: See `create_gan_state`.
      discriminator: See `create_gan_state`.
      loss: Form of the adversarial loss, see `objectives.gan`.
      latent_size: Length of z; z is drawn from the key, the step and each example's index.
      window: HU range of the images.
      average: `parallel.average_replicas` or `parallel.alone`.

    Returns:
      step(state, batch, key) -> (state, metrics). batch: hu int16 [B, H, H], label int32 [B],
      index int32 [B], the position in the global batch. key: root of the run's latents.
      metrics: float32 scalars, equal on all replicas.
    """

    def step(state: GanState, batch: dict[str, jax.Array], key: jax.Array) -> tuple[GanState, Metrics]:
        hyper, labels = state.hyper, batch["label"]
        real = to_signed(batch["pixels"], window)[..., None]
        z = keys.latents(keys.per_example(keys.at_step(key, state.step), batch["index"]), latent_size)

        def generate(params: Any) -> tuple[jax.Array, Any]:
            variables = {"params": params, "batch_stats": state.generator.batch_stats}
            image, updated = generator.apply(variables, z, labels, train=True, mutable=["batch_stats"])
            return image, updated.get("batch_stats", {})

        def judge(params: Any, fake: jax.Array) -> tuple[Any, Any]:
            variables = {"params": params, "batch_stats": state.discriminator.batch_stats}
            on_real, updated = discriminator.apply(variables, real, train=True, mutable=["batch_stats"])
            variables = {"params": params, "batch_stats": updated.get("batch_stats", {})}
            on_fake, updated = discriminator.apply(variables, fake, train=True, mutable=["batch_stats"])
            return (on_real, on_fake), updated.get("batch_stats", {})

        def class_loss(class_logits: jax.Array | None) -> jax.Array:
            if class_logits is None:
                return jnp.zeros(())
            return hyper.class_weight * jnp.mean(cross_entropy_loss(class_logits, labels))

        def total_d_loss(judged: Any) -> jax.Array:
            (real_source, real_class), (fake_source, fake_class) = judged
            on_real, on_fake = discriminator_loss(
                real_source, fake_source, form=loss, label_smoothing=hyper.label_smoothing
            )
            return jnp.mean(on_real) + jnp.mean(on_fake) + class_loss(real_class) + class_loss(fake_class)

        def total_g_loss(judged: Any) -> jax.Array:
            _, (fake_source, fake_class) = judged
            return jnp.mean(generator_loss(fake_source, form=loss)) + class_loss(fake_class)

        fake, pull_generator, stats_g = jax.vjp(generate, state.generator.params, has_aux=True)
        judged, pull_discriminator, stats_d = jax.vjp(judge, state.discriminator.params, fake, has_aux=True)
        loss_d, cotangent_d = jax.value_and_grad(total_d_loss)(judged)
        loss_g, cotangent_g = jax.value_and_grad(total_g_loss)(judged)
        grads_d, _ = pull_discriminator(cotangent_d)
        _, fake_cotangent = pull_discriminator(cotangent_g)
        (grads_g,) = pull_generator(fake_cotangent)

        (real_source, real_class), (fake_source, fake_class) = judged
        metrics = {
            "loss/discriminator": loss_d,
            "loss/generator": loss_g,
            "logit/real": jnp.mean(real_source),
            "logit/fake": jnp.mean(fake_source),
        }
        if real_class is not None:
            metrics["accuracy/real_class"] = jnp.mean((jnp.argmax(real_class, -1) == labels).astype(jnp.float32))
            metrics["accuracy/fake_class"] = jnp.mean((jnp.argmax(fake_class, -1) == labels).astype(jnp.float32))
        grads_d, grads_g, stats_d, stats_g, metrics = average((grads_d, grads_g, stats_d, stats_g, metrics))

        take_g = state.step % hyper.generator_every == 0
        network_g = _updated(state.generator, grads_g, stats_g, hyper, take_g)
        network_d = _updated(state.discriminator, grads_d, stats_d, hyper, state.step % hyper.discriminator_every == 0)
        ema = jax.tree.map(
            lambda old, new: jnp.where(take_g, hyper.ema_decay * old + (1.0 - hyper.ema_decay) * new, old),
            state.ema,
            network_g.variables,
        )
        running = _LOSS_DECAY * state.discriminator_loss + (1.0 - _LOSS_DECAY) * metrics["loss/discriminator"]
        new = state.replace(
            step=state.step + 1, generator=network_g, discriminator=network_d, ema=ema, discriminator_loss=running
        )
        return new, metrics

    return step
