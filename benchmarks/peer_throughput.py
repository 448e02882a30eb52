"""Time of a training step of the DCGAN and of the paper's CNN, against the same trainings in PyTorch.

    python benchmarks/peer_throughput.py --out peer.json
    python benchmarks/peer_throughput.py --cell DCGAN:16 --cell classifier:32 --sizes 64:64 --repeats 20

PyTorch runs eagerly and compiled, and the faster one is the peer. Each runs in a process of its own, as it does in use:
in one process the threads of the one, which spin for a while after their work, may take a core from the other. They
are asked in turn, and the medians count. With --one_thread each has one core, and its CPU time counts, which other work
does not lengthen. PyTorch is the extra `peer`: `pip install -e '.[peer]'`.
"""

import contextlib
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from rows import Row, Spread, begin, need_pytorch, parser_of, sized, write_rows

CELLS = ("DCGAN:8", "DCGAN:16", "DCGAN:32", "DCGAN:64", "classifier:16", "classifier:32")
# BATCH:SIDE.
SIZES = ("64:64", "32:32")
# As fast as PyTorch, at least.
_MUST = 1.0
# Of a turn, whose steps are timed together.
_TURN_SECONDS = 0.2
_ONE = ", CPU time of one thread"


def main() -> None:
    """Measures, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--cell", action="append", help=f"NETWORK:W; may be repeated; default {', '.join(CELLS)}")
    parser.add_argument("--sizes", action="append", help=f"BATCH:SIDE; may be repeated; default {', '.join(SIZES)}")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--eager", action="store_true", help="leave torch.compile out")
    parser.add_argument("--one_thread", action="store_true", help="on one core each, by CPU time")
    flags = begin(parser)
    if flags.one_thread:
        # Before either library counts the cores; the processes inherit it.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    need_pytorch(parser)
    clock = "process_time" if flags.one_thread else "perf_counter"
    ways = ("ours", "eager") if flags.eager else ("ours", "eager", "compiled")
    rows: list[Row] = []
    for sizes in flags.sizes or SIZES:
        batch_size, image_size = (int(size) for size in sizes.split(":"))
        for cell in flags.cell or CELLS:
            kind, _, width = cell.partition(":")
            seconds, failed = _in_turn(ways, (kind, int(width), batch_size, image_size), clock, flags.repeats)
            mine = seconds.pop("ours")
            ratio = min(value.median for value in seconds.values()) / mine.median
            print(f"{cell}, {sizes}: {1e3 * mine.median:.1f} ms, {ratio:.2f} times as fast", file=sys.stderr)
            each = ", ".join(f"{name} {1e3 * value.median:.1f} ms" for name, value in seconds.items())
            absent = "".join(f"; {way} failed: {why}" for way, why in failed.items())
            rows.append(
                Row(
                    measure=sized(
                        f"{kind} step",
                        width=width,
                        batch=batch_size,
                        image=image_size,
                        dtype="float32",
                        device=f"1 x cpu{_ONE if flags.one_thread else ''}",
                    ),
                    value=mine.times(1e3),
                    unit="ms",
                    peer=f"PyTorch, channels_last: {each}{absent}",
                    ratio=ratio,
                    must=_MUST,
                )
            )
    print(f"The median of {len(rows)} ratios is {statistics.median(row.ratio for row in rows):.2f}.")
    write_rows(rows, flags)


def _in_turn(
    ways: tuple[str, ...], cell: tuple[str, int, int, int], clock: str, repeats: int
) -> tuple[dict[str, Spread], dict[str, str]]:
    """Seconds of a step by way, and why compiling failed where it did: no g++, or an operation that it cannot do."""
    spawn = multiprocessing.get_context("spawn")
    asked: dict[str, Connection] = {}
    failed: dict[str, str] = {}
    processes = []
    try:
        for way in ways:
            asked[way], given = spawn.Pipe()
            process = spawn.Process(target=_serve, args=(given, way, cell, clock), daemon=True)
            process.start()
            processes.append(process)
            given.close()
            # One after another: a compiler takes all cores.
            if why := asked[way].recv():
                if way != "compiled":
                    raise RuntimeError(f"{way}: {why}")
                failed[way] = why
                del asked[way]
        seconds: dict[str, list[float]] = {way: [] for way in asked}
        for _ in range(repeats):
            for way, connection in asked.items():
                connection.send(True)
                seconds[way].append(connection.recv())
    finally:
        for connection in asked.values():
            # Broken where that process has failed.
            with contextlib.suppress(OSError):
                connection.send(False)
        for process in processes:
            process.join()
    return {way: Spread.of(found) for way, found in seconds.items()}, failed


def _serve(connection: Connection, way: str, cell: tuple[str, int, int, int], clock: str) -> None:
    """Prepares a step, says what failed, and times steps whenever it is asked to."""
    try:
        step = _step(way, *cell)
        for _ in range(2):
            step()
    except Exception as error:  # Whatever a compiler raises.
        connection.send(f"{type(error).__name__}: {str(error)[:300]}")
        return
    start = time.perf_counter()
    step()
    num = max(1, round(_TURN_SECONDS / (time.perf_counter() - start)))
    now = getattr(time, clock)
    connection.send("")
    while connection.recv():
        # What the others have pushed out of the caches comes back.
        step()
        start = now()
        for _ in range(num):
            step()
        connection.send((now() - start) / num)


def _step(way: str, kind: str, *sizes: int) -> Callable[[], Any]:
    if way != "ours":
        import torch_peer

        make = {"DCGAN": torch_peer.gan_step, "classifier": torch_peer.classifier_step}[kind]
        return make(*sizes, compiled=way == "compiled")
    os.environ["JAX_PLATFORMS"] = "cpu"
    from lesion_jax.runtime.cpu import tune_cpu

    tune_cpu()
    import jax.numpy as jnp
    import step_throughput

    make = {"DCGAN": step_throughput.gan_runner, "classifier": step_throughput.classifier_runner}[kind]
    return make(*sizes, jnp.float32)


if __name__ == "__main__":
    main()
