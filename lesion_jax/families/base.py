"""A family: everything that differs between things that can be trained. One row of `lesion_jax.families.FAMILIES`.

What a family can do is said by which of its functions are there: `draw` makes images, `classify` names them, `fit`
learns without gradient steps. Nothing outside a family's own file asks which one it is.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import hints_of, settings_of
from lesion_jax.core.state import TrainState
from lesion_jax.core.types import Lesion, LesionSet
from lesion_jax.data.origins import Origins
from lesion_jax.data.training_images import TrainingImages
from lesion_jax.families.context import Context
from lesion_jax.runtime.precision import known_dtype

# Nested dicts of arrays, on the host or a device: a checkpoint's, or those of a `TrainState`.
Arrays = Any
Metrics = dict[str, jax.Array]
# step(state, batch, key) -> (state, metrics), of one replica: batch {"pixels": int16 [B, H, H], "label": int32 [B],
# "index": int32 [B], the position in the global batch}; key, the root of the training's random stream; metrics float32
# scalars by "group/name", equal on all replicas.
Step = Callable[[TrainState, dict[str, jax.Array], jax.Array], tuple[TrainState, Metrics]]
# The mean of a tree over all replicas, or the tree itself where there is one.
Average = Callable[[Any], Any]

_DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


def compute_dtype(config: TrainingConfig) -> DTypeLike:
    """The type that a config's networks compute in on the devices at hand."""
    return _DTYPES[known_dtype(config.dtype)]


class Program:
    """Everything about a step that is fixed when it is compiled: frozen and hashable, so that equal ones share it."""

    def make_step(self, average: Average) -> Step:
        """The step of one replica; what it must average over replicas it passes through `average`."""
        raise NotImplementedError

    def on_axis(self, name: str) -> "Program":
        """The same for replicas along a device axis; itself where nothing but `average` is synchronised."""
        del name
        return self

    def as_products(self) -> "Program":
        """The same with convolutions as matrix products; itself where there are none."""
        return self

    def on_gpu(self) -> "Program":
        """The same as GPUs run it, equal up to rounding; itself where they run what others do."""
        return self


@dataclasses.dataclass(frozen=True)
class Family:
    """A row of the table.

    Attributes:
      name: Key in the table, and `kind` of its configs.
      title: Name in tables and messages.
      stream: Name of its random stream. Never renamed: every bit of a training depends on it.
      config: Class of its configs.
      make_program: (config with a resolved window, number of classes) -> Program.
      init_state: (config, program, training images, or None where only shapes matter) -> TrainState on the default
        device; a function of config.seed and the images.
      draw: (config, number of classes, arrays, keys [N], labels int32 [N], context) -> int16 [N, H, H] on the host.
        Image i is a function of (arrays, keys[i], labels[i], context) alone. None: it draws nothing.
      draw_from_latents: (config, number of classes, arrays, z float32 [N, latent size], labels int32 [N]) -> int16
        [N, H, H]; None where an image has no single latent.
      origins: Takes what `draw` takes and says of which training lesions each of those images is made. `draw` gets them
        as its context where this is there; otherwise context is None.
      check: (config, dataset, its training lesions) -> None, before anything is trained: raises ConfigError where there
        is nothing to draw by. None: whatever a dataset holds will do.
      inner_loss: (config, training images with inner ones, arrays) -> what is minimised, on the inner images. It then
        chooses the checkpoint, in place of a metric of images.
      classify: (config, number of classes, arrays, pixels int16 [N, H, H]) -> (probabilities float32 [N, C], last-layer
        features float32 [N, F]), on the host. None: it classifies nothing.
      classifies_with: Checkpoint that is used as a classifier: the last where the best is chosen for something else.
      one_per_class: Whether a bank takes one training per class.
      describe: (config, class names, unit of the pixels, arrays) -> (networks by name as layers, arrays by name), see
        `models.describe`; None: it cannot be exported.
      fit: (config, training images) -> arrays on the host, for a family without gradient steps; `make_program` and
        `init_state` are None then.
    """

    name: str
    title: str
    stream: str
    config: type[TrainingConfig]
    make_program: Callable[[Any, int], Program] | None = None
    init_state: Callable[[Any, Any, TrainingImages | None], TrainState] | None = None
    draw: Callable[[Any, int, Arrays, jax.Array, np.ndarray, Context | None], np.ndarray] | None = None
    draw_from_latents: Callable[[Any, int, Arrays, np.ndarray, np.ndarray], np.ndarray] | None = None
    origins: Callable[[Any, int, Arrays, jax.Array, np.ndarray, Context], Origins] | None = None
    check: Callable[[Any, LesionSet, Sequence[Lesion]], None] | None = None
    inner_loss: Callable[[Any, TrainingImages, Arrays], float] | None = None
    classify: Callable[[Any, int, Arrays, np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None
    classifies_with: Literal["best", "last"] = "best"
    one_per_class: bool = False
    describe: Callable[[Any, tuple[str, ...], str, Arrays], tuple[dict[str, Any], dict[str, np.ndarray]]] | None = None
    fit: Callable[[Any, TrainingImages], Arrays] | None = None


def hyper_of(config: TrainingConfig) -> dict[str, jax.Array]:
    """Every traced setting of a config by name: int32 scalars of those that are declared as int, float32 of others."""
    # By the field, not by the value: a rate that somebody wrote as 1 must share the programs of 1.0.
    hints = hints_of(type(config))
    return {
        name: jnp.int32(value) if hints[name] is int else jnp.float32(value)
        for name, setting, value in settings_of(config)
        if setting.role == "traced"
    }
