"""Trains a group: trainings that share a compiled program, prepared, opened, packed, and closed, whatever happens."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from lesion_jax.config import DataConfig, TrainingConfig
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.device_images import DeviceImages
from lesion_jax.disk.limits import allow_open_files
from lesion_jax.errors import DivergedError
from lesion_jax.io.progress import Progress
from lesion_jax.runtime import parallel, preemption
from lesion_jax.runtime.jax_settings import settled
from lesion_jax.runtime.population import Packing
from lesion_jax.train.executor import PopulationExecutor
from lesion_jax.train.fit import fit
from lesion_jax.train.loop import StopRule, run_loop
from lesion_jax.train.packing import choose_packing, search_packing
from lesion_jax.train.recorder import Recorder
from lesion_jax.train.training import Training


@settled()
def train_group(
    trainings: Sequence[tuple[TrainingConfig, Path]],
    cohort: Cohort,
    *,
    devices: Sequence[parallel.Device],
    slots_per_device: int,
    packing: Packing | Literal["auto", "measure"],
    workdir: Path,
    label: str,
    stop_rule: StopRule | None = None,
    progress: Callable[[int, str], Progress] = Progress,
) -> tuple[int, dict[Path, DivergedError]]:
    """Trains what is not finished of a group.

    Args:
      trainings: (config, run directory) of each; `groups.make_groups` divides trainings into groups.
      cohort: Their dataset.
      devices: Devices of this process.
      slots_per_device: Trainings that a device holds at once; with packing "one" and no stop rule it is 1.
      packing: How the trainings of a device share its program; "auto" takes what is known of the device, "measure"
        searches, see `train.packing`.
      workdir: Holds packings/, where measured choices are remembered, and cache/, augmented images.
      label: Their name in progress lines.
      stop_rule: Ends trainings early, as in `run_loop`; its positions are those of `trainings`, none of which is
        finished then.
      progress: (total steps, label) -> shows their progress.

    Returns:
      (how many were not finished; those of them that diverged, by run directory).

    Raises:
      RunError: One of the directories is another run's, or being written by another process; or there are too many.
    """
    # Every run directory is locked from the start.
    allow_open_files(len(trainings))
    with ExitStack() as stack:
        recorders: list[Recorder] = []
        # Trainings that differ in seeds and rates have the same images: the host makes and holds them once.
        held: dict[tuple[str, DataConfig], Training] = {}
        for config, directory in trainings:
            data = config.kind, config.data
            training = held[data] = Training.prepare(
                config, cohort, num_devices=1, cache_dir=workdir / "cache", like=held.get(data)
            )
            recorder = stack.enter_context(Recorder.open(training, directory))
            if not recorder.is_done:
                recorders.append(recorder)
        if not recorders:
            return 0, {}
        # Steps of whole trainings, not of what is left: a continued training keeps the packing that it began with.
        num_steps = sum(recorder.training.periods.total for recorder in recorders)
        shown = progress(num_steps, label)
        if recorders[0].training.family.fit:
            return len(recorders), _fit_in_turn(recorders, shown)
        images = DeviceImages()
        for recorder in recorders:
            images.add(recorder.training.images.images)
        if packing == "auto":
            packing = choose_packing(recorders[0].training, devices[0], slots_per_device)
        elif packing == "measure":
            packing = search_packing(
                recorders[0].training,
                images.arrays(),
                devices=tuple(devices),
                slots_per_device=slots_per_device,
                num_steps=num_steps,
                directory=workdir / "packings",
                tell=shown.say,
            )
        failed = run_population(
            recorders,
            devices,
            shown,
            packing=packing,
            slots_per_device=slots_per_device,
            stop_rule=stop_rule,
            images=images,
        )
        return len(recorders), {_path(recorders[position]): error for position, error in failed.items()}


def run_population(
    recorders: Sequence[Recorder],
    devices: Sequence[parallel.Device],
    progress: Progress,
    *,
    packing: Packing = "one",
    slots_per_device: int = 1,
    stop_rule: StopRule | None = None,
    images: DeviceImages | None = None,
) -> dict[int, DivergedError]:
    """Trains a group, each training on one device.

    A training's result is that of training it alone: its step, batches and random numbers are the same, whatever is
    beside it. With packing "one" on one device the bits are the same too; otherwise they may differ by rounding.

    Args:
      recorders: Open recorders of the trainings.
      devices: Devices of this process.
      progress: Shows the steps of all of them together.
      packing: How the trainings of a device share its program; listed in `runtime.population`.
      slots_per_device: Trainings that a device holds at once; with packing "one" and no stop rule it is 1.
      stop_rule: Ends trainings early, as in `run_loop`.
      images: Holds the images of all of them; None collects them.

    Returns:
      Errors of the trainings that diverged, by position; see `run_loop`.
    """
    if images is None:
        images = DeviceImages()
        for recorder in recorders:
            images.add(recorder.training.images.images)
    # With "one" a training need not take turns with others, unless a stop rule compares them.
    per_device = 1 if packing == "one" and not stop_rule else slots_per_device
    executor = PopulationExecutor(
        [recorder.training for recorder in recorders],
        devices,
        num_slots=min(len(recorders), len(devices) * per_device),
        packing=packing,
        images=images,
    )
    return run_loop(recorders, executor, progress, stop_rule=stop_rule)


def _fit_in_turn(recorders: Sequence[Recorder], progress: Progress) -> dict[Path, DivergedError]:
    failed = {}
    for done, recorder in enumerate(recorders, 1):
        preemption.end_if_asked()
        try:
            fit(recorder)
        except DivergedError as error:
            failed[_path(recorder)] = error
        progress.update(done, f"{len(failed)} diverged" if failed else "")
    return failed


def _path(recorder: Recorder) -> Path:
    assert recorder.run is not None
    return recorder.run.path
