"""Bytes that a TPU moves for a member's step, in a population and alone; by its compiler, without a TPU.

    pip install libtpu
    python benchmarks/tpu_compiled.py --out tpu_compiled.json

Takes four minutes on two cores at W = 16, as many more at W = 64. Needs no TensorFlow.
"""

import os

from rows import Row, begin, parser_of, sized, write_rows

from lesion_jax.commands.plan import TPU_ENVIRONMENT


def main() -> None:
    """Compiles, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--topology", default="v5e:2x2")
    parser.add_argument("--network", choices=("DCGAN", "classifier"), action="append", help="default both")
    parser.add_argument("--width", type=int, action="append", help="W of the DCGAN; may be repeated; default 16")
    parser.add_argument("--classifier_width", type=int, default=32)
    parser.add_argument("--members", type=int, default=9)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--image_size", type=int, default=64)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="bfloat16")
    flags = begin(parser)
    os.environ |= TPU_ENVIRONMENT
    # Imports JAX, which reads the environment.
    from lesion_jax.config import DataConfig, TrainingConfig
    from lesion_jax.core.types import UNITS
    from lesion_jax.families import ClassifierConfig, DcganConfig
    from lesion_jax.sweep.absent_devices import compile_for

    data = DataConfig(image_size=flags.image_size, batch_size=flags.batch_size, window=UNITS["HU"].window)
    networks = flags.network or ("DCGAN", "classifier")
    configs: dict[str, TrainingConfig] = {}
    if "DCGAN" in networks:
        for width in flags.width or (16,):
            config = DcganConfig(width=width, discriminator_width=width, dtype=flags.dtype, data=data)
            configs[f"DCGANs, W = {width}"] = config
    if "classifier" in networks:
        width = flags.classifier_width
        configs[f"classifiers, W = {width}"] = ClassifierConfig(width=width, dtype=flags.dtype, data=data)
    rows = []
    for name, config in configs.items():
        one, all_of_them = (
            compile_for(
                flags.topology, config, num_classes=3, num_trainings=number, num_images=3370, packing="vmap"
            ).bytes_moved
            / number
            for number in (1, flags.members)
        )
        rows.append(
            Row(
                measure=sized(
                    f"bytes moved by a step of one of {flags.members} {name}",
                    batch=flags.batch_size,
                    image=flags.image_size,
                    dtype=flags.dtype,
                    packing="vmap",
                    device=f"compiled for {flags.topology}",
                ),
                value=all_of_them / 2**20,
                unit="MiB",
                peer=f"alone, {one / 2**20:,.1f} MiB",
                ratio=one / all_of_them,
                # 1.2 times the bytes at most.
                must=1 / 1.2,
            )
        )
    write_rows(rows, flags)


if __name__ == "__main__":
    main()
