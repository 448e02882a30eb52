"""An export computes the same in PyTorch, by an interpreter that sees nothing but the export."""

import numpy as np
import pytest
import safetensors.numpy

from lesion_jax import restore_classifier, restore_generator
from lesion_jax.inference.export import export_run
from lesion_jax.inference.load import load_run
from lesion_jax.io.export import load_export

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install -c constraints.txt -e '.[peer]'")
F = torch.nn.functional

# From below the window to above it, so that a classifier does not say the same of all.
LEVELS = np.linspace(-250, 330, 8)[:, None, None]
PIXELS = np.random.default_rng(0).normal(LEVELS, 40, (8, 32, 32)).astype(np.int16)
Z = np.random.default_rng(1).uniform(-1, 1, (6, 6)).astype(np.float32)


def conv(x, t, layer):
    (top, bottom), (left, right) = layer["padding"]
    x = F.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom))
    y = F.conv2d(x, t["kernel"].permute(3, 2, 0, 1), t.get("bias"), layer["strides"])
    return y.permute(0, 2, 3, 1)


def transposed_conv(x, t, layer):
    (top, bottom), (left, right) = layer["padding"]
    y = F.conv_transpose2d(x.permute(0, 3, 1, 2), t["kernel"].permute(3, 2, 0, 1), t.get("bias"), layer["strides"])
    return y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right].permute(0, 2, 3, 1)


def max_pool(x, layer):
    return F.max_pool2d(x.permute(0, 3, 1, 2), layer["window"], layer["strides"]).permute(0, 2, 3, 1)


def from_pixels(x, layer):
    (low, high), (bottom, top) = layer["window"], layer["range"]
    return ((x.float() - low) / (high - low)).clamp(0, 1) * (top - bottom) + bottom


def to_pixels(x, layer):
    (low, high), (bottom, top) = layer["window"], layer["range"]
    return torch.round((x - bottom) / (top - bottom) * (high - low) + low).to(torch.int16)


def apply(layer, x, t, inputs):
    match layer["op"]:
        case "dense":
            return F.linear(x, t["kernel"].T, t.get("bias"))
        case "conv":
            return conv(x, t, layer)
        case "transposed_conv":
            return transposed_conv(x, t, layer)
        case "batch_norm":
            return (x - t["mean"]) / torch.sqrt(t["var"] + layer["epsilon"]) * t["scale"] + t["bias"]
        case "relu":
            return F.relu(x)
        case "leaky_relu":
            return F.leaky_relu(x, layer["slope"])
        case "tanh":
            return torch.tanh(x)
        case "softmax":
            return torch.softmax(x, -1)
        case "max_pool":
            return max_pool(x, layer)
        case "reshape":
            return x.reshape(len(x), *layer["shape"])
        case "flatten":
            return x.reshape(len(x), -1)
        case "embedding_concat":
            return torch.cat([x, t["table"][inputs["label"]]], -1)
        case "embedding_product":
            return (x * t["table"][inputs["label"]]).sum(-1)
        case "resample":
            return torch.einsum("ij,njkc,lk->nilc", t["matrix"], x, t["matrix"])
        case "clip":
            return x.clamp(*layer["range"])
        case "from_pixels":
            return from_pixels(x, layer)
        case "subtract":
            return x - layer["value"]
        case "to_pixels":
            return to_pixels(x, layer)
    raise AssertionError(f"op {layer['op']} is not known")


def interpret(path, network, **given):
    """Every output of a network of an export, by name."""
    description, arrays = load_export(path)
    network = description["networks"][network]
    inputs = {declared["name"]: torch.from_numpy(given[declared["name"]]) for declared in network["inputs"]}

    def through(layers, x):
        for layer in layers:
            if layer["op"] == "residual":
                x = x + through(layer["layers"], x)
                continue
            tensors = {name: torch.tensor(arrays[held]) for name, held in layer.get("tensors", {}).items()}
            x = apply(layer, x, tensors, inputs)
        return x

    x = through([*network["prepare"], *network["layers"]], inputs[network["inputs"][0]["name"]])
    return {name: through(layers, x).numpy() for name, layers in network["outputs"].items()}


def ours(run, arrays_of, function):
    """A network of the run by flax, called by function(program, variables)."""
    restored = load_run(run, "best")
    program = restored.family.make_program(restored.config, len(restored.class_names))
    variables = {name: arrays_of(restored.arrays)[name] for name in ("params", "batch_stats")}
    return function(program, variables)


@pytest.mark.parametrize("name", ["classifier", "averaged", "dcgan", "acgan", "rpgan"])
def test_the_example_that_an_export_holds_comes_out(name, runs, tmp_path):
    export_run(runs[name], tmp_path / "export")
    held = safetensors.numpy.load_file(tmp_path / "export" / "example.safetensors")
    for network in load_export(tmp_path / "export")[0]["networks"]:
        inputs, outputs = (
            {key.split(".")[2]: array for key, array in held.items() if key.startswith(f"{network}.{x}.")}
            for x in ("inputs", "outputs")
        )
        got = interpret(tmp_path / "export", network, **inputs)
        assert got.keys() == outputs.keys() and inputs
        for key, array in got.items():
            np.testing.assert_allclose(outputs[key], array, rtol=0, atol=1 if key == "pixels" else 1e-5)


@pytest.mark.parametrize("kind", ["dcgan", "acgan", "rpgan"])
def test_a_generator_draws_the_same(kind, runs, tmp_path):
    export_run(runs[kind], tmp_path / "export")
    labels = np.int32([1] * 6 if kind == "dcgan" else [0, 1, 2, 2, 1, 0])
    got = interpret(tmp_path / "export", "generator", z=Z, label=labels)
    image = ours(
        runs[kind],
        lambda arrays: arrays["ema"]["generator"],
        lambda program, variables: program.generator.apply(variables, Z, labels, train=False),
    )
    assert float(image.std()) > 0.01
    np.testing.assert_allclose(got["image"], image, rtol=0, atol=1e-5)
    pixels = restore_generator(runs[kind]).from_latents(Z, labels)
    assert got["pixels"].dtype == np.int16 and got["pixels"].shape == pixels.shape
    assert np.abs(got["pixels"].astype(int) - pixels).max() <= 1 and pixels.std() > 1


@pytest.mark.parametrize("kind", ["dcgan", "acgan"])
def test_a_discriminator_judges_the_same(kind, runs, tmp_path):
    export_run(runs[kind], tmp_path / "export")
    got = interpret(tmp_path / "export", "discriminator", pixels=PIXELS)
    signed = (np.clip((PIXELS.astype(np.float32) + 160) / 400, 0, 1) * 2 - 1)[..., None]
    source, classes = ours(
        runs[kind],
        lambda arrays: arrays["networks"]["discriminator"],
        lambda program, variables: program.discriminator.apply(variables, signed, train=False),
    )
    assert float(source.std()) > 0.01
    # Logits reach 100, where float32 resolves no more than 8e-6.
    np.testing.assert_allclose(got["source_logit"], source, rtol=1e-6, atol=1e-5)
    if kind == "acgan":
        np.testing.assert_allclose(got["class_logits"], classes, rtol=0, atol=1e-5)
        np.testing.assert_allclose(got["probabilities"], restore_classifier(runs[kind])(PIXELS)[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["classifier", "averaged"])
def test_a_classifier_says_the_same(name, runs, tmp_path):
    export_run(runs[name], tmp_path / "export")
    got = interpret(tmp_path / "export", "classifier", pixels=PIXELS)
    probabilities, features = restore_classifier(runs[name])(PIXELS)
    assert probabilities.std(0).max() > 0.01 and (features > 0).any()
    np.testing.assert_allclose(got["probabilities"], probabilities, rtol=0, atol=1e-5)
    np.testing.assert_allclose(got["features"], features, rtol=0, atol=1e-5)
