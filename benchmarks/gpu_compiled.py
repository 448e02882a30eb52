"""What XLA compiles the steps to for GPUs that are not here: kernels, arithmetic against what is needed, bytes.

    pip install 'lesion-jax[aot-cuda]'          # in an environment of its own: 3.8 GB
    python benchmarks/gpu_compiled.py --out gpu_compiled.json

Each network alone, and nine in one program, packed as is known to be fastest; the large families as their defaults have
them, alone. Arithmetic is that of convolutions and matrix products. A quarter of an hour on two cores; nothing is
timed. What devices tell each other says `collectives.py --topology=h100:8`. Needs no TensorFlow.
"""

import dataclasses
import os

from rows import Row, begin, parser_of, sized, write_rows

from lesion_jax.commands.plan import environment_for

# Families at their defaults, which are for one GPU: alone, and how many kernels they may have nobody has said.
_FULL = {"rpgan", "inpaint"}
_NETWORKS = ("DCGAN", "classifier", *sorted(_FULL))


def main() -> None:
    """Compiles, prints and writes; what was compiled is written even where a later part fails."""
    parser = parser_of(__doc__)
    parser.add_argument("--topology", default="h100:8")
    parser.add_argument("--network", choices=_NETWORKS, action="append", help="default all")
    parser.add_argument("--width", type=int, action="append", help="W of the DCGAN; default 16, 64, 128; D has half")
    parser.add_argument("--classifier_width", type=int, default=32)
    parser.add_argument("--members", type=int, action="append", help="default 1, 9; 1 of the large ones")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--image_size", type=int, default=64)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="bfloat16")
    flags = begin(parser)
    os.environ |= environment_for(flags.topology)
    # Imports JAX, which reads the environment.
    from lesion_jax.config import DataConfig, TrainingConfig
    from lesion_jax.core.types import UNITS
    from lesion_jax.families import FAMILIES, ClassifierConfig, DcganConfig
    from lesion_jax.sweep.absent_devices import compile_for

    data = DataConfig(image_size=flags.image_size, batch_size=flags.batch_size, window=UNITS["HU"].window)
    networks = flags.network or _NETWORKS
    configs: dict[str, TrainingConfig] = {}
    if "DCGAN" in networks:
        for width in flags.width or (16, 64, 128):
            config = DcganConfig(width=width, discriminator_width=max(1, width // 2), dtype=flags.dtype, data=data)
            configs[f"DCGAN W = {width}"] = config
    if "classifier" in networks:
        width = flags.classifier_width
        configs[f"classifier W = {width}"] = ClassifierConfig(width=width, dtype=flags.dtype, data=data)
    for name in sorted(_FULL & set(networks)):
        configs[name] = dataclasses.replace(FAMILIES[name].config(), dtype=flags.dtype, data=data)
    rows: list[Row] = []
    try:
        for name, config in configs.items():
            for members in flags.members or ((1,) if name in _FULL else (1, 9)):
                found = compile_for(flags.topology, config, num_classes=3, num_trainings=members, num_images=3370)
                what = sized(
                    f"step of {members} {name}",
                    batch=flags.batch_size,
                    image=flags.image_size,
                    dtype=flags.dtype,
                    device=f"compiled for {flags.topology}",
                )
                likely = "" if found.likely_seconds is None else f"; likely {1e3 * found.likely_seconds:.2f} ms"
                limit = f"{found.bytes_moved / 1e9:.2f} GB, no less than {1e3 * found.seconds:.3f} ms{likely}"
                rows.append(
                    Row(
                        measure=f"arithmetic of a {what}",
                        value=found.flops / 1e9,
                        unit="GFLOP",
                        peer=f"needed, {found.needed_flops / 1e9:.1f} GFLOP",
                        ratio=found.needed_flops / found.flops,
                        # 1.1 times the arithmetic at most.
                        must=1 / 1.1,
                    )
                )
                kernels = found.num_kernels or 1
                asked = None if name in _FULL else 120 if members == 1 else 150
                said = f"{limit}; {found.device_bytes / 2**30:.2f} GiB"
                rows.append(
                    Row(
                        measure=f"kernels of a {what}",
                        value=float(kernels),
                        unit="kernels",
                        peer=f"at most {asked}; {said}" if asked else said,
                        ratio=asked / kernels if asked else 1.0,
                        must=1.0 if asked else 0.0,
                    )
                )
    finally:
        if rows:
            write_rows(rows, flags)


if __name__ == "__main__":
    main()
