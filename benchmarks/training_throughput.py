"""Time of a whole training by its command, against a plain loop in PyTorch over the same numbers of images and steps.

    python benchmarks/training_throughput.py --workdir /tmp/training --out training.json
    python benchmarks/training_throughput.py --workdir /tmp/training --cell DCGAN:16:64:64:400 --repeats 5

Ours is `lesion-jax train` from the command to its end: imports, compiling, augmentation, input, scores, pictures, logs
and checkpoints, as by default. PyTorch's is `torch_training.py`, eager: imports, shuffled batches and steps, nothing
else. PyTorch is the extra `peer`: `pip install -e '.[peer]'`.
"""

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from rows import Row, Spread, begin, need_pytorch, parser_of, sized, write_rows
from trials import ROOT, Job, emptied, make_data

CELLS = ("DCGAN:8:32:32:3000", "DCGAN:16:64:64:500", "classifier:16:32:32:6000", "classifier:16:64:64:1000")
_NUM_IMAGES = 2000
# As fast as PyTorch, at least.
_MUST = 1.0


@dataclasses.dataclass(frozen=True)
class Cell:
    """One training: which network, of which width W, on which batches of square images, and how many steps."""

    network: str
    width: int
    batch_size: int
    image_size: int
    num_steps: int

    @classmethod
    def of(cls, text: str) -> "Cell":
        """From NETWORK:W:BATCH:SIDE:STEPS."""
        network, *numbers = text.split(":")
        return cls(network, *(int(number) for number in numbers))


def main() -> None:
    """Measures, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--workdir", type=Path, required=True, help="scratch; only what this script makes is removed")
    parser.add_argument(
        "--cell", action="append", help=f"NETWORK:W:BATCH:SIDE:STEPS; may be repeated; default {', '.join(CELLS)}"
    )
    parser.add_argument("--repeats", type=int, default=3)
    flags = begin(parser)
    need_pytorch(parser)
    folder = emptied(parser, flags.workdir)
    _, dataset = make_data(folder)
    rows: list[Row] = []
    for text in flags.cell or CELLS:
        cell = Cell.of(text)
        job, peer = _job(folder, dataset, cell), _peer(folder, cell)
        ours, theirs = [], []
        for _ in range(flags.repeats):
            job.clear()
            ours.append(_seconds(job))
            start = time.perf_counter()
            subprocess.run(peer, check=True)
            theirs.append(time.perf_counter() - start)
            print(f"{text}: {ours[-1]:.1f} s, the plain loop {theirs[-1]:.1f} s", file=sys.stderr)
        mine, other = Spread.of(ours), Spread.of(theirs)
        rows.append(
            Row(
                measure=sized(
                    f"{cell.network}, training of {cell.num_steps} steps by its command",
                    width=cell.width,
                    batch=cell.batch_size,
                    image=cell.image_size,
                    dtype="float32",
                    device="1 x cpu",
                ),
                value=mine,
                unit="s",
                peer=f"plain PyTorch loop, {other.median:.1f} s",
                ratio=other.median / mine.median,
                must=_MUST,
            )
        )
    write_rows(rows, flags)


def _seconds(job: Job) -> float:
    start = time.perf_counter()
    job.finish()
    return time.perf_counter() - start


def _job(folder: Path, dataset: Path, cell: Cell) -> Job:
    kind = cell.network.lower()
    words = [
        "train",
        f"--config={ROOT}/configs/{kind}.py",
        f"--config.data.dataset={dataset}",
        f"--config.data.classic_size={_NUM_IMAGES}",
        f"--config.data.image_size={cell.image_size}",
        f"--config.data.batch_size={cell.batch_size}",
        f"--config.width={cell.width}",
        f"--config.loop.duration={cell.num_steps} steps",
        "--config.num_devices=1",
        f"--workdir={folder / kind}",
    ]
    if kind == "dcgan":
        words += [f"--config.discriminator_width={cell.width}", "--config.data.label=cyst"]
    return Job(f"train {cell.network}", tuple(words), folder / kind)


def _peer(folder: Path, cell: Cell) -> list[str]:
    """The command of the plain loop; what its images show changes nothing, so they are noise."""
    images = folder / f"images_{cell.image_size}.npy"
    pixels = np.random.default_rng(0).integers(-200, 300, (_NUM_IMAGES, cell.image_size, cell.image_size))
    np.save(images, pixels.astype(np.int16))
    script = Path(__file__).with_name("torch_training.py")
    numbers = (cell.width, cell.batch_size, cell.num_steps)
    return [sys.executable, str(script), str(images), cell.network, *(str(number) for number in numbers)]


if __name__ == "__main__":
    main()
