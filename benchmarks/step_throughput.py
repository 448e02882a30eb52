"""Time of a training step of the DCGAN and of the classifier, against the same networks as flax and lax have them.

    python benchmarks/step_throughput.py --out steps.json
    python benchmarks/step_throughput.py --width 16 --width 32 --repeats 20

Both variants of a network are compiled first and then timed in turn; the medians count. The peer's strided
convolutions, transposed convolutions and max-pooling are lax's own, with lax's own gradients. Needs no TensorFlow.
"""

from collections.abc import Callable
from typing import Any
from unittest import mock

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from rows import Row, begin, interleaved_seconds, parser_of, sized, write_rows

from lesion_jax.core import keys
from lesion_jax.families.classifier_step import create_classifier_state, make_classifier_step
from lesion_jax.families.gan_step import create_gan_state, make_gan_step
from lesion_jax.models import cnn, convolution, layers
from lesion_jax.models.dcgan import Discriminator, Generator
from lesion_jax.objectives.gan import non_saturating_loss
from lesion_jax.runtime import parallel
from lesion_jax.runtime.cpu import tune_cpu

WINDOW = (-160.0, 240.0)
LATENT_SIZE = 100


def main() -> None:
    """Measures, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument(
        "--width", type=int, action="append", help="W of both networks; may be repeated; default 16, 32"
    )
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--image_size", type=int, default=64)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument(
        "--untuned", action="store_true", help="leave the process as it is; see lesion_jax/runtime/cpu.py"
    )
    flags = begin(parser)
    if not flags.untuned:
        tune_cpu()
    rows: list[Row] = []
    for width in flags.width or (16, 32):
        for kind, make in (("DCGAN", gan_runner), ("classifier", classifier_runner)):
            sizes = (width, flags.batch_size, flags.image_size, jnp.dtype(flags.dtype))
            ours = make(*sizes)
            with (
                mock.patch.object(convolution, "up", convolution.up_by_dilation),
                mock.patch.object(convolution, "down", lax_down),
                mock.patch.object(convolution, "valid", convolution.valid_by_convolution),
                mock.patch.object(layers, "max_pool", lambda x: nn.max_pool(x, (2, 2), (2, 2))),
            ):
                plain = make(*sizes)
            seconds = interleaved_seconds({"ours": ours, "plain": plain}, flags.repeats)
            rows.append(
                Row(
                    measure=sized(
                        f"{kind} step{' (untuned process)' if flags.untuned else ''}",
                        width=width,
                        batch=flags.batch_size,
                        image=flags.image_size,
                        dtype=flags.dtype,
                        device=f"1 x {jax.devices()[0].device_kind}",
                    ),
                    value=seconds["ours"].times(1e3),
                    unit="ms",
                    peer=f"lax as written, {1e3 * seconds['plain'].median:.1f} ms",
                    ratio=seconds["plain"].median / seconds["ours"].median,
                )
            )
    write_rows(rows, flags)


class Runner:
    """A training whose call takes one step, on one device, and waits for it.

    Attributes:
      state: After the last step.
      flops: Of a step, as the compiler counts them.
    """

    def __init__(self, step: Callable[..., Any], state: Any, batch_size: int, image_size: int):
        """Compiles the step, while a peer's layers may be in place, and copies the state, which is donated."""
        generator = np.random.default_rng(0)
        pixels = generator.integers(-200, 300, (batch_size, image_size, image_size)).astype(np.int16)
        labels = generator.integers(0, 3, batch_size).astype(np.int32)
        batch = {
            "pixels": jnp.asarray(pixels),
            "label": jnp.asarray(labels),
            "index": jnp.arange(batch_size, dtype=jnp.int32),
        }
        self._inputs = batch, keys.stream(0, "benchmark")
        self._compiled = jax.jit(step, donate_argnums=0).lower(state, *self._inputs).compile()
        self.flops = float((self._compiled.cost_analysis() or {}).get("flops", 0.0))
        self.state = jax.tree.map(jnp.copy, state)

    def __call__(self) -> None:
        """Takes one step."""
        self.state, _ = self._compiled(self.state, *self._inputs)
        jax.block_until_ready(self.state)


def gan_runner(
    width: int, batch_size: int, image_size: int, dtype: Any, discriminator_width: int | None = None
) -> Runner:
    """Training of a DCGAN of width W; the discriminator has the same where no other is named."""
    floats = {"learning_rate": 2e-4, "beta1": 0.5, "beta2": 0.999, "class_weight": 1.0}
    floats |= {"label_smoothing": 0.0, "ema_decay": 0.0}
    every = {"generator_every": jnp.int32(1), "discriminator_every": jnp.int32(1)}
    hyper = {name: jnp.float32(value) for name, value in floats.items()} | every
    generator, discriminator = Generator(width, image_size, dtype), Discriminator(discriminator_width or width, dtype)
    state = create_gan_state(
        generator, discriminator, seed=0, image_size=image_size, latent_size=LATENT_SIZE, hyper=hyper
    )
    step = make_gan_step(
        generator,
        discriminator,
        pair_loss=non_saturating_loss,
        latent_size=LATENT_SIZE,
        window=WINDOW,
        average=parallel.alone,
    )
    return Runner(step, state, batch_size, image_size)


def classifier_runner(width: int, batch_size: int, image_size: int, dtype: Any) -> Runner:
    """Training of the paper's CNN, with W filters in its first convolution."""
    hyper = {"learning_rate": jnp.float32(1e-3), "momentum": jnp.float32(0.9), "mean": jnp.float32(0.4)}
    classifier = cnn.Classifier(3, width, dtype)
    state = create_classifier_state(classifier, seed=0, image_size=image_size, hyper=hyper)
    step = make_classifier_step(classifier, window=WINDOW, average=parallel.alone)
    return Runner(step, state, batch_size, image_size)


def lax_down(x: jax.Array, w: jax.Array) -> jax.Array:
    """`convolution.down` with lax's own gradients."""
    return lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


if __name__ == "__main__":
    main()
