"""Time of a training step of the DCGAN and of the paper's CNN, against the same trainings in PyTorch.

    python benchmarks/peer_throughput.py --out peer.json
    python benchmarks/peer_throughput.py --cell DCGAN:16 --cell classifier:32 --repeats 20

All variants of a network are timed in turn; the medians count. PyTorch runs eagerly and compiled, and the faster one
is the peer. Both libraries keep their threads in one process: on a machine whose cores something else uses, PyTorch's
barriers wait for the core that is taken, and its numbers are worth nothing. With --one_thread both have one core, and
its CPU time counts, which other work does not lengthen. PyTorch is the extra `peer`: `pip install -e '.[peer]'`.
"""

import os
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
from rows import Row, begin, interleaved_seconds, parser_of, sized, write_rows
from step_throughput import classifier_runner, gan_runner

from lesion_jax.runtime.cpu import tune_cpu

CELLS = ("DCGAN:8", "DCGAN:16", "DCGAN:32", "DCGAN:64", "classifier:16", "classifier:32")
# As fast as PyTorch, at least.
_MUST = 1.0
_ONE = ", CPU time of one thread"


def main() -> None:
    """Measures, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--cell", action="append", help=f"NETWORK:W; may be repeated; default {', '.join(CELLS)}")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--image_size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--eager", action="store_true", help="leave torch.compile out")
    parser.add_argument("--one_thread", action="store_true", help="on one core each, by CPU time")
    flags = begin(parser)
    if flags.one_thread:
        # Before either library counts the cores.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    try:
        import torch_peer
    except ModuleNotFoundError as error:
        parser.error(f"there is no {error.name} here; pip install -e '.[peer]'")
    makers = {
        "DCGAN": (gan_runner, torch_peer.gan_step),
        "classifier": (classifier_runner, torch_peer.classifier_step),
    }
    tune_cpu()
    rows: list[Row] = []
    for cell in flags.cell or CELLS:
        kind, _, width = cell.partition(":")
        ours, peer = makers[kind]
        sizes = (int(width), flags.batch_size, flags.image_size)
        calls: dict[str, Callable[[], object]] = {"ours": ours(*sizes, jnp.float32), "eager": peer(*sizes)}
        absent = ""
        if not flags.eager:
            compiled = peer(*sizes, compiled=True)
            try:
                compiled()
                calls["compiled"] = compiled
            except Exception as error:  # Whatever its compiler raises: no g++, an operation it cannot do.
                absent = f"; compiling failed: {type(error).__name__}"
        clock = time.process_time if flags.one_thread else time.perf_counter
        seconds = interleaved_seconds(calls, flags.repeats, clock)
        mine = seconds.pop("ours")
        each = ", ".join(f"{name} {1e3 * value.median:.1f} ms" for name, value in seconds.items())
        rows.append(
            Row(
                measure=sized(
                    f"{kind} step",
                    width=width,
                    batch=flags.batch_size,
                    image=flags.image_size,
                    dtype="float32",
                    device=f"1 x {jax.devices()[0].device_kind}{_ONE if flags.one_thread else ''}",
                ),
                value=mine.times(1e3),
                unit="ms",
                peer=f"PyTorch, channels_last: {each}{absent}",
                ratio=min(value.median for value in seconds.values()) / mine.median,
                must=_MUST,
            )
        )
    write_rows(rows, flags)


if __name__ == "__main__":
    main()
