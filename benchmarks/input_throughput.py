"""Images per second of the input pipeline alone, against a plain numpy gather and against what a step eats.

    python benchmarks/input_throughput.py --out input.json

The batches mix real and synthetic images as a classifier's do. All three are timed in turn; the medians count.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from rows import Row, interleaved_seconds, write_rows
from step_throughput import classifier_runner

from lesion_jax.core.heap import keep_freed_memory
from lesion_jax.core.types import Images
from lesion_jax.data.pipeline import make_batches
from lesion_jax.data.schedule import Schedule


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--num_images", type=int, default=10000, help="of which three tenths are synthetic")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--image_size", type=int, default=64)
    parser.add_argument("--num_batches", type=int, default=500, help="in one timed stretch of the pipeline")
    parser.add_argument("--width", type=int, default=32, help="of the classifier whose step eats the images")
    parser.add_argument("--repeats", type=int, default=5)
    flags = parser.parse_args()
    keep_freed_memory()

    generator = np.random.default_rng(0)
    hu = generator.integers(-200, 300, (flags.num_images, flags.image_size, flags.image_size)).astype(np.int16)
    images = Images(hu, generator.integers(0, 3, flags.num_images).astype(np.int32))
    num_synthetic = flags.num_images * 3 // 10
    schedule = Schedule(flags.num_images - num_synthetic, num_synthetic, flags.batch_size, 0.0, 0)
    step = classifier_runner(flags.width, flags.batch_size, flags.image_size, jnp.float32)
    seconds = interleaved_seconds(
        {
            "pipeline": _drain(images, schedule, flags.num_batches),
            "numpy": lambda: [_gathered(images, schedule, at) for at in range(flags.num_batches)],
            "step": step,
        },
        flags.repeats,
    )
    num_drawn = flags.num_batches * flags.batch_size
    rate = {name: num_drawn / seconds[name] for name in ("pipeline", "numpy")}
    rate["step"] = flags.batch_size / seconds["step"]
    peers = {
        "numpy": "numpy gather, no overlap",
        "step": f"images that the classifier's step (W = {flags.width}) eats",
    }
    write_rows(
        [
            Row(
                measure=f"input pipeline alone, batch {flags.batch_size}, {flags.image_size}x{flags.image_size}",
                value=rate["pipeline"],
                unit="images/s",
                peer=f"{text}, {rate[name]:,.0f} images/s",
                ratio=rate["pipeline"] / rate[name],
                must=0.0,
            )
            for name, text in peers.items()
        ],
        flags.out,
    )


def _drain(images: Images, schedule: Schedule, num_batches: int) -> Callable[[], object]:
    def run() -> None:
        for _ in make_batches(images, schedule, start=0, stop=num_batches):
            pass

    return run


def _gathered(images: Images, schedule: Schedule, step: int) -> dict[str, np.ndarray]:
    index = schedule.indices(step)
    return {"hu": images.hu[index], "label": images.labels[index]}


if __name__ == "__main__":
    main()
