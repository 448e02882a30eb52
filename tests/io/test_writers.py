import json

import numpy as np
import pytest
from PIL import Image
from tensorboardX.proto.event_pb2 import Event

from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.io.writers import MetricsWriter


@pytest.fixture
def run(tmp_path):
    return RunDirectory.open(tmp_path / "run", config={"seed": 0}, provenance={})


def lines(run):
    return [json.loads(line) for line in run.metrics.read_text().splitlines()]


def write(run, steps, start=0):
    writer = MetricsWriter(run, start=start)
    for step in steps:
        writer.scalars(step, {"train/loss": step / 8})
    writer.close()


def events(run):
    """(step, tag) of every TensorBoard record, and the steps that a restart purged from."""
    found, purged = [], []
    for path in sorted(run.tensorboard.iterdir()):
        content = path.read_bytes()
        while content:
            length = int.from_bytes(content[:8], "little")
            event = Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]
            found += [(event.step, value.tag) for value in event.summary.value]
            purged += [event.step] if event.HasField("session_log") else []
    return found, purged


def test_one_json_object_per_line(run):
    write(run, [50, 100])
    assert lines(run) == [{"step": 50, "train/loss": 6.25}, {"step": 100, "train/loss": 12.5}]


def test_what_is_not_finite_stays_json(run):
    writer = MetricsWriter(run)
    writer.scalars(1, {"train/loss": float("nan"), "train/other": 1.0})
    writer.close()
    assert "NaN" not in run.metrics.read_text()
    assert lines(run) == [{"step": 1, "train/loss": None, "train/other": 1.0}]


def test_resuming_drops_what_will_be_written_again_and_ends_with_the_same_bytes(run, tmp_path):
    straight = RunDirectory.open(tmp_path / "straight", config={"seed": 0}, provenance={})
    write(straight, [1, 2, 3, 4, 5, 6])
    write(run, [1, 2, 3, 4])
    with run.metrics.open("a") as file:
        file.write('{"step": 5, "trai')
    write(run, [3, 4, 5, 6], start=2)
    assert run.metrics.read_bytes() == straight.metrics.read_bytes()


def test_a_fresh_start_drops_everything(run):
    write(run, [1, 2, 3])
    write(run, [1], start=0)
    assert [line["step"] for line in lines(run)] == [1]


def test_tensorboard_holds_scalars_and_pictures_and_is_told_of_the_restart(run):
    writer = MetricsWriter(run)
    writer.scalars(3, {"train/loss": 1.0})
    writer.image(3, "samples", np.zeros((4, 6), np.uint8))
    writer.close()
    write(run, [3], start=2)
    found, purged = events(run)
    assert found == [(3, "train/loss"), (3, "samples"), (3, "train/loss")]
    assert purged[-1] == 3


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_pictures_are_png_files_to_the_bit(run, shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    writer = MetricsWriter(run)
    writer.image(20, "samples", pixels)
    writer.close()
    assert [path.name for path in run.samples.iterdir()] == ["samples_00000020.png"]
    with Image.open(run.samples / "samples_00000020.png") as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)
