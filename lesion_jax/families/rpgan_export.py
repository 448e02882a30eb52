"""The relativistic GAN's networks as data, in the words of `models.describe`."""

from lesion_jax.families.adversarial import AdversarialConfig
from lesion_jax.families.base import Arrays
from lesion_jax.families.gan_export import DISCRIMINATOR, GENERATOR, LABEL_INPUT, describe_gan
from lesion_jax.models import describe
from lesion_jax.models.describe import Layer, Networks, Tensors
from lesion_jax.models.residual import SAME, resampling
from lesion_jax.models.rpgan import NUM_STAGES, widths

_CONV = {"strides": [1, 1], "padding": [list(ends) for ends in SAME]}


def describe_rpgan(
    config: AdversarialConfig, num_blocks: int, class_names: tuple[str, ...], unit: str, arrays: Arrays
) -> tuple[Networks, Tensors]:
    """Both networks, as `Family.describe`.

    Args:
      config: Config of the training.
      num_blocks: Residual blocks at each resolution.
      class_names: Names of the dataset's classes.
      unit: Unit of the pixels.
      arrays: Arrays of a checkpoint.
    """
    side, channels = config.data.image_size // 2**NUM_STAGES, widths(config.width)
    used: Tensors = {}

    def body(at: str, channels: tuple[int, ...], side: int, *, up: bool) -> list[Layer]:
        layers: list[Layer] = []
        for stage, features in enumerate(channels):
            if stage:
                name = f"resampling.{'up' if up else 'down'}_{side}"
                used[name] = resampling(side, up=up)
                side = 2 * side if up else side // 2
                # Channels change where there are fewer pixels.
                change = [describe.layer("dense", f"{at}project_{stage}", "kernel")]
                change = change if features != channels[stage - 1] else []
                resample = [{"op": "resample", "tensors": {"matrix": name}}]
                layers += change + resample if up else resample + change
            layers += [_residual(f"{at}block_{stage}_{block}") for block in range(num_blocks)]
        return layers

    generator = [
        {"op": "embedding_concat", "tensors": {"table": f"{GENERATOR}Embed_0.embedding"}},
        describe.layer("dense", f"{GENERATOR}dense", "kernel", "bias"),
        {"op": "reshape", "shape": [side, side, channels[0]]},
        *body(GENERATOR, channels, side, up=True),
        describe.layer("dense", f"{GENERATOR}image", "kernel", "bias"),
        {"op": "clip", "range": [-1.0, 1.0]},
    ]
    discriminator = [
        describe.layer("dense", f"{DISCRIMINATOR}enter", "kernel", "bias"),
        *body(DISCRIMINATOR, widths(config.discriminator_width)[::-1], config.data.image_size, up=False),
        {"op": "flatten"},
        describe.layer("dense", f"{DISCRIMINATOR}features", "kernel", "bias"),
        {"op": "embedding_product", "tensors": {"table": f"{DISCRIMINATOR}classes.embedding"}},
    ]
    networks, tensors = describe_gan(
        config,
        class_names,
        unit,
        arrays,
        {"inputs": [LABEL_INPUT], "layers": generator},
        {"inputs": [LABEL_INPUT], "layers": discriminator, "outputs": {"source_logit": []}},
    )
    return networks, {**tensors, **used}


def _residual(at: str) -> Layer:
    return {
        "op": "residual",
        "layers": [
            describe.layer("dense", f"{at}.enter", "kernel", "bias"),
            describe.LEAKY_RELU,
            describe.layer("conv", f"{at}.conv", "kernel", **_CONV),
            describe.LEAKY_RELU,
            describe.layer("dense", f"{at}.leave", "kernel"),
        ],
    }
