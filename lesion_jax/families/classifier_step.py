"""One step of the classifier."""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from lesion_jax.core import keys
from lesion_jax.core.intensity import to_unit
from lesion_jax.core.state import Network, TrainState
from lesion_jax.families.base import Average, Metrics, Step
from lesion_jax.objectives.classification import cross_entropy_loss


def _sgd(hyper: dict[str, jax.Array]) -> optax.GradientTransformation:
    learning_rate: Any = hyper["learning_rate"]
    return optax.sgd(learning_rate, momentum=hyper["momentum"], nesterov=True)  # pyright: ignore[reportArgumentType]


def create_classifier_state(
    classifier: nn.Module, *, seed: int, image_size: int, hyper: dict[str, jax.Array]
) -> TrainState:
    """Initial state; a function of the seed alone.

    Args:
      classifier: Called as (images [B, H, H, 1], keys=None or [B]) -> (logits [B, C], features).
      seed: Seed of the weights.
      image_size: Side H of the images, pixels.
      hyper: learning_rate, momentum, and mean, the mean of the training images in [0, 1]; kept in the state.

    Returns:
      State on the default device.
    """
    return _create(classifier, image_size, jnp.int32(seed), hyper)


# Compiled once per shape of network, not once per run.
@functools.partial(jax.jit, static_argnums=(0, 1))
def _create(classifier: nn.Module, image_size: int, seed: jax.Array, hyper: dict[str, jax.Array]) -> TrainState:
    variables = classifier.init(keys.stream(seed, "weights"), jnp.zeros((1, image_size, image_size, 1)))
    network = Network(variables["params"], {}, _sgd(hyper).init(variables["params"]))
    return TrainState(step=jnp.zeros((), jnp.int32), networks={"classifier": network}, ema={}, hyper=hyper, health={})


def make_classifier_step(classifier: nn.Module, *, window: tuple[float, float], average: Average) -> Step:
    """The step of one replica: cross-entropy, SGD with Nesterov momentum (paper, section on the classifier).

    Args:
      classifier: Called as in `create_classifier_state`.
      window: Range of pixel values that the network can tell apart.
      average: Mean over replicas.

    Returns:
      The step, as in `families.base.Step`; its key is the root of the training's dropout.
    """

    def step(state: TrainState, batch: dict[str, jax.Array], key: jax.Array) -> tuple[TrainState, Metrics]:
        network = state.networks["classifier"]
        images = (to_unit(batch["pixels"], window) - state.hyper["mean"])[..., None]
        example_keys = keys.per_example(keys.at_step(key, state.step), batch["index"])

        def mean_loss(params: Any) -> tuple[jax.Array, jax.Array]:
            logits, _ = classifier.apply({"params": params}, images, keys=example_keys)
            return jnp.mean(cross_entropy_loss(logits, batch["label"])), logits

        (loss, logits), grads = jax.value_and_grad(mean_loss, has_aux=True)(network.params)
        correct = (jnp.argmax(logits, -1) == batch["label"]).astype(jnp.float32)
        grads, metrics = average((grads, {"loss/cross_entropy": loss, "accuracy/batch": jnp.mean(correct)}))
        updates, opt_state = _sgd(state.hyper).update(grads, network.opt_state, network.params)
        network = Network(optax.apply_updates(network.params, updates), {}, opt_state)
        return state.replace(step=state.step + 1, networks={"classifier": network}), metrics

    return step
