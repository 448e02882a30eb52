"""Time of the forms that the networks' convolutions can take, at their shapes, against the form that they have.

    python benchmarks/convolution_forms.py --out convolution_forms.json
    python benchmarks/convolution_forms.py --network classifier --repeats 20
    pip install libtpu; python benchmarks/convolution_forms.py --topology v5e:2x2 --dtype bfloat16

Every form is first held to lax's own, to 1e-5 of the largest value (in float32; 1 % in bfloat16). Forms of one shape
are timed in turn; the medians count. On a device that is there, the one in use is also told by its share of the rate of
a large matrix product, of what it needs: zeros that a form multiplies are not counted. For a TPU that is not there its
compiler counts the bytes that a form moves: none of these convolutions gives its arithmetic enough to do. A ratio of
one says that no form beats the one in use on this device. Where it is well below one on a device that you train on,
choose anew in `lesion_jax/models/convolution.py`. Needs no TensorFlow.
"""

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import topologies
from rows import Row, Spread, begin, interleaved_seconds, parser_of, sized, write_rows
from step_throughput import lax_down

from lesion_jax.commands.plan import TPU_ENVIRONMENT
from lesion_jax.models import convolution, planes
from lesion_jax.models.convolution import PADDING
from lesion_jax.runtime.arithmetic import needed_flops
from lesion_jax.runtime.cpu import tune_cpu

Form = Callable[[jax.Array, jax.Array], jax.Array]
Arguments = tuple[jax.Array, jax.Array]

_PRODUCT_SIDE = 2048


@dataclasses.dataclass(frozen=True)
class Gauge:
    """What forms are compared by; less is better.

    Attributes:
      unit: Of its values.
      where: Devices, or what it is compiled for.
      measure: Forms by name, the first lax's own, and their arguments -> value of each.
      product_rate: Floating-point operations per second of a large matrix product; 0 where time is not measured.
    """

    unit: str
    where: str
    measure: Callable[[Mapping[str, Form], Arguments], dict[str, Spread]]
    product_rate: float = 0.0


def main() -> None:
    """Measures, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--network", choices=("DCGAN", "classifier"), action="append", help="default both")
    parser.add_argument("--width", type=int, action="append", help="W of the DCGAN; may be repeated; default 8, 16, 64")
    parser.add_argument("--classifier_width", type=int, default=32)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--image_size", type=int, default=64)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--topology", help="of TPUs that are not here, such as v5e:2x2: counts bytes")
    flags = begin(parser)
    rows: list[Row] = []
    dtype = jnp.dtype(flags.dtype)
    if flags.topology:
        os.environ |= TPU_ENVIRONMENT
        jax.config.update("jax_platforms", "cpu")
        gauge = Gauge("MiB", f"compiled for {flags.topology}", functools.partial(_mebibytes, flags.topology))
    else:
        tune_cpu()
        where = f"1 x {jax.devices()[0].device_kind}"
        rate = _product_rate(dtype, flags.repeats)
        gauge = Gauge("ms", where, functools.partial(_milliseconds, flags.repeats), rate.median)
        rows.append(
            Row(
                measure=sized(f"matrix product {_PRODUCT_SIDE} x {_PRODUCT_SIDE}", dtype=flags.dtype, device=where),
                value=rate.times(1e-9),
                unit="GFLOP/s",
            )
        )
    networks = flags.network or ("DCGAN", "classifier")
    if "DCGAN" in networks:
        for width in flags.width or (8, 16, 64):
            channels = [1, width, 2 * width, 4 * width, 8 * width]
            for layer in range(4):
                shape = (flags.batch_size, flags.image_size >> (layer + 1), channels[layer], channels[layer + 1])
                rows += _strided_rows(shape, dtype, gauge)
    if "classifier" in networks:
        side, channels = flags.image_size, [1] + [flags.classifier_width << layer for layer in range(3)]
        for layer in range(3):
            shape = (flags.batch_size, side, channels[layer], channels[layer + 1])
            rows += _valid_rows(shape, dtype, gauge)
            side = (side - 2) // 2
    write_rows(rows, flags)


def _strided_rows(shape: tuple[int, int, int, int], dtype: np.dtype, gauge: Gauge) -> list[Row]:
    batch, side, num_in, num_out = shape
    x, w, y = _arrays(dtype, (batch, 2 * side, 2 * side, num_in), (5, 5, num_in, num_out), (batch, side, side, num_out))
    name = f"batch {batch}, 5x5 stride 2, {2 * side}x{2 * side}x{num_in} to {side}x{side}x{num_out}"
    return [
        _row(f"{name}: convolution", convolution.down, _forms("down", num_in), (x, w), gauge),
        _row(f"{name}: its transpose", convolution.up, _forms("up", num_in), (y, w), gauge),
        _row(f"{name}: gradient of the kernel", convolution.kernel_gradient, _forms("kernel", num_in), (x, y), gauge),
    ]


def _valid_rows(shape: tuple[int, int, int, int], dtype: np.dtype, gauge: Gauge) -> list[Row]:
    batch, side, num_in, num_out = shape
    x, w, y = _arrays(dtype, (batch, side, side, num_in), (3, 3, num_in, num_out), (batch, side - 2, side - 2, num_out))
    name = f"batch {batch}, 3x3, {side}x{side}x{num_in} to {side - 2}x{side - 2}x{num_out}"

    # A convolution is linear in either argument, so the value of the one that is pulled back to does not matter.
    def to_input(form: Form) -> Form:
        return lambda w, y: jax.vjp(lambda x: form(x, w), x)[1](y)[0]

    def to_kernel(form: Form) -> Form:
        return lambda x, y: jax.vjp(lambda w: form(x, w), w)[1](y)[0]

    def row_of(part: str, of: Callable[[Form], Form], arguments: Arguments) -> Row:
        forms = {name: of(form) for name, form in _forms("valid", num_in).items()}
        return _row(f"{name}: {part}", of(convolution.valid), forms, arguments, gauge)

    rows = [row_of("convolution", lambda form: form, (x, w)), row_of("gradient of the kernel", to_kernel, (x, y))]
    # Nobody asks for the gradient of the image.
    return rows if num_in == 1 else [*rows, row_of("gradient of the input", to_input, (w, y))]


def _arrays(dtype: np.dtype, *shapes: tuple[int, ...]) -> list[jax.Array]:
    generator = np.random.default_rng(0)
    return [jnp.asarray(generator.standard_normal(shape), dtype) for shape in shapes]


def _row(measure: str, used: Form, forms: Mapping[str, Form], arguments: Arguments, gauge: Gauge) -> Row:
    values = gauge.measure({**forms, "used": used}, arguments)
    mine = values.pop("used")
    share = ""
    if gauge.product_rate:
        rate = 1e3 * needed_flops(used, *arguments) / mine.median
        share = f"; {100 * rate / gauge.product_rate:.0f} % of a product's rate"
    return Row(
        measure=sized(measure, dtype=arguments[0].dtype, device=gauge.where),
        value=mine,
        unit=gauge.unit,
        peer=", ".join(f"{name} {value.median:.2f} {gauge.unit}" for name, value in values.items()) + share,
        ratio=min(value.median for value in values.values()) / mine.median,
        must=0.0,
    )


def _milliseconds(repeats: int, forms: Mapping[str, Form], arguments: Arguments) -> dict[str, Spread]:
    calls: dict[str, Callable[[], object]] = {}
    expected = None
    tolerance = 1e-5 if arguments[0].dtype == jnp.float32 else 1e-2
    for name, form in forms.items():
        compiled = jax.jit(form).lower(*arguments).compile()
        value = np.asarray(compiled(*arguments), np.float32)
        expected = value if expected is None else expected
        np.testing.assert_allclose(value, expected, rtol=0, atol=tolerance * abs(expected).max(), err_msg=name)
        calls[name] = functools.partial(lambda f: jax.block_until_ready(f(*arguments)), compiled)
    return {name: seconds.times(1e3) for name, seconds in interleaved_seconds(calls, repeats).items()}


def _product_rate(dtype: np.dtype, repeats: int) -> Spread:
    """Floating-point operations per second of a square matrix product."""
    (square,) = _arrays(dtype, (_PRODUCT_SIDE, _PRODUCT_SIDE))
    product = jax.jit(jnp.matmul).lower(square, square).compile()
    seconds = interleaved_seconds({"": lambda: jax.block_until_ready(product(square, square))}, repeats)[""]
    return seconds.under(2.0 * _PRODUCT_SIDE**3)


def _mebibytes(topology: str, forms: Mapping[str, Form], arguments: Arguments) -> dict[str, Spread]:
    device = topologies.get_topology_desc(platform="tpu", topology_name=topology).devices[0]
    sharding = jax.sharding.SingleDeviceSharding(device)
    placed = [jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding) for x in arguments]
    costs = {name: jax.jit(form).lower(*placed).compile().cost_analysis() for name, form in forms.items()}
    return {name: Spread.of([(cost or {})["bytes accessed"] / 2**20]) for name, cost in costs.items()}


# The first of each is lax's own, with lax's own gradients.


def _lax_kernel(x: jax.Array, y: jax.Array) -> jax.Array:
    w = jnp.zeros((5, 5, x.shape[3], y.shape[3]), x.dtype)
    return jax.vjp(lambda w: lax_down(x, w), w)[1](y)[0]


def _six_taps(w: jax.Array) -> jax.Array:
    """[5, 5, I, O] -> [3, 3, 2 * 2 * I, O]: on x with its 2x2 blocks as channels; 11 of 36 taps are zero."""
    w = jnp.pad(w, ((1, 0), (1, 0), (0, 0), (0, 0)))
    w = w.reshape(3, 2, 3, 2, *w.shape[2:]).transpose(0, 2, 1, 3, 4, 5)
    return w.reshape(3, 3, -1, w.shape[-1])


def _blocks(x: jax.Array) -> jax.Array:
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // 2, 2, width // 2, 2, channels).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(batch, height // 2, width // 2, 4 * channels)


def _down_of_blocks(x: jax.Array, w: jax.Array) -> jax.Array:
    return lax.conv_general_dilated(
        _blocks(x), _six_taps(w), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _up_of_blocks(y: jax.Array, w: jax.Array) -> jax.Array:
    taps = _six_taps(w)[::-1, ::-1].swapaxes(2, 3)
    x = lax.conv_general_dilated(y, taps, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return convolution.interleave(x)


def _kernel_of_blocks(x: jax.Array, y: jax.Array) -> jax.Array:
    w = jnp.zeros((5, 5, x.shape[3], y.shape[3]), x.dtype)
    return jax.vjp(lambda w: _down_of_blocks(x, w), w)[1](y)[0]


def _kernel_by_image(x: jax.Array, y: jax.Array) -> jax.Array:
    patches = convolution.patches(jnp.pad(x, ((0, 0), *PADDING, (0, 0))), 5, 2)
    return jnp.einsum("bhwki,bhwo->bkio", patches, y).sum(0).reshape(5, 5, x.shape[3], y.shape[3])


_FORMS: dict[str, dict[str, Form]] = {
    "down": {
        "lax": lax_down,
        "blocks": _down_of_blocks,
        "products": convolution.down_by_products,
    },
    "up": {
        "lax": convolution.up_by_dilation,
        "blocks": _up_of_blocks,
        "phases": convolution.up_by_phases,
        "rows": convolution.up_by_rows,
        "products": convolution.up_by_taps,
    },
    "kernel": {
        "lax": _lax_kernel,
        "blocks": _kernel_of_blocks,
        "products": convolution.kernel_gradient_by_products,
        "products by image": _kernel_by_image,
    },
    "valid": {
        "lax": convolution.valid_by_convolution,
        "products": convolution.valid_by_products,
    },
}
_PLANES: dict[str, Form] = {
    "down": planes.down,
    "up": planes.up,
    "kernel": planes.kernel_gradient,
    "valid": planes.valid,
}


def _forms(name: str, num_channels: int) -> dict[str, Form]:
    return _FORMS[name] | ({"planes": _PLANES[name]} if num_channels == 1 else {})


if __name__ == "__main__":
    main()
