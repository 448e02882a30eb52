import json
import random
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tensorboardX.proto.event_pb2 import Event

from lesion_jax.errors import RunError
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


def test_what_is_waited_for_is_there_in_its_order(run):
    writer = MetricsWriter(run)
    for step in range(1, 301):
        writer.scalars(step, {"train/loss": 0.5, "train/other": 1.0})
    writer.wait()
    assert [line["step"] for line in lines(run)] == list(range(1, 301))
    found, _ = events(run)
    assert found == [(step, tag) for step in range(1, 301) for tag in ("train/loss", "train/other")]
    writer.close()


def test_a_line_that_cannot_be_written_is_told_by_the_next_call(run, monkeypatch):
    writer = MetricsWriter(run)
    writer._lines.close()

    class Full:
        def write(self, text):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr(writer, "_lines", Full())
    writer.scalars(1, {"train/loss": 0.5})
    with pytest.raises(RunError, match="metrics.jsonl cannot be written"):
        writer.wait()
    writer.close()


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
    # What is taken again is there once.
    assert found == [(3, "train/loss")]
    assert purged[-1] == 3


@pytest.mark.parametrize("clock", [lambda now: now, lambda now: now - 3600], ids=["goes on", "goes back"])
def test_after_any_stops_and_resumes_a_viewer_sees_the_history_once_and_in_order(run, tmp_path, monkeypatch, clock):
    straight = RunDirectory.open(tmp_path / "straight", config={"seed": 0}, provenance={})
    draw, now, at, saved = random.Random(0), 1.7e9, 0, [0]
    monkeypatch.setattr("lesion_jax.io.event_files.time.time", lambda: now)
    write(straight, range(1, 41))
    for _ in range(12):
        now = clock(now)
        stop = min(at + draw.randint(1, 9), 40)
        write(run, range(at + 1, stop + 1), start=at)
        # A kill cuts the last record short, if it hits one.
        if draw.random() < 0.5:
            last = sorted(run.tensorboard.iterdir())[-1]
            last.write_bytes(last.read_bytes()[: -draw.randint(1, 20)])
            stop -= 1
        saved += [stop - stop % 2]
        # Sometimes the newest checkpoint is damaged, and the one before it is restored.
        at = saved[-2] if draw.random() < 0.3 else saved[-1]
        saved = [step for step in saved if step <= at]
    write(run, range(at + 1, 41), start=at)
    assert events(run)[0] == events(straight)[0] == [(step, "train/loss") for step in range(1, 41)]
    assert run.metrics.read_bytes() == straight.metrics.read_bytes()
    assert at > 0 and len(list(run.tensorboard.iterdir())) == 13


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_pictures_are_png_files_to_the_bit(run, shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    writer = MetricsWriter(run)
    writer.image(20, "samples", pixels)
    writer.close()
    assert [path.name for path in run.samples.iterdir()] == ["samples_00000020.png"]
    with Image.open(run.samples / "samples_00000020.png") as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)


_FULL = """
import resource, signal, sys
import numpy as np
from lesion_jax.errors import RunError
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.io.writers import MetricsWriter

# Files that may not grow: as on a full disk, but without one.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
run = RunDirectory.open(sys.argv[1], config={}, provenance={})
writer = MetricsWriter(run)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
pixels = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
def write():
    for step in range(1, 100):
        writer.scalars(step, {"train/loss": 0.5})
        writer.wait()
for action in (write, lambda: writer.image(1, "samples", pixels), writer.close):
    try:
        action()
        print("no error")
    except RunError as error:
        print(error)
print(writer._lines.closed, writer._events._events._writer.closed)
"""


@pytest.mark.parametrize(("limit", "file"), [(150, "tensorboard"), (0, "metrics.jsonl")])
def test_a_full_disk_is_one_sentence_each_and_everything_is_closed_in_silence(tmp_path, limit, file):
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path / "run"), str(limit)], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == "" and done.returncode == 0
    *sentences, closed = done.stdout.splitlines()
    assert closed == "True True"
    assert f"run/{file} cannot be written (File too large); " in sentences[0]
    assert "run/samples/samples_00000001.png cannot be written" in sentences[1]
    assert f"run/{file} cannot be written" in sentences[2]


def test_the_events_are_closed_where_the_lines_cannot_be(run, monkeypatch):
    writer = MetricsWriter(run)
    writer._lines.close()

    class Full:
        def close(self):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "_lines", Full())
    with pytest.raises(
        RunError, match=r"metrics.jsonl cannot be written \(No space left on device\); make room and run"
    ):
        writer.close()
    assert writer._events._events._writer.closed
