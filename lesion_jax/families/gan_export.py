"""What the GANs' `Family.describe` share: their networks as data, in the words of `models.describe`."""

from typing import Any

from lesion_jax.families.adversarial import AdversarialConfig
from lesion_jax.families.adversarial_state import drawing_generator, trained_discriminator
from lesion_jax.families.base import Arrays
from lesion_jax.families.gan import GanConfig
from lesion_jax.models import describe
from lesion_jax.models.dcgan import SCALE
from lesion_jax.models.describe import Layer, Networks, Tensors

# Put before the names of the two networks' arrays.
GENERATOR, DISCRIMINATOR = "generator.", "discriminator."
LABEL_INPUT = {"name": "label", "dtype": "int32", "shape": ["N"], "meaning": "index into class_names"}


def describe_gan(
    config: AdversarialConfig,
    class_names: tuple[str, ...],
    unit: str,
    arrays: Arrays,
    generator: Any,
    discriminator: Any,
) -> tuple[Networks, Tensors]:
    """Both networks of a GAN.

    Args:
      config: Config of the training.
      class_names: Names of the dataset's classes.
      unit: Unit of the pixels.
      arrays: Arrays of a checkpoint.
      generator: {"inputs": after z, "layers": from z to the image}.
      discriminator: {"inputs": after the pixels, "layers": from [N, H, H, 1], "outputs": by name, after them}.

    Returns:
      As `Family.describe`.
    """
    data = config.data
    latents = {"name": "z", "dtype": "float32", "shape": ["N", config.latent_size], "drawn_from": "U[-1, 1]"}
    pixels = [
        {"op": "reshape", "shape": [data.image_size, data.image_size]},
        describe.to_pixels(data.window, unit, (-1.0, 1.0)),
    ]
    networks = {
        "generator": {
            "weights": "the moving average of weights and running statistics (its length: provenance.config), "
            "which `restore_generator` and `lesion-jax sample` use",
            "makes": [data.label] if data.label else list(class_names),
            "inputs": [latents, *generator["inputs"]],
            "prepare": [],
            "layers": generator["layers"],
            "outputs": {"image": [], "pixels": pixels},
        },
        "discriminator": {
            "weights": "as trained",
            "inputs": [describe.pixels_input(data.image_size, unit), *discriminator["inputs"]],
            "prepare": [
                describe.from_pixels(data.window, unit, (-1.0, 1.0)),
                describe.with_channel(data.image_size),
            ],
            "layers": discriminator["layers"],
            "outputs": discriminator["outputs"],
        },
    }
    held = {GENERATOR: drawing_generator(arrays), DISCRIMINATOR: trained_discriminator(arrays)}
    tensors = {
        name: array for at, variables in held.items() for name, array in describe.tensors_of(variables, at).items()
    }
    return networks, tensors


def generator_layers(config: GanConfig, at: str) -> list[Layer]:
    """The layers of `models.dcgan.Generator`, from z to [N, H, H, 1] in [-1, 1]."""
    side = config.data.image_size // SCALE
    layers: list[Layer] = [
        describe.layer("dense", f"{at}Dense_0", "kernel"),
        {"op": "reshape", "shape": [side, side, 8 * config.width]},
    ]
    for i in range(4):
        arrays = ("kernel", "bias") if i == 3 else ("kernel",)
        up = describe.layer("transposed_conv", f"{at}UpConv_{i}", *arrays, **describe.STRIDED)
        layers += [describe.batch_norm(f"{at}BatchNorm_{i}"), {"op": "relu"}, up]
    return [*layers, {"op": "tanh"}]


def body_layers(at: str) -> list[Layer]:
    """The layers of a discriminator up to its heads, from [N, H, H, 1] to a vector for each image."""
    layers = [describe.layer("conv", f"{at}DownConv_0", "kernel", "bias", **describe.STRIDED), describe.LEAKY_RELU]
    for i in range(3):
        down = describe.layer("conv", f"{at}DownConv_{i + 1}", "kernel", **describe.STRIDED)
        layers += [down, describe.batch_norm(f"{at}BatchNorm_{i}"), describe.LEAKY_RELU]
    return [*layers, {"op": "flatten"}]


def described_body(outputs: dict[str, list[Layer]]) -> dict[str, Any]:
    """A discriminator of `models.dcgan.Body` and these outputs, as `describe_gan` takes it."""
    return {"inputs": [], "layers": body_layers(f"{DISCRIMINATOR}body."), "outputs": outputs}


def source_output() -> dict[str, list[Layer]]:
    """The discriminator's own output: the logit of "this image is real", one for each image."""
    dense = describe.layer("dense", f"{DISCRIMINATOR}source", "kernel", "bias")
    return {"source_logit": [dense, {"op": "reshape", "shape": []}]}
