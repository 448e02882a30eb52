"""Some steps of one training in one call, on images that lie on the device."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from lesion_jax.runtime.one_row import OneRow


def look_up(images: dict[str, jax.Array], chosen: jax.Array, index: jax.Array) -> dict[str, jax.Array]:
    """The batch that would have been streamed.

    Args:
      images: {"pixels": int16 [N, H, H], "label": int32 [N]}, all of them.
      chosen: int32 [B], rows of the images of the batch.
      index: int32 [B], positions in the global batch.

    Returns:
      {"pixels": int16 [B, H, H], "label": int32 [B], "index": int32 [B]}.
    """
    return {"pixels": images["pixels"][chosen], "label": images["label"][chosen], "index": index}


def make_steps(step: Callable[..., Any]) -> Callable[..., Any]:
    """Several steps of one training.

    Args:
      step: step(state, batch, key) -> (state, metrics), of one replica; see `families.base.Step`.

    Returns:
      steps(state, images, key, chosen, index, num_steps) -> (state, metrics): images as in `look_up`; key, the root of
      the training's random stream; chosen int32 [S, B], the batches of S steps; index int32 [B]; num_steps int32
      scalar: the steps beyond it leave the state as it is, so that one program serves any number up to S; None where
      all are taken. metrics float32 [S].
    """

    def steps(
        state: Any,
        images: dict[str, jax.Array],
        key: jax.Array,
        chosen: jax.Array,
        index: jax.Array,
        num_steps: jax.Array | None,
    ) -> tuple[Any, Any]:
        def taken(number: jax.Array, new: Any, old: Any) -> Any:
            if num_steps is None:
                return new
            is_taken = number < num_steps
            return jax.tree.map(lambda n, o: jnp.where(is_taken, n, o), new, old)

        num = len(chosen)
        if num == 1:
            # Not a loop of one: XLA's CPU backend takes the threads from what is in a loop.
            new, metrics = step(state, look_up(images, chosen[0], index), key)
            return taken(jnp.int32(0), new, state), jax.tree.map(lambda x: x[None], metrics)
        one_row = OneRow.of(state)
        names: list[str] = []

        def advance(joined: Any, now: tuple[jax.Array, jax.Array]) -> tuple[Any, Any]:
            number, batch = now
            new, metrics = step(one_row.split(joined), look_up(images, batch, index), key)
            names[:] = metrics
            return taken(number, one_row.join(new), joined), jnp.stack(list(metrics.values()))

        joined, rows = jax.lax.scan(advance, one_row.join(state), (jnp.arange(num, dtype=jnp.int32), chosen))
        return one_row.split(joined), dict(zip(names, rows.T, strict=True))

    return steps
