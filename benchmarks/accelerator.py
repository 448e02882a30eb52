"""Everything that is measured on an accelerator, in under ten minutes; needs JAX with its plugin and no network.

    python benchmarks/accelerator.py --out accelerator.json

Populations of nine DCGANs of W = 16 and 64 against single runs, the DCGAN at paper width as a share of the device's
bfloat16 matrix rate (measured in the same run), and, where PyTorch is installed, its eager and compiled steps. Without
TensorFlow. NOT RUN YET on an accelerator: none was at hand; on a CPU it runs with small sizes (tests/benchmarks).
"""

import argparse

import jax
import jax.numpy as jnp
from population_throughput import population_rows
from rows import Row, begin, interleaved_seconds, parser_of, sized, write_rows
from step_throughput import gan_runner

from lesion_jax.runtime.population import PACKINGS

# Of the paper: the generator's W; the discriminator's is ours.
PAPER_WIDTH, PAPER_DISCRIMINATOR_WIDTH = 128, 64


def main() -> None:
    """Measures, prints and writes; what was measured is written even where a later part fails."""
    parser = parser_of(__doc__)
    parser.add_argument("--width", type=int, action="append", help="of the populations; default 16, 64")
    parser.add_argument("--paper_width", type=int, default=PAPER_WIDTH)
    parser.add_argument("--members", type=int, default=9)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--image_size", type=int, default=64)
    parser.add_argument("--matrix", type=int, default=8192, help="side of the matrices whose product is the limit")
    parser.add_argument("--packing", choices=PACKINGS, action="append", help="may be repeated; default: all")
    parser.add_argument("--repeats", type=int, default=5)
    flags = begin(parser)
    rows: list[Row] = []
    try:
        for width in flags.width or (16, 64):
            rows += population_rows(
                width=width,
                members=flags.members,
                steps=3710,
                batch_size=flags.batch_size,
                image_size=flags.image_size,
                dtype="bfloat16",
                packing=flags.packing,
                repeats=flags.repeats,
                must=3.0,
            )
        rows += _paper_width(flags)
    finally:
        if rows:
            write_rows(rows, flags)


def _paper_width(flags: argparse.Namespace) -> list[Row]:
    width, batch, size = flags.paper_width, flags.batch_size, flags.image_size
    ours = gan_runner(width, batch, size, jnp.dtype("bfloat16"), max(1, width // 2))
    matrix = jnp.ones((flags.matrix, flags.matrix), jnp.bfloat16)
    product = jax.jit(jnp.matmul)
    functions = {"ours": ours, "product": lambda: jax.block_until_ready(product(matrix, matrix))}
    functions |= _torch_steps(width, batch, size)
    seconds = interleaved_seconds(functions, flags.repeats)
    limit = 2 * flags.matrix**3 / seconds["product"].median
    rate = seconds["ours"].under(ours.flops)
    device = f"1 x {jax.devices()[0].device_kind}"
    what = sized("DCGAN step", width=width, batch=batch, image=size, dtype="bfloat16", device=device)
    rows = [
        Row(
            measure=f"{what}: share of the matrix rate",
            value=rate.times(100 / limit),
            unit="%",
            peer=f"product of {flags.matrix} x {flags.matrix} bfloat16 matrices, {limit / 1e12:,.1f} TFLOP/s",
            ratio=rate.median / limit,
            must=0.25,
        )
    ]
    for name, must in (("eager", 1.5), ("compiled", 1.0)):
        if name in seconds:
            rows.append(
                Row(
                    measure=what,
                    value=seconds["ours"].times(1e3),
                    unit="ms",
                    peer=f"PyTorch {name}, channels_last, {1e3 * seconds[name].median:.2f} ms",
                    ratio=seconds[name].median / seconds["ours"].median,
                    must=must,
                )
            )
    return rows


def _torch_steps(width: int, batch_size: int, image_size: int) -> dict:
    if jax.default_backend() != "gpu":
        return {}
    try:
        import torch
        import torch_peer
    except ImportError:
        return {}
    if not torch.cuda.is_available():
        return {}
    return {
        name: torch_peer.gan_step(
            width,
            batch_size,
            image_size,
            discriminator_width=max(1, width // 2),
            compiled=name == "compiled",
            device="cuda",
            bfloat16=True,
        )
        for name in ("eager", "compiled")
    }


if __name__ == "__main__":
    main()
