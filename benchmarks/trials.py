"""What the trials of trust share: a small dataset, commands in processes of their own, and the jobs that are tried."""

import argparse
import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lesion_jax.data.build import build_dataset
from lesion_jax.sources.phantom.write import write_phantom

ROOT = Path(__file__).resolve().parents[1]

# So small that starting a process is most of the work, and with checkpoints so often that a kill hits one.
_SMALL = [
    "--config.width=4",
    "--config.num_devices=1",
    "--config.data.image_size=32",
    "--config.data.batch_size=16",
    "--config.data.classic_size=60",
    "--config.loop.log_every=1 steps",
    "--config.loop.evaluate_every=20 steps",
    "--config.loop.checkpoint_every=5 steps",
    "--config.loop.pictures_every=20 steps",
]
# What a kind needs beside: its file in `configs` is of full width.
_OWN = {
    "dcgan": ("--config.discriminator_width=4",),
    "acgan": ("--config.discriminator_width=4",),
    "rpgan": ("--config.discriminator_width=4", "--config.num_blocks=1"),
    "inpaint": ("--config.num_blocks=1", "--config.sampling_steps=3", "--config.data.margin=0.3"),
}


@dataclasses.dataclass(frozen=True)
class Job:
    """A command, and the directory that it fills.

    Attributes:
      name: Of the verb and what it works on.
      words: After `lesion-jax`.
      out: Directory; absent before the command.
    """

    name: str
    words: tuple[str, ...]
    out: Path

    def start(self, **options) -> subprocess.Popen:
        """Starts the command in a process group of its own."""
        environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)} | options.pop("env", {})
        command = [sys.executable, "-m", "lesion_jax", *self.words]
        return subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )

    def finish(self, **options) -> str:
        """Runs the command to its end and gives what it printed; RuntimeError where it fails."""
        process = self.start(text=True, **options)
        text, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{self.name} ended with status {process.returncode}: {text[-2000:]}")
        return text

    def clear(self) -> None:
        """Takes away what it filled."""
        shutil.rmtree(self.out, ignore_errors=True)


def emptied(parser: argparse.ArgumentParser, folder: Path) -> Path:
    """A folder without anything in it, absolute; made if absent, and refused where it holds what no trial has made."""
    folder, mark = folder.absolute(), ".trials"
    if folder.exists() and any(folder.iterdir()) and not (folder / mark).exists():
        parser.error(f"--workdir {folder} holds files that no benchmark has made; name another folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / mark).touch()
    return folder


def make_data(folder: Path) -> tuple[Path, Path]:
    """Writes a small phantom and its dataset; (studies, dataset)."""
    studies, dataset = folder / "studies", folder / "dataset"
    if not dataset.exists():
        shutil.rmtree(studies, ignore_errors=True)
        write_phantom(studies, num_lesions={"cyst": 14, "metastasis": 14, "hemangioma": 14})
        build_dataset(studies, studies / "lesions.csv", dataset)
    return studies, dataset


def train_job(folder: Path, dataset: Path, kind: str, *words: str, name: str = "") -> Job:
    """A training of a small network; kind names a file of `configs`."""
    out = folder / (name or kind)
    steps = "--config.loop.duration=120 steps"
    config = [f"--config={ROOT}/configs/{kind}.py", f"--config.data.dataset={dataset}", steps, *_SMALL]
    config += _OWN.get(kind, ())
    return Job(f"train {name or kind}", ("train", *config, *words, f"--workdir={out}"), out)


def mixed_job(folder: Path, dataset: Path, bank: Path) -> Job:
    """A classifier that mixes a bank in."""
    words = (f"--config.data.banks=('{bank}',)", "--config.data.synthetic_size=100")
    return train_job(folder, dataset, "classifier", *words, name="mixed")


def sample_job(folder: Path, run: Path) -> Job:
    """A bank of 600 images from each class of a GAN."""
    out = folder / "bank"
    return Job("sample", ("sample", f"--workdir={run}", "--num=600", f"--out={out}"), out)


def build_job(folder: Path, studies: Path) -> Job:
    """The dataset of the small phantom."""
    out = folder / "built"
    words = ("build", f"--input={studies}", f"--annotations={studies}/lesions.csv", f"--out={out}")
    return Job("build", words, out)


def paper_job(folder: Path) -> Job:
    """The whole protocol, phantom included, with few and small trainings."""
    out = folder / "paper"
    words: Sequence[str] = (
        f"--config={ROOT}/configs/smoke.py",
        "--config.phantom_patients_scale=0.25",
        "--config.classic_sizes=(0, 50)",
        "--config.synthetic_sizes=(20,)",
        "--config.arms=('none', 'classic', 'acgan', 'acgan_discriminator')",
        "--config.models.classifier.loop.duration=60 steps",
        "--config.models.acgan.loop.duration=40 steps",
    )
    return Job("paper", ("paper", *words, f"--workdir={out}"), out)


def wait_for(process: subprocess.Popen, ready: Callable[[], bool]) -> None:
    """Waits until something is so; RuntimeError where the process ends before."""
    while not ready():
        if process.poll() is not None:
            raise RuntimeError(f"It ended too early: {process.communicate()[0][-2000:]}")
        time.sleep(0.01)
