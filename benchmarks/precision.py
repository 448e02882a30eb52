"""Whether bfloat16 costs accuracy or likeness: seeds of one CNN and of one DCGAN in both types, on the phantom.

    python benchmarks/precision.py --workdir /tmp/precision --out precision.json

Two sweeps of narrow networks on 32x32 images, each a grid of both types x seeds x folds: the accuracy of a CNN on test
patients, and the kernel distance of a DCGAN of one class to inner patients' lesions. A seed counts once, with the mean
of its folds. The interval is Welch's. A CPU computes in bfloat16 by rounding; nothing is timed. The same command goes
on where it was stopped.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from rows import Row, Spread, begin, parser_of, sized, write_rows
from scipy import stats

from lesion_jax.config import DataConfig, LoopConfig, SweepConfig
from lesion_jax.data.build import build_dataset
from lesion_jax.data.lesion_images import Part
from lesion_jax.families import ClassifierConfig, DcganConfig
from lesion_jax.sources.phantom.write import write_phantom
from lesion_jax.sweep.collect import collect
from lesion_jax.sweep.directory import open_sweep
from lesion_jax.sweep.run import run_sweep

_TYPES = ("float32", "bfloat16")
_FOLDS = (0, 1, 2)


def main() -> None:
    """Trains what is not trained yet, compares, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--workdir", type=Path, required=True, help="made if absent, and kept")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=400, help="of the CNN; the DCGAN takes twice as many")
    flags = begin(parser)
    dataset = flags.workdir / "dataset"
    if not dataset.exists():
        studies = flags.workdir / "studies"
        write_phantom(studies)
        build_dataset(studies, studies / "lesions.csv", dataset)
    data = DataConfig(dataset=str(dataset), image_size=32, margin=0.15, batch_size=32, classic_size=1000)
    classifier = ClassifierConfig(
        width=8,
        learning_rate=0.015,
        learning_rate_schedule="cosine",
        input_scale=8.0,
        data=data,
        loop=_loop(flags.steps),
    )
    dcgan = DcganConfig(
        width=8,
        discriminator_width=8,
        learning_rate=1e-3,
        beta1=0.0,
        beta2=0.99,
        ema_decay=0.98,
        data=dataclasses.replace(data, label="metastasis", batch_size=16),
        loop=_loop(2 * flags.steps),
    )
    rows = [
        _row(
            "test accuracy of the CNN", "test_accuracy", _collected(flags, "cnn", classifier, "test"), 100.0, "points"
        ),
        _row("kernel distance of the DCGAN", "score", _collected(flags, "dcgan", dcgan, None), -1.0, ""),
    ]
    write_rows(rows, flags)


def _loop(steps: int) -> LoopConfig:
    whole = "100%"
    return LoopConfig(duration=f"{steps} steps", evaluate_every=whole, checkpoint_every=whole, pictures_every=whole)


def _collected(flags: Any, name: str, base: Any, part: Part | None) -> list[dict[str, Any]]:
    grid = (("dtype", _TYPES), ("seed", tuple(range(flags.seeds))), ("data.fold", _FOLDS))
    workdir = flags.workdir / name
    run_sweep(SweepConfig(base=base, grid=grid), workdir)
    return json.loads(collect(open_sweep(workdir), part)["json"].read_text())


def _row(what: str, column: str, cells: list[dict[str, Any]], scale: float, unit: str) -> Row:
    """The difference bfloat16 - float32."""
    of = {dtype: scale * _by_seed(cells, dtype, column) for dtype in _TYPES}
    one, other = of["bfloat16"], of["float32"]
    difference = one.mean() - other.mean()
    interval = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    spread = Spread(float(difference), float(interval.low), float(interval.high), len(one))
    said = ", ".join(f"{name} {x.mean():.3g} (SD of seeds {x.std(ddof=1):.2g})" for name, x in of.items())
    measure = sized(f"{what}, bfloat16 - float32, 95 % interval", width=8, image=32, device="1 x cpu")
    return Row(measure=measure, value=spread, unit=unit, peer=said)


def _by_seed(cells: list[dict[str, Any]], dtype: str, column: str) -> np.ndarray:
    """Means over folds, float [seeds]."""
    own = [cell for cell in cells if cell["dtype"] == dtype]
    seeds = sorted({cell["seed"] for cell in own})
    return np.array([np.mean([cell[column] for cell in own if cell["seed"] == seed]) for seed in seeds])


if __name__ == "__main__":
    main()
