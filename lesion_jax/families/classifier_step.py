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
from lesion_jax.families.classifier_intensity import jitter
from lesion_jax.families.classifier_mixing import mix, neighbours
from lesion_jax.families.classifier_recipe import Hyper, Recipe, averaged, initial_average, optimizer
from lesion_jax.objectives.classification import adjusted_logits, cross_entropy_loss

PAPER = Recipe()


def create_classifier_state(
    classifier: nn.Module, *, seed: int, image_size: int, hyper: Hyper, recipe: Recipe = PAPER
) -> TrainState:
    """Initial state; a function of the seed alone.

    Args:
      classifier: Called as (images [B, H, H, 1], keys=None or [B]) -> (logits [B, C], features).
      seed: Seed of the weights.
      image_size: Side H of the images, pixels.
      hyper: learning_rate, momentum, mean, the mean of the training images in [0, 1], and what the recipe asks for;
        kept in the state.
      recipe: What the step does besides the paper's.

    Returns:
      State on the default device.
    """
    return _create(classifier, image_size, recipe, jnp.int32(seed), hyper)


# Compiled once per shape of network, not once per run.
@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _create(classifier: nn.Module, image_size: int, recipe: Recipe, seed: jax.Array, hyper: Hyper) -> TrainState:
    variables = classifier.init(keys.stream(seed, "weights"), jnp.zeros((1, image_size, image_size, 1)))
    network = Network(variables["params"], {}, optimizer(recipe, hyper).init(variables["params"]))
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        networks={"classifier": network},
        ema=initial_average(recipe, network),
        hyper=hyper,
        health={},
    )


def network_input(pixels: jax.Array, window: tuple[float, float], hyper: Hyper, *, is_scaled: bool) -> jax.Array:
    """Pixels [B, H, H] -> float32 [B, H, H]: in [0, 1], less the training's mean, times its scale if it has one."""
    images = to_unit(pixels, window) - hyper["mean"]
    return images * hyper["input_scale"] if is_scaled else images


def make_classifier_step(
    classifier: nn.Module, *, window: tuple[float, float], average: Average, recipe: Recipe = PAPER
) -> Step:
    """The step of one replica: cross-entropy, SGD with Nesterov momentum (paper, section on the classifier).

    What the recipe adds draws from a key of its own for each example, so that it is the same on any number of devices.

    Args:
      classifier: Called as in `create_classifier_state`.
      window: Range of pixel values that the network can tell apart.
      average: Mean over replicas.
      recipe: What it does besides the paper's.

    Returns:
      The step, as in `families.base.Step`; its key is the root of the training's dropout and of what the recipe draws.
    """

    def disturbed(pixels: jax.Array, hyper: Hyper, example_keys: jax.Array) -> jax.Array:
        if recipe.intensity == "none":
            return pixels
        strengths = {name: hyper[f"intensity_{name}"] for name in ("offset", "noise", "blur")}
        return jitter(pixels, keys.named(example_keys, "intensity"), **strengths)

    def mixed(images: jax.Array, state: TrainState, example_keys: jax.Array) -> tuple[jax.Array, jax.Array | None]:
        if recipe.mixing == "none":
            return images, None
        # Later neighbours are both real.
        is_on = state.step < state.hyper["synthetic_steps"] if recipe.mixing == "genmix" else True
        alpha = state.hyper["mixing_alpha"]
        return mix(images, keys.named(example_keys, "mixing"), recipe.mixing, alpha, is_on=is_on)

    def per_label(function: Any, labels: jax.Array, share: jax.Array | None) -> jax.Array:
        """A number [B] of each example's label, or of its two labels by their shares."""
        own = function(labels)
        return own if share is None else share * own + (1.0 - share) * function(neighbours(labels))

    def step(state: TrainState, batch: dict[str, jax.Array], key: jax.Array) -> tuple[TrainState, Metrics]:
        network, hyper, labels = state.networks["classifier"], state.hyper, batch["label"]
        example_keys = keys.per_example(keys.at_step(key, state.step), batch["index"])
        pixels = disturbed(batch["pixels"], hyper, example_keys)
        images = network_input(pixels, window, hyper, is_scaled="input_scale" in recipe.parts)
        images, share = mixed(images, state, example_keys)
        images = images[..., None]

        def mean_loss(params: Any) -> tuple[jax.Array, jax.Array]:
            logits, _ = classifier.apply({"params": params}, images, keys=example_keys)
            for_loss = logits
            if "logit_adjustment" in recipe.parts:
                for_loss = adjusted_logits(logits, hyper["log_prior"], hyper["logit_adjustment"])
            return jnp.mean(per_label(lambda said: cross_entropy_loss(for_loss, said), labels, share)), logits

        (loss, logits), grads = jax.value_and_grad(mean_loss, has_aux=True)(network.params)
        answer = jnp.argmax(logits, -1)
        correct = per_label(lambda said: (answer == said).astype(jnp.float32), labels, share)
        grads, metrics = average((grads, {"loss/cross_entropy": loss, "accuracy/batch": jnp.mean(correct)}))
        update = optimizer(recipe, hyper, state.step).update
        updates, opt_state = update(grads, network.opt_state, network.params)
        network = Network(optax.apply_updates(network.params, updates), {}, opt_state)
        ema = averaged(state.ema, network, hyper, state.step)
        return state.replace(step=state.step + 1, networks={"classifier": network}, ema=ema), metrics

    return step
