"""The networks as data: lists of layers that suffice to rebuild one in any framework, with running statistics.

A layer is {"op": name, ...}; `OPS` says what each computes. Where it has arrays, "tensors" names them as flax does:
the path of the module, then the array, joined by dots.
"""

from typing import Any

import flax.linen as nn

from lesion_jax.models.acgan import AuxiliaryDiscriminator, ConditionalGenerator
from lesion_jax.models.cnn import Classifier
from lesion_jax.models.convolution import PADDING
from lesion_jax.models.dcgan import SCALE, Discriminator, Generator
from lesion_jax.models.layers import BATCH_NORM_EPSILON, LEAKY_SLOPE

Layer = dict[str, Any]

# Of a GAN's convolutions.
_STRIDED = {"strides": [2, 2], "padding": [list(ends) for ends in PADDING]}

OPS = {
    "dense": "x @ kernel + bias; kernel [inputs, outputs]; no bias where none is named",
    "conv": "cross-correlation with zero padding [[top, bottom], [left, right]]; x [N, rows, columns, channels]; "
    "kernel [rows, columns, inputs, outputs] (HWIO); no bias where none is named",
    "transposed_conv": "the transpose of conv with these strides and this padding (its gradient with respect to x), "
    "plus bias; kernel stored as of the conv that it transposes, [rows, columns, outputs, inputs]; the unpadded "
    "result, (side - 1) * stride + rows long, loses the padding at its ends: each side is multiplied by the stride",
    "batch_norm": "(x - mean) / sqrt(var + epsilon) * scale + bias, along the last axis",
    "relu": "max(x, 0)",
    "leaky_relu": "x where x > 0, else slope * x",
    "tanh": "tanh(x)",
    "softmax": "exp(x) / sum(exp(x)) along the last axis",
    "max_pool": "maximum of each window, unpadded; an odd last row or column is dropped",
    "reshape": "to shape [N, *shape], in row-major order",
    "flatten": "to shape [N, -1], in row-major order: row, column, channel",
    "embedding_concat": "x, then along the last axis the row of table [labels, size] that the input `label` names",
    "from_hu": "HU clipped to window [low, high] and mapped linearly to range, as float32",
    "subtract": "x - value",
    "to_hu": "range mapped linearly to window [low, high], then rounded to an integer, halves to even: HU, int16",
}


def describe(module: nn.Module, at: str = "") -> dict[str, Any]:
    """The layers of a network and of what comes out of it.

    Args:
      module: One of this package; what its `dtype` is plays no part.
      at: Put before the name of each array, where several networks are described together.

    Returns:
      {"layers": list in order, "outputs": {name: list of the layers that follow them}}, of plain values.

    Raises:
      TypeError: A module that this file does not know.
    """
    match module:
        case Generator():
            return {"layers": _generator(module, at), "outputs": {"image": []}}
        case ConditionalGenerator(width=width, image_size=image_size):
            embedding = {"op": "embedding_concat", "tensors": {"table": f"{at}Embed_0.embedding"}}
            inner = _generator(Generator(width, image_size), f"{at}generator.")
            return {"layers": [embedding, *inner], "outputs": {"image": []}}
        case Discriminator():
            return {"layers": _body(f"{at}body."), "outputs": {"source_logit": _source(at)}}
        case AuxiliaryDiscriminator():
            outputs = {"source_logit": _source(at), **_classes(f"{at}class")}
            return {"layers": _body(f"{at}body."), "outputs": outputs}
        case Classifier():
            return {"layers": _classifier(at), "outputs": {"features": [], **_classes(f"{at}Dense_1")}}
    raise TypeError(f"A {type(module).__name__} cannot be described.")


def _generator(module: Generator, at: str) -> list[Layer]:
    side = module.image_size // SCALE
    layers = [
        _layer("dense", f"{at}Dense_0", "kernel"),
        {"op": "reshape", "shape": [side, side, 8 * module.width]},
    ]
    for i in range(4):
        arrays = ("kernel", "bias") if i == 3 else ("kernel",)
        up = _layer("transposed_conv", f"{at}UpConv_{i}", *arrays, **_STRIDED)
        layers += [_batch_norm(f"{at}BatchNorm_{i}"), {"op": "relu"}, up]
    return [*layers, {"op": "tanh"}]


def _body(at: str) -> list[Layer]:
    leaky_relu = {"op": "leaky_relu", "slope": LEAKY_SLOPE}
    layers = [_layer("conv", f"{at}DownConv_0", "kernel", "bias", **_STRIDED), leaky_relu]
    for i in range(3):
        down = _layer("conv", f"{at}DownConv_{i + 1}", "kernel", **_STRIDED)
        layers += [down, _batch_norm(f"{at}BatchNorm_{i}"), leaky_relu]
    return [*layers, {"op": "flatten"}]


def _source(at: str) -> list[Layer]:
    return [_layer("dense", f"{at}source", "kernel", "bias"), {"op": "reshape", "shape": []}]


def _classes(at: str) -> dict[str, list[Layer]]:
    logits = _layer("dense", at, "kernel", "bias")
    return {"class_logits": [logits], "probabilities": [logits, {"op": "softmax"}]}


def _classifier(at: str) -> list[Layer]:
    layers = []
    for i in range(3):
        conv = _layer("conv", f"{at}PooledConv_{i}", "kernel", "bias", strides=[1, 1], padding=[[0, 0], [0, 0]])
        layers += [conv, {"op": "max_pool", "window": [2, 2], "strides": [2, 2]}, {"op": "relu"}]
    return [*layers, {"op": "flatten"}, _layer("dense", f"{at}Dense_0", "kernel", "bias"), {"op": "relu"}]


def _layer(op: str, at: str, *arrays: str, **settings: Any) -> Layer:
    return {"op": op, "tensors": {name: f"{at}.{name}" for name in arrays}, **settings}


def _batch_norm(at: str) -> Layer:
    return _layer("batch_norm", at, "scale", "bias", "mean", "var", epsilon=BATCH_NORM_EPSILON)
