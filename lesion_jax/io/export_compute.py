"""Computes what an export describes, with numpy alone: slow, and the reference for other frameworks.

Each function below is one row of `models.describe.OPS`, which an export holds in words.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Layer = Mapping[str, Any]
# Arrays of a layer by its own names for them.
Tensors = Mapping[str, np.ndarray]


def compute(
    description: Mapping[str, Any], arrays: Mapping[str, np.ndarray], network: str, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Every output of a network of an export.

    Args:
      description: From `load_export`.
      arrays: From `load_export`, by name.
      network: Key of description["networks"].
      inputs: The network's inputs, by the names that the description gives them; N rows each.

    Returns:
      The outputs by name, N rows each: float32, or what the last layer says.

    Raises:
      KeyError: A network or an input is missing.
    """
    described = description["networks"][network]

    def through(layers: list[Layer], x: np.ndarray) -> np.ndarray:
        for layer in layers:
            if layer["op"] == "residual":
                x = x + through(layer["layers"], x)
                continue
            tensors = {name: arrays[held] for name, held in layer.get("tensors", {}).items()}
            x = _OPS[layer["op"]](x, layer, tensors, inputs)
        return x

    first = inputs[described["inputs"][0]["name"]]
    x = through([*described["prepare"], *described["layers"]], np.asarray(first))
    return {name: through(layers, x) for name, layers in described["outputs"].items()}


def _dense(x: np.ndarray, layer: Layer, t: Tensors, _: Any) -> np.ndarray:
    return x @ t["kernel"] + t.get("bias", np.float32(0))


def _correlate(x: np.ndarray, kernel: np.ndarray, strides: list[int], padding: list[list[int]]) -> np.ndarray:
    padded = np.pad(x, [(0, 0), *map(tuple, padding), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(1, 2))
    # [N, rows, columns, inputs, kernel rows, kernel columns]
    return np.tensordot(windows[:, :: strides[0], :: strides[1]], kernel, axes=((4, 5, 3), (0, 1, 2)))


def _conv(x: np.ndarray, layer: Layer, t: Tensors, _: Any) -> np.ndarray:
    return _correlate(x, t["kernel"], layer["strides"], layer["padding"]) + t.get("bias", np.float32(0))


def _transposed_conv(x: np.ndarray, layer: Layer, t: Tensors, _: Any) -> np.ndarray:
    (num, rows, columns, channels), (down, right) = x.shape, layer["strides"]
    # Zeros between the pixels, then a correlation with the kernel turned by 180 degrees.
    spread = np.zeros((num, (rows - 1) * down + 1, (columns - 1) * right + 1, channels), x.dtype)
    spread[:, ::down, ::right] = x
    kernel = t["kernel"][::-1, ::-1].swapaxes(2, 3)
    ends = [[size - 1 - lost for lost in pair] for size, pair in zip(kernel.shape[:2], layer["padding"], strict=True)]
    return _correlate(spread, kernel, [1, 1], ends) + t.get("bias", np.float32(0))


def _batch_norm(x: np.ndarray, layer: Layer, t: Tensors, _: Any) -> np.ndarray:
    return (x - t["mean"]) / np.sqrt(t["var"] + np.float32(layer["epsilon"])) * t["scale"] + t["bias"]


def _max_pool(x: np.ndarray, layer: Layer, t: Tensors, _: Any) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, layer["window"], axis=(1, 2))
    return windows[:, :: layer["strides"][0], :: layer["strides"][1]].max((4, 5))


def _softmax(x: np.ndarray, layer: Layer, t: Tensors, _: Any) -> np.ndarray:
    shares = np.exp(x - x.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def _from_pixels(x: np.ndarray, layer: Layer, t: Tensors, _: Any) -> np.ndarray:
    (low, high), (bottom, top) = layer["window"], layer["range"]
    return (((x.astype(np.float32) - low) / (high - low)).clip(0, 1) * (top - bottom) + bottom).astype(np.float32)


def _to_pixels(x: np.ndarray, layer: Layer, t: Tensors, _: Any) -> np.ndarray:
    (low, high), (bottom, top) = layer["window"], layer["range"]
    return np.rint((x - bottom) / (top - bottom) * (high - low) + low).astype(np.int16)


_OPS: dict[str, Callable[[np.ndarray, Layer, Tensors, Mapping[str, np.ndarray]], np.ndarray]] = {
    "dense": _dense,
    "conv": _conv,
    "transposed_conv": _transposed_conv,
    "batch_norm": _batch_norm,
    "relu": lambda x, layer, t, _: np.maximum(x, 0),
    "leaky_relu": lambda x, layer, t, _: np.where(x > 0, x, np.float32(layer["slope"]) * x),
    "tanh": lambda x, layer, t, _: np.tanh(x),
    "softmax": _softmax,
    "max_pool": _max_pool,
    "reshape": lambda x, layer, t, _: x.reshape(len(x), *layer["shape"]),
    "flatten": lambda x, layer, t, _: x.reshape(len(x), -1),
    "embedding_concat": lambda x, layer, t, inputs: np.concatenate([x, t["table"][inputs["label"]]], -1),
    "embedding_product": lambda x, layer, t, inputs: (x * t["table"][inputs["label"]]).sum(-1),
    "resample": lambda x, layer, t, _: np.einsum("ij,njkc,lk->nilc", t["matrix"], x, t["matrix"], optimize=True),
    "clip": lambda x, layer, t, _: x.clip(*layer["range"]),
    "from_pixels": _from_pixels,
    "subtract": lambda x, layer, t, _: x - np.float32(layer["value"]),
    "to_pixels": _to_pixels,
}
