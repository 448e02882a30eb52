"""Images per second of the input pipeline alone, against a plain numpy gather and what steps eat; and what they wait.

    python benchmarks/input_throughput.py --out input.json

The batches mix real and synthetic images as a classifier's do. All are timed in turn; the medians count. The wait is
the share of a loop over the paper's CNN that is spent asking for the next batch, streamed and resident.
"""

import time
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from rows import Row, begin, interleaved_seconds, parser_of, sized, write_rows
from step_throughput import Runner, classifier_runner, gan_runner

from lesion_jax.core.types import Images
from lesion_jax.data.prefetch import prefetch_to_devices
from lesion_jax.data.schedule import Schedule
from lesion_jax.data.stream import make_batches
from lesion_jax.runtime.cpu import tune_cpu


def main() -> None:
    """Measures, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--num_images", type=int, default=10000, help="of which three tenths are synthetic")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--image_size", type=int, default=64)
    parser.add_argument("--num_batches", type=int, default=500, help="in one timed stretch of the pipeline")
    parser.add_argument("--width", type=int, default=32, help="of the classifier whose step eats the images")
    parser.add_argument("--gan_width", type=int, default=16, help="of the DCGAN whose step eats them")
    parser.add_argument("--num_waits", type=int, default=50, help="steps of the loop whose waiting is measured")
    parser.add_argument("--repeats", type=int, default=5)
    flags = begin(parser)
    tune_cpu()

    generator = np.random.default_rng(0)
    pixels = generator.integers(-200, 300, (flags.num_images, flags.image_size, flags.image_size)).astype(np.int16)
    images = Images(pixels, generator.integers(0, 3, flags.num_images).astype(np.int32))
    num_synthetic = flags.num_images * 3 // 10
    schedule = Schedule(flags.num_images - num_synthetic, num_synthetic, flags.batch_size, 0.0, 0)
    sizes = flags.batch_size, flags.image_size, jnp.dtype("float32")
    step, gan = classifier_runner(flags.width, *sizes), gan_runner(flags.gan_width, *sizes)
    seconds = interleaved_seconds(
        {
            "pipeline": _drain(images, schedule, flags.num_batches),
            "numpy": lambda: [_gathered(images, schedule, at) for at in range(flags.num_batches)],
            "step": step,
            "gan": gan,
        },
        flags.repeats,
    )
    num_drawn = flags.num_batches * flags.batch_size
    rate = {name: seconds[name].under(num_drawn) for name in ("pipeline", "numpy")}
    rate |= {name: seconds[name].under(flags.batch_size) for name in ("step", "gan")}
    device = f"1 x {jax.devices()[0].device_kind}"
    pipeline = sized(
        f"input pipeline alone, {flags.num_images} images",
        batch=flags.batch_size,
        image=flags.image_size,
        dtype="int16",
        device=device,
    )
    peers = {
        "numpy": ("numpy gather, no overlap", 0.0),
        "step": (f"images that the classifier's step (W = {flags.width}) eats", 10.0),
        "gan": (f"images that the DCGAN's step (W = {flags.gan_width}) eats", 10.0),
    }
    rows = [
        Row(
            measure=pipeline,
            value=rate["pipeline"],
            unit="images/s",
            peer=f"{text}, {rate[name].median:,.0f} images/s",
            ratio=rate["pipeline"].median / rate[name].median,
            must=must,
        )
        for name, (text, must) in peers.items()
    ]
    streamed = make_batches(images, schedule, start=0, stop=flags.num_waits + 1)
    feeds = {
        "streamed": prefetch_to_devices(streamed, jax.devices()[:1]),
        # A resident batch is its images' numbers.
        "resident": (schedule.indices(at) for at in range(flags.num_waits + 1)),
    }
    for name, feed in feeds.items():
        share = 100 * _waiting(feed, step, flags.num_waits)
        rows.append(
            Row(
                measure=sized(
                    f"waiting for {name} data, share of a loop over the classifier's step",
                    width=flags.width,
                    batch=flags.batch_size,
                    image=flags.image_size,
                    dtype="float32",
                    device=device,
                ),
                value=share,
                unit="%",
                peer="2 %",
                ratio=2 / share,
                must=1.0,
            )
        )
    write_rows(rows, flags)


def _waiting(feed: Iterator[object], step: Runner, num_steps: int) -> float:
    next(feed)
    waited, start = 0.0, time.perf_counter()
    for _ in range(num_steps):
        asked = time.perf_counter()
        next(feed)
        waited += time.perf_counter() - asked
        step()
    return waited / (time.perf_counter() - start)


def _drain(images: Images, schedule: Schedule, num_batches: int) -> Callable[[], object]:
    def run() -> None:
        for _ in make_batches(images, schedule, start=0, stop=num_batches):
            pass

    return run


def _gathered(images: Images, schedule: Schedule, step: int) -> dict[str, np.ndarray]:
    index = schedule.indices(step)
    return {"pixels": images.pixels[index], "label": images.labels[index]}


if __name__ == "__main__":
    main()
