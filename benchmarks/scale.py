"""What a step costs against members, devices and the side of images: compiled for absent GPUs, and timed here.

    pip install 'lesion-jax[aot-cuda]'          # in an environment of its own: 3.8 GB
    python benchmarks/scale.py --out scale.json --picture scale.png

Of a DCGAN. The GPU's times are predictions, those of `plan --topology`: kernels, bytes and arithmetic as compiled, at
the pace fitted to measured steps (`sweep/absent_gpus.py`). Devices share the batch of one training; each then waits for
the gradients, which travel as in a ring. Members of a population need nothing of each other: D devices take D times as
many in the same time. The CPU's are timed as `plan` times them; there members run one after another. Some minutes.
"""

import dataclasses
import os
from pathlib import Path
from typing import Any

from rows import Row, Rows, begin, parser_of, sized

from lesion_jax.commands.plan import environment_for

# The one GPU whose pace has been measured, and bytes/s from one to the next, each way: half of what NVIDIA's data sheet
# gives for NVLink, which counts both.
_KIND, _LINK = "h100", 450e9
_TOPOLOGY = f"{_KIND}:8"
# Sides of the images that are timed on the CPU.
_TIMED = (32, 64, 128)


@dataclasses.dataclass(frozen=True)
class Point:
    """A step of all members on one device.

    Attributes:
      axis: "members", "devices" or "image".
      value: Their number, or the side in pixels.
      members: Members of the program.
      parts: Milliseconds of kernels, bytes, arithmetic and, between devices, gradients.
    """

    axis: str
    value: int
    members: int
    parts: dict[str, float]

    @property
    def each(self) -> float:
        """Milliseconds of one member's step."""
        return sum(self.parts.values()) / self.members


def main() -> None:
    """Compiles, times, prints, writes and draws."""
    parser = parser_of(__doc__)
    parser.add_argument("--width", type=int, default=16, help="W; D has half")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--members", type=int, action="append", help="default 1, 3, 9, 27, 81")
    parser.add_argument("--devices", type=int, action="append", help="default 1, 2, 4, 8")
    parser.add_argument("--image_size", type=int, action="append", help="default 32, 64, 128, 256")
    parser.add_argument("--picture", type=Path, help="PNG file to write")
    flags = begin(parser)
    os.environ |= environment_for(_TOPOLOGY)
    rows = Rows(flags)
    points = _compiled(flags, rows)
    timed = _timed(flags, rows)
    if flags.picture:
        _draw(points, timed, flags)


def _compiled(flags: Any, rows: Rows) -> list[Point]:
    from lesion_jax.sweep.absent_devices import compile_for
    from lesion_jax.sweep.absent_gpus import GPUS

    pace = GPUS[_KIND].pace
    assert pace is not None
    known: dict[tuple[int, int, int], Any] = {}
    points = []
    for axis, value, members, batch, side in _asked(flags):
        key = members, batch, side
        if key not in known:
            config = _config(flags, batch, side)
            known[key] = compile_for(_TOPOLOGY, config, num_classes=3, num_trainings=members, num_images=3370)
        found = known[key]
        seconds = pace.parts(found.num_kernels, found.bytes_moved, found.flops)
        parts = {name: 1e3 * part for name, part in seconds.items()}
        if axis == "devices" and value > 1:
            told = 2 * (value - 1) / value * 4 * _num_parameters(_config(flags, batch, side))
            parts["gradients"] = 1e3 * told / _LINK
        points.append(Point(axis, value, members, parts))
        device = f"predicted for {_KIND}:{value}" if axis == "devices" else f"predicted for {_TOPOLOGY}"
        said = ", ".join(f"{name} {part:.3f}" for name, part in parts.items())
        rows.add(
            Row(
                measure=sized(f"step of each of {members} DCGANs", **_sizes(flags, batch, side), device=device),
                value=points[-1].each,
                unit="ms",
                peer=f"{1e3 * points[-1].each / batch:.3g} us an image of a device; {said} ms; "
                f"{found.num_kernels} kernels, {found.device_bytes / 2**30:.2f} GiB",
            )
        )
    return points


def _asked(flags: Any) -> list[tuple[str, int, int, int, int]]:
    """(axis, value, members, images of a step on a device, side) of each point."""
    batch = flags.batch_size
    return [
        *(("members", n, n, batch, 64) for n in flags.members or (1, 3, 9, 27, 81)),
        *(("devices", n, 1, batch // n, 64) for n in flags.devices or (1, 2, 4, 8)),
        *(("image", side, 1, batch, side) for side in flags.image_size or (32, 64, 128, 256)),
    ]


def _timed(flags: Any, rows: Rows) -> dict[int, float]:
    """Milliseconds of a step by the side of its images on the CPU, timed as `plan` does it."""
    import jax
    import numpy as np

    from lesion_jax.families import DCGAN
    from lesion_jax.train.packing import measure_packing
    from lesion_jax.train.training import make_program

    init, batch = DCGAN.init_state, flags.batch_size
    assert init is not None
    timed = {}
    for side in _TIMED:
        config = _config(flags, batch, side, dtype="float32")
        program = make_program(config, 3)
        state = jax.device_get(init(config, program, None))
        images = {"pixels": np.zeros((256, side, side), np.int16), "label": np.zeros(256, np.int32)}
        devices = (jax.devices("cpu")[0],)
        timed[side] = 1e3 * measure_packing(program, state, "one", images, devices, 1, batch)["seconds_per_step"]
        sizes = _sizes(flags, batch, side, "float32")
        measure = sized("step of each of 1 DCGANs", **sizes, device="1 x cpu")
        rows.add(
            Row(measure=measure, value=timed[side], unit="ms", peer=f"{1e3 * timed[side] / batch:.3g} us an image")
        )
    return timed


def _config(flags: Any, batch_size: int, side: int, dtype: Any = "bfloat16") -> Any:
    from lesion_jax.config import DataConfig
    from lesion_jax.core.types import UNITS
    from lesion_jax.families import DcganConfig

    data = DataConfig(image_size=side, batch_size=batch_size, window=UNITS["HU"].window)
    return DcganConfig(width=flags.width, discriminator_width=max(1, flags.width // 2), dtype=dtype, data=data)


def _sizes(flags: Any, batch: int, side: int, dtype: str = "bfloat16") -> dict[str, Any]:
    return {"width": flags.width, "batch": batch, "image": side, "dtype": dtype}


def _num_parameters(config: Any) -> int:
    import jax

    from lesion_jax.families import DCGAN
    from lesion_jax.train.training import make_program

    init = DCGAN.init_state
    assert init is not None
    state = jax.eval_shape(lambda: init(config, make_program(config, 3), None))
    return sum(leaf.size for leaf in jax.tree.leaves([network.params for network in state.networks.values()]))


def _draw(points: list[Point], timed: dict[int, float], flags: Any) -> None:
    import numpy as np
    from matplotlib.figure import Figure

    colors = {"kernels": "#0072B2", "bytes": "#56B4E9", "arithmetic": "#E69F00", "gradients": "#CC79A7"}
    titles = {
        "members": "Members of one program",
        "devices": f"Devices that share {flags.batch_size} images",
        "image": "Side of the images",
    }
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    for axes, (axis, title) in zip(figure.subplots(1, 3), titles.items(), strict=True):
        own = [point for point in points if point.axis == axis]
        below = np.zeros(len(own))
        for part, color in colors.items():
            height = np.array([point.parts.get(part, 0.0) / point.members for point in own])
            if height.any():
                axes.bar(range(len(own)), height, bottom=below, color=color, label=part, width=0.6)
            below += height
        for place, total in enumerate(below):
            axes.text(place, total, f"{total:.2g}", ha="center", va="bottom", fontsize=8)
        names = [
            f"{point.value}\n({timed[point.value]:.0f} ms)"
            if axis == "image" and point.value in timed
            else str(point.value)
            for point in own
        ]
        axes.set_xticks(range(len(own)), names)
        axes.set_xlabel(title)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("Predicted ms of a member's step")
    handles = figure.axes[1].get_legend_handles_labels()
    figure.axes[0].legend(*handles, frameon=False, fontsize=8, loc="upper right")
    where = f"DCGAN, W = {flags.width}, 64 x 64, bfloat16, one member unless said, compiled for {_TOPOLOGY}"
    figure.suptitle(f"{where} (below: measured on a CPU, float32)", fontsize=9)
    figure.savefig(flags.picture, dpi=120)


if __name__ == "__main__":
    main()
