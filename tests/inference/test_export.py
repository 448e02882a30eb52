import jax
import numpy as np
import pytest
import safetensors.numpy
from scipy import ndimage

from lesion_jax import restore_classifier, restore_generator
from lesion_jax.commands import main
from lesion_jax.config import to_dict
from lesion_jax.disk.atomic import write_json
from lesion_jax.errors import RunError
from lesion_jax.inference.export import export_run
from lesion_jax.io.export import load_export
from lesion_jax.io.run_files import load_provenance
from lesion_jax.io.saved_checkpoints import load_checkpoint
from lesion_jax.models.cnn import Classifier

pytestmark = pytest.mark.slow

NETWORKS = {
    "classifier": ["classifier"],
    "dcgan": ["generator", "discriminator"],
    "acgan": ["generator", "discriminator"],
    "rpgan": ["generator", "discriminator"],
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_an_export_says_what_it_is_and_where_it_comes_from(kind, runs, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in runs[kind].rglob("*")}
    export_run(runs[kind], tmp_path / "export", "last")
    assert {path: path.stat().st_mtime_ns for path in runs[kind].rglob("*")} == before
    description, _ = load_export(tmp_path / "export")
    assert description["kind"] == kind and list(description["networks"]) == NETWORKS[kind]
    assert description["class_names"] == ["cyst", "metastasis", "hemangioma"] and description["image_size"] == 32
    assert description["unit"] == "HU"
    layers = [layer for network in description["networks"].values() for layer in every_layer(network)]
    scaled = [layer for layer in layers if layer["op"] in ("from_pixels", "to_pixels")]
    assert len(scaled) == len(NETWORKS[kind])
    assert all((layer["unit"], layer["window"]) == ("HU", [-160, 240]) for layer in scaled)
    facts = description["provenance"]
    restored = (restore_classifier if kind == "classifier" else restore_generator)(runs[kind])
    assert facts["config"] == to_dict(restored.config)
    assert (facts["run"], facts["step"], facts["checkpoint"]) == (str(runs[kind]), 40, "last")
    held = load_provenance(runs[kind])
    for name in ("dataset_fingerprint", "fold_fingerprint", "train_fingerprint"):
        assert facts[name] == held[name]
    assert {layer["op"] for layer in layers} <= description["ops"].keys()


@pytest.mark.parametrize("kind", ["averaged", "acgan"])
def test_the_example_is_what_the_run_computes(kind, runs, tmp_path):
    export_run(runs[kind], tmp_path / "export")
    held = safetensors.numpy.load_file(tmp_path / "export" / "example.safetensors")
    network = "classifier" if kind == "averaged" else "discriminator"
    probabilities = restore_classifier(runs[kind], "best")(held[f"{network}.inputs.pixels"])[0]
    np.testing.assert_allclose(held[f"{network}.outputs.probabilities"], probabilities, atol=1e-5)
    assert probabilities.std(0).max() > 0.001
    if kind == "acgan":
        images = restore_generator(runs[kind]).from_latents(*(held[f"generator.inputs.{x}"] for x in ("z", "label")))
        assert np.abs(held["generator.outputs.pixels"] - images).max() <= 1


def test_a_description_that_computes_something_else_is_no_export(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("lesion_jax.inference.export.compute", lambda *_: {"probabilities": np.eye(3)})
    with pytest.raises(RuntimeError, match="computes something else, by 0"):
        export_run(runs["classifier"], tmp_path / "export")
    assert not list(tmp_path.iterdir())


def test_an_image_is_made_as_the_export_says(runs, tmp_path):
    """Another way to the same: coordinates of every pixel, by the sentences of "image" alone."""
    export_run(runs["classifier"], tmp_path / "export")
    said = load_export(tmp_path / "export")[0]["image"]
    held = safetensors.numpy.load_file(tmp_path / "export" / "example.safetensors")
    side, spacing, d = said["side"], np.array(said["example"]["spacing"]), said["example"]["diameter"]
    patch, step = held["image.patch"], d * (1 + 2 * said["margin"]) / said["side"]
    assert step > spacing.max()
    smooth = ndimage.gaussian_filter(patch.astype(np.float32), (step / spacing - 1) / 2, mode="mirror")
    away = (np.arange(side) - (side - 1) / 2) * step
    rows, columns = (middle + away / mm for middle, mm in zip(said["example"]["centre"], spacing, strict=True))
    at = np.meshgrid(rows, columns, indexing="ij")
    image = np.rint(ndimage.map_coordinates(smooth, at, order=3, mode="mirror")).clip(patch.min(), patch.max())
    assert held["image.pixels"].std() > 20
    np.testing.assert_allclose(held["image.pixels"], image, atol=1)


def every_layer(network):
    return [*network["prepare"], *network["layers"], *(x for layers in network["outputs"].values() for x in layers)]


def test_the_generator_is_the_moving_average_and_says_so(runs, tmp_path):
    export_run(runs["dcgan"], tmp_path / "export")
    description, tensors = load_export(tmp_path / "export")
    generator = description["networks"]["generator"]
    assert "moving average" in generator["weights"] and generator["makes"] == ["metastasis"]
    assert [given["name"] for given in generator["inputs"]] == ["z"]
    _, arrays = load_checkpoint(runs["dcgan"] / "checkpoints", "best")
    kernel, mean = tensors["generator.Dense_0.kernel"], tensors["generator.BatchNorm_0.mean"]
    np.testing.assert_array_equal(kernel, arrays["ema"]["generator"]["params"]["Dense_0"]["kernel"])
    np.testing.assert_array_equal(mean, arrays["ema"]["generator"]["batch_stats"]["BatchNorm_0"]["mean"])
    assert not np.array_equal(kernel, arrays["networks"]["generator"]["params"]["Dense_0"]["kernel"])


def test_a_classifier_is_its_moving_average_behind_its_input_scale(runs, tmp_path):
    export_run(runs["averaged"], tmp_path / "export")
    description, tensors = load_export(tmp_path / "export")
    network = description["networks"]["classifier"]
    assert "moving average" in network["weights"]
    restored = restore_classifier(runs["averaged"])
    average, trained = restored.arrays["ema"]["classifier"], restored.arrays["networks"]["classifier"]
    kernel = tensors["classifier.Dense_0.kernel"]
    np.testing.assert_array_equal(kernel, average["params"]["Dense_0"]["kernel"])
    assert not np.array_equal(kernel, trained["params"]["Dense_0"]["kernel"])
    # What the description says of pixels, then the network with the weights that it names.
    scaled, subtracted, _ = network["prepare"]
    assert (scaled["range"], scaled["window"]) == ([0, 4], [-160, 240])
    pixels = np.linspace(-300, 400, 4 * 32 * 32).reshape(4, 32, 32).astype(np.int16)
    x = np.clip((pixels.astype(np.float32) + 160) / 400, 0, 1) * 4 - subtracted["value"]
    logits, features = Classifier(num_classes=3, width=4).apply({"params": average["params"]}, x[..., None])
    probabilities, expected = restored(pixels)
    np.testing.assert_allclose(features, expected, atol=1e-4)
    np.testing.assert_allclose(jax.nn.softmax(logits), probabilities, atol=1e-5)


def test_a_place_that_is_taken_is_refused_before_the_run_is_read(tmp_path):
    with pytest.raises(RunError, match="exists; name another"):
        export_run(tmp_path / "no run", tmp_path)


def test_the_directory_of_a_protocol_is_refused(tmp_path):
    write_json(tmp_path / "config.json", {"kind": "paper"})
    message = r"'paper' command, not one training \(classifier, dcgan, acgan, .*\); name a directory below its runs"
    with pytest.raises(RunError, match=message):
        export_run(tmp_path, tmp_path / "export")
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_the_command_writes_what_a_script_reads(runs, tmp_path, capsys):
    out = tmp_path / "new" / "export"
    assert main(["export", f"--workdir={runs['acgan']}", f"--out={out}", "--checkpoint=last"]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert load_export(out)[0]["provenance"]["checkpoint"] == "last"
    assert main(["export", f"--workdir={runs['acgan']}", f"--out={out}"]) == 2
    assert "exists; name another directory" in capsys.readouterr().err
    # Root may write anywhere but on a read-only file system; a place below a file is closed to everyone.
    assert main(["export", f"--workdir={runs['acgan']}", f"--out={out / 'model.json' / 'export'}"]) == 2
    assert "model.json is not a directory" in capsys.readouterr().err
    assert main(["export", f"--workdir={runs['acgan'].parent}", f"--out={tmp_path / 'other'}"]) == 2
    assert "is not the directory of a run" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
