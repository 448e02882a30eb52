"""The vocabulary in which networks are described as data: layers that suffice to rebuild one in any framework.

A layer is {"op": name, ...}; `OPS` says what each computes. Where it has arrays, "tensors" names them as flax does:
the path of the module, then the array, joined by dots. A network is
{"weights": which these are, "inputs": [{"name", "dtype", "shape", ...}], "prepare": [layers on the first input],
"layers": [layers], "outputs": {name: [layers that follow them]}}. Families put theirs together from these words.
"""

from typing import Any

import numpy as np

from lesion_jax.models.convolution import PADDING
from lesion_jax.models.layers import BATCH_NORM_EPSILON, LEAKY_SLOPE

Layer = dict[str, Any]
Networks = dict[str, dict[str, Any]]
Tensors = dict[str, np.ndarray]

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
    "embedding_product": "the sum along the last axis of x times the row of table [labels, size] that `label` names",
    "residual": "x + what its own layers make of x",
    "resample": "matrix @ x[n, :, :, c] @ matrix.T of every image n and channel c; matrix [new side, side]",
    "clip": "to range [low, high]",
    "from_pixels": "pixels in `unit`, clipped to window [low, high] and mapped linearly to range, as float32",
    "subtract": "x - value",
    "to_pixels": "range mapped linearly to window [low, high], then rounded to an integer, halves to even: pixels in "
    "`unit`, int16",
}

# Stride and padding of the convolutions that halve or double a side.
STRIDED = {"strides": [2, 2], "padding": [list(ends) for ends in PADDING]}
LEAKY_RELU: Layer = {"op": "leaky_relu", "slope": LEAKY_SLOPE}


def layer(op: str, at: str, *arrays: str, **settings: Any) -> Layer:
    """A layer with arrays.

    Args:
      op: One of `OPS`.
      at: Path of the flax module, dots between its parts.
      *arrays: Names of its arrays.
      **settings: What else `OPS` asks for.
    """
    return {"op": op, "tensors": {name: f"{at}.{name}" for name in arrays}, **settings}


def batch_norm(at: str) -> Layer:
    """Batch norm by running statistics."""
    return layer("batch_norm", at, "scale", "bias", "mean", "var", epsilon=BATCH_NORM_EPSILON)


def class_outputs(at: str) -> dict[str, list[Layer]]:
    """Outputs of a dense layer of class logits."""
    logits = layer("dense", at, "kernel", "bias")
    return {"class_logits": [logits], "probabilities": [logits, {"op": "softmax"}]}


def pixels_input(side: int, unit: str) -> dict[str, Any]:
    """The input of a network that takes images.

    Args:
      side: H of the images, pixels.
      unit: Unit of the pixels.
    """
    return {"name": "pixels", "dtype": "int16", "shape": ["N", side, side], "unit": unit}


def from_pixels(window: tuple[float, ...], unit: str, to: tuple[float, float]) -> Layer:
    """Pixels of the window (low, high) to the range (low, high)."""
    return {"op": "from_pixels", "window": list(window), "unit": unit, "range": list(to)}


def to_pixels(window: tuple[float, ...], unit: str, of: tuple[float, float]) -> Layer:
    """The range (low, high) to pixels of the window (low, high)."""
    return {"op": "to_pixels", "range": list(of), "window": list(window), "unit": unit}


def with_channel(side: int) -> Layer:
    """[N, H, H] to [N, H, H, 1]."""
    return {"op": "reshape", "shape": [side, side, 1]}


def tensors_of(variables: dict[str, Any], at: str) -> Tensors:
    """Parameters and running statistics by the names that layers give them; an optimizer's state stays behind.

    Args:
      variables: {"params", "batch_stats" where there are such}, nested dicts of host arrays.
      at: Put before each name, with its dot.
    """
    found: Tensors = {}

    def walk(node: Any, path: str) -> None:
        if not isinstance(node, dict):
            found[path] = np.asarray(node)
            return
        for name, child in node.items():
            walk(child, f"{path}.{name}")

    for part in ("params", "batch_stats"):
        for name, child in variables.get(part, {}).items():
            walk(child, at + name)
    return found
