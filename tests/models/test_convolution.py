import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lesion_jax.models import convolution

DIMENSIONS = ("NHWC", "HWIO", "NHWC")
# (h, w, I, O): the image's single channel, few and many channels, the deepest layers of a 32x32 image, a side of one,
# and a small image of one channel. Below four pixels a CPU takes products.
SHAPES = [(4, 6, 1, 8), (4, 5, 16, 8), (5, 4, 17, 8), (3, 5, 16, 8), (2, 2, 16, 32), (1, 1, 8, 4), (3, 2, 1, 4)]


def lax_down(x, w):
    return lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=DIMENSIONS)


def lax_up(y, w):
    x = jax.ShapeDtypeStruct((y.shape[0], 2 * y.shape[1], 2 * y.shape[2], w.shape[2]), y.dtype)
    return jax.linear_transpose(lambda x: lax_down(x, w), x)(y)[0]


def arrays(h, w, num_in, num_out):
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (2, 2 * h, 2 * w, num_in))
    y = jax.random.normal(keys[1], (2, h, w, num_out))
    return x, y, jax.random.normal(keys[2], (5, 5, num_in, num_out)) / np.sqrt(25 * num_in)


def value_and_gradients(function, argument, kernel, cotangent):
    """(value, gradient of the argument, gradient of the kernel)."""

    @jax.jit
    def run(argument, kernel, cotangent):
        value, pull = jax.vjp(function, argument, kernel)
        return value, *pull(cotangent)

    return run(argument, kernel, cotangent)


# Several tests compare with them.
@functools.cache
def of_lax_down(shape):
    x, y, w = arrays(*shape)
    return value_and_gradients(lax_down, x, w, y)


@functools.cache
def of_lax_up(shape):
    x, y, w = arrays(*shape)
    return value_and_gradients(lax_up, y, w, x)


def assert_close(found, wanted):
    """To 1e-5 of their size."""
    for got, expected in zip(found, wanted, strict=True):
        assert got.shape == expected.shape and got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5 * max(1.0, float(abs(expected).max())))


@pytest.mark.parametrize("down", [convolution.down, convolution.down_by_products])
@pytest.mark.parametrize("shape", SHAPES)
def test_down_and_its_gradients_are_those_of_lax(shape, down):
    x, y, w = arrays(*shape)
    assert_close(value_and_gradients(down, x, w, y), of_lax_down(shape))


@pytest.mark.parametrize("up", [convolution.up, convolution.up_by_products])
@pytest.mark.parametrize("shape", SHAPES)
def test_up_and_its_gradients_are_those_of_lax(shape, up):
    x, y, w = arrays(*shape)
    assert_close(value_and_gradients(up, y, w, x), of_lax_up(shape))


@pytest.mark.parametrize("channels", [8, 1])
@pytest.mark.parametrize("name", ["down", "up", "down_by_products", "up_by_products"])
def test_members_with_weights_of_their_own_are_each_as_alone(name, channels):
    function, (x, y, w) = getattr(convolution, name), arrays(4, 6, channels, 8)
    argument, cotangent = (x, y) if name.startswith("down") else (y, x)
    two = jnp.stack([w, -0.5 * w])

    def gradients(w):
        value, pull = jax.vjp(function, argument, w)
        return value, *pull(cotangent)

    together = jax.jit(jax.vmap(gradients))(two)
    for i in range(2):
        for got, expected in zip(together, jax.jit(gradients)(two[i]), strict=True):
            np.testing.assert_allclose(got[i], expected, rtol=0, atol=1e-5 * max(1.0, float(abs(expected).max())))


def test_an_unpadded_convolution_as_a_product_is_that_of_lax():
    x, w = jax.random.normal(jax.random.key(0), (2, 7, 6, 4)), jax.random.normal(jax.random.key(1), (3, 3, 4, 5)) / 6
    cotangent = jax.random.normal(jax.random.key(2), (2, 5, 4, 5))
    plain = lambda x, w: lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=DIMENSIONS)  # noqa: E731
    found, wanted = (value_and_gradients(form, x, w, cotangent) for form in (convolution.valid_by_products, plain))
    assert_close(found, wanted)


def test_a_product_form_has_no_convolution():
    x, _, w = arrays(4, 6, 8, 8)

    def loss(x, w):
        y = convolution.down_by_products(x, w)
        return jnp.sum(convolution.up_by_products(y, w) ** 2) + jnp.sum(convolution.valid_by_products(x, w[:3, :3]))

    text = jax.jit(jax.grad(loss, (0, 1))).lower(x, w).as_text()
    assert "dot_general" in text and "convolution" not in text


@pytest.mark.parametrize("shape", SHAPES)
def test_every_form_of_up_is_the_transpose_of_down(shape):
    (_, y, w), (want, *_) = arrays(*shape), of_lax_up(shape)
    forms = [getattr(convolution, f"up_by_{name}") for name in ("dilation", "phases", "rows", "taps")]
    for form in forms:
        np.testing.assert_allclose(jax.jit(form)(y, w), want, rtol=0, atol=1e-5, err_msg=form.__name__)


def test_up_is_what_lax_calls_conv_transpose():
    _, y, w = arrays(4, 4, 3, 5)
    theirs = lambda y, w: lax.conv_transpose(y, w, (2, 2), "SAME", transpose_kernel=True)  # noqa: E731
    np.testing.assert_allclose(jax.jit(convolution.up)(y, w), jax.jit(theirs)(y, w), atol=1e-5)


def _pair(side, platform, channels=8):
    """Lowered text of `down` to side x side pixels and of `up` from them, so many channels to 16."""
    x, y, w = arrays(side, side, channels, 16)
    return [
        jax.jit(function).trace(argument, w).lower(lowering_platforms=(platform,)).as_text()
        for function, argument in ((convolution.down, x), (convolution.up, y))
    ]


@pytest.mark.parametrize(("platform", "side"), [("cpu", 1), ("cpu", 2), ("cpu", 3), ("cuda", 2), ("cuda", 4)])
def test_the_smallest_images_are_products(platform, side):
    assert all("dot_general" in text and "stablehlo.convolution" not in text for text in _pair(side, platform))


@pytest.mark.parametrize(("platform", "side"), [("cuda", 5), ("tpu", 2)])
def test_where_the_table_says_nothing_the_form_is_lax_s_own(platform, side):
    assert all(text.count("stablehlo.convolution") == 1 for text in _pair(side, platform))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_form_of_the_table_is_the_same_map(shape):
    (x, y, w), maps = arrays(*shape), convolution._FORMS
    given = {
        "down": (x, w),
        "up": (y, w),
        "kernel_gradient": (x, y),
        "valid": (jnp.pad(x, ((0, 0), *[(2, 2)] * 2, (0, 0))), w),
    }
    value, _, kernel_gradient = of_lax_down(shape)
    wanted = {"down": value, "up": of_lax_up(shape)[0], "kernel_gradient": kernel_gradient}
    wanted["valid"] = lax.conv_general_dilated(*given["valid"], (1, 1), "VALID", dimension_numbers=DIMENSIONS)
    assert set(maps) == set(given) == set(convolution._LAX)
    for name, forms in maps.items():
        want = wanted[name]
        rows = [row for rows in forms.values() for row in rows]
        for form in {convolution._LAX[name], *(form for _, most, form in rows if x.shape[3] <= most)}:
            scale = max(1.0, float(abs(want).max()))
            np.testing.assert_allclose(jax.jit(form)(*given[name]), want, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("side", [4, 8, 16, 32])
@pytest.mark.parametrize(("channels", "convolutions"), [(8, 2), (16, 2), (17, 4)])
def test_on_a_cpu_few_channels_go_up_by_rows_and_many_by_phases(side, channels, convolutions):
    down, up = _pair(side, "cpu", channels)
    assert "dot_general" not in down + up
    assert (down.count("stablehlo.convolution"), up.count("stablehlo.convolution")) == (1, convolutions)


@pytest.mark.parametrize(("platform", "num"), [("cpu", 0), ("cuda", 8), ("tpu", 8)])
def test_on_a_cpu_all_maps_of_one_channel_are_products(platform, num):
    x, y, w = arrays(8, 8, 1, 8)

    def everything(x, y, w):
        down, pull = jax.vjp(convolution.down, x, w)
        up, pull_up = jax.vjp(convolution.up, y, w)
        kept, pull_kept = jax.vjp(lambda w: convolution.valid(x, w), w[:3, :3])
        return pull(y), pull_up(x), up, down, pull_kept(kept)

    text = jax.jit(everything).trace(x, y, w).lower(lowering_platforms=(platform,)).as_text()
    # Of down and of up the value and two gradients, of valid the value and that of the kernel.
    assert text.count("stablehlo.convolution") == num


@pytest.mark.parametrize("size", [3, 5])
def test_valid_of_one_channel_and_its_gradients_are_those_of_lax(size):
    x, y, w = arrays(5, 4, 1, 6)
    w, y = w[:size, :size], jnp.ones((2, 11 - size, 9 - size, 6)) * w[0, 0]
    plain = lambda x, w: lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=DIMENSIONS)  # noqa: E731
    assert_close(value_and_gradients(convolution.valid, x, w, y), value_and_gradients(plain, x, w, y))
    with pytest.raises(AssertionError, match=f"{size}, 2"):
        convolution.valid(x, w[:, :2])


def _dilated_convolutions(platform):
    # Of the layer above the smallest.
    _, y, w = arrays(8, 9, 16, 8)
    gradient = jax.grad(lambda y, w: jnp.sum(convolution.up(convolution.down(convolution.up(y, w), w), w) ** 2))
    text = jax.jit(gradient).trace(y, w).lower(lowering_platforms=(platform,)).as_text()
    return sum("lhs_dilate = [2, 2]" in line for line in text.splitlines() if "stablehlo.convolution" in line)


def test_cpu_programs_hold_no_dilated_input_and_accelerators_the_textbook_form():
    assert _dilated_convolutions("cpu") == 0
    assert _dilated_convolutions("cuda") >= 3
    assert _dilated_convolutions("tpu") >= 3


@pytest.mark.parametrize("channels", [16, 1])
def test_bfloat16_stays_bfloat16(channels):
    x, y, w = (a.astype(jnp.bfloat16) for a in arrays(3, 5, channels, 8))

    @jax.jit
    def everything(x, y, w):
        value, pull = jax.vjp(convolution.up, y, w)
        return value, *pull(x), convolution.down(x, w), convolution.valid(x, w[:3, :3])

    assert {a.dtype for a in everything(x, y, w)} == {jnp.dtype(jnp.bfloat16)}
