"""Batches of images that lie on the device: a batch is then their numbers, and the step looks them up."""

from collections.abc import Callable
from typing import Any

import jax


def look_up(images: dict[str, jax.Array], chosen: jax.Array, index: jax.Array) -> dict[str, jax.Array]:
    """The batch that would have been streamed.

    Args:
      images: {"pixels": int16 [N, H, H], "label": int32 [N]}, all of them.
      chosen: int32 [B], the images of the batch.
      index: int32 [B], positions in the global batch.

    Returns:
      {"pixels": int16 [B, H, H], "label": int32 [B], "index": int32 [B]}.
    """
    return {"pixels": images["pixels"][chosen], "label": images["label"][chosen], "index": index}


def of_residents(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step on numbers of images.

    Args:
      step: step(state, batch, key) -> (state, metrics), see `train.gan_step`.

    Returns:
      step(state, {"chosen": int32 [B], "index": int32 [B]}, (images, key)) -> (state, metrics).
    """

    def resident(state: Any, numbers: dict[str, jax.Array], shared: tuple[dict[str, jax.Array], jax.Array]) -> Any:
        images, key = shared
        return step(state, look_up(images, numbers["chosen"], numbers["index"]), key)

    return resident
