"""Batches by tf.data. Imports TensorFlow, which takes seconds: import it late."""

from collections.abc import Iterator
from typing import cast

import numpy as np

from lesion_jax.core.types import Images
from lesion_jax.data.schedule import Schedule
from lesion_jax.data.tensorflow import hide_accelerators, tf

_PARALLEL = 2
_PREFETCH = 4


def make_batches(images: Images, schedule: Schedule, *, start: int, stop: int) -> Iterator[dict[str, np.ndarray]]:
    """Streams the batches of steps start .. stop - 1, prepared in the background.

    A batch is a function of (schedule, step) alone: a stream that starts at step k continues
    one that stopped there, to the bit.

    Args:
      images: Real images, then synthetic ones, as the schedule counts them.
      schedule: Schedule that chooses the images of each step.
      start: First step, from 0.
      stop: One past the last step.

    Returns:
      Host batches {"pixels": int16 [B, H, H], "label": int32 [B], "index": int32 [B]}; `index` is
      the position in the global batch, from which per-example keys are derived.

    Raises:
      ValueError: The schedule counts other images than there are.
    """
    num_images = schedule.num_real + schedule.num_synthetic
    if num_images != len(images):
        raise ValueError(f"The schedule counts {num_images} images, but there are {len(images)}.")
    hide_accelerators()
    with tf.device("/CPU:0"):
        pixels, labels = tf.constant(images.pixels), tf.constant(images.labels)
    index = tf.range(schedule.batch_size, dtype=tf.int32)

    def choose(step: tf.Tensor) -> tf.Tensor:
        chosen = tf.numpy_function(lambda at: schedule.indices(int(at)), [step], tf.int32, stateful=False)
        return tf.ensure_shape(chosen, [schedule.batch_size])

    def gather(chosen: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"pixels": tf.gather(pixels, chosen), "label": tf.gather(labels, chosen), "index": index}

    dataset = (
        tf.data.Dataset.range(start, stop)
        .map(choose)
        .map(gather, num_parallel_calls=_PARALLEL, deterministic=True)
        .prefetch(_PREFETCH)
    )
    # TensorFlow's annotation knows only streams of single arrays.
    return cast(Iterator[dict[str, np.ndarray]], dataset.as_numpy_iterator())
