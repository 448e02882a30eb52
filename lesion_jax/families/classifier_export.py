"""`Family.describe` of the classifier: its layers as data, in the words of `models.describe`."""

from lesion_jax.families.base import Arrays
from lesion_jax.families.classifier_config import ClassifierConfig
from lesion_jax.models import describe
from lesion_jax.models.describe import Layer, Networks, Tensors


def describe_classifier(
    config: ClassifierConfig, class_names: tuple[str, ...], unit: str, arrays: Arrays
) -> tuple[Networks, Tensors]:
    """The network with dropout off."""
    del class_names
    data, at, scale = config.data, "classifier.", config.input_scale
    network = {
        "weights": f"{'moving average of the training' if config.ema_decay else 'as trained'}; dropout is off",
        "inputs": [describe.pixels_input(data.image_size, unit)],
        "prepare": [
            # The input scale is in both: (x - mean) scale = x scale - mean scale.
            describe.from_pixels(data.window, unit, (0.0, scale)),
            {"op": "subtract", "value": float(arrays["hyper"]["mean"]) * scale},
            describe.with_channel(data.image_size),
        ],
        "layers": _layers(at),
        "outputs": {"features": [], **describe.class_outputs(f"{at}Dense_1")},
    }
    return {"classifier": network}, describe.tensors_of(answering(config, arrays), at)


def answering(config: ClassifierConfig, arrays: Arrays) -> Arrays:
    """The variables that answer: the moving average where a training kept one, else the trained weights."""
    return arrays["ema"]["classifier"] if config.ema_decay else arrays["networks"]["classifier"]


def _layers(at: str) -> list[Layer]:
    layers: list[Layer] = []
    for i in range(3):
        conv = describe.layer("conv", f"{at}PooledConv_{i}", "kernel", "bias", strides=[1, 1], padding=[[0, 0], [0, 0]])
        layers += [conv, {"op": "max_pool", "window": [2, 2], "strides": [2, 2]}, {"op": "relu"}]
    return [*layers, {"op": "flatten"}, describe.layer("dense", f"{at}Dense_0", "kernel", "bias"), {"op": "relu"}]
