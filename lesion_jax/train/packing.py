"""How the trainings of a device share a program: known by the kind of device, or searched for where asked for.

A search is made on the device at hand, once, and remembered.
"""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lesion_jax.disk.atomic import replace_json, writing
from lesion_jax.families.base import Program
from lesion_jax.runtime import parallel
from lesion_jax.runtime.population import PACKINGS, Packing, Population
from lesion_jax.train.executor import compiled_population, steps_per_call
from lesion_jax.train.memory import training_bytes
from lesion_jax.train.training import Training

# By the platform of a device, for several trainings on it.
_KNOWN: dict[str, Packing] = {
    # Timed: benchmarks/population_throughput.py. Nothing is faster than one after another on two cores.
    "cpu": "one",
    # Timed on an H100: nine DCGANs of W = 16 take 3.9 ms in place of 13.9, the paper's CNNs are 1.4 times faster.
    "gpu": "gemm",
    # Compiled, not timed: benchmarks/tpu_compiled.py. A training moves as many bytes as alone, in one program.
    "tpu": "vmap",
}

# A packing is tried only while what is left would take this many compilations, and so many seconds: a search must not
# cost what it saves.
_COMPILATIONS = 20
_WORTH_SECONDS = 120.0
# Timed calls of each packing.
_REPEATS = 3
# A packing whose first call is so many times slower than the best is not timed further.
_HOPELESS = 3
# Trainings of a device for "unrolled", which compiles the step once for each.
_MOST_UNROLLED = 12


def known_packing(platform: str, slots_per_device: int) -> Packing:
    """The packing that is known to be fastest.

    Args:
      platform: Of the devices: "cpu", "gpu", "tpu"; "cuda" is a GPU's, too. "one" for any other.
      slots_per_device: Trainings that a device is to hold at once.
    """
    platform = "gpu" if platform == "cuda" else platform
    return "one" if slots_per_device == 1 else _KNOWN.get(platform, "one")


def choose_packing(training: Training, device: parallel.Device, slots_per_device: int) -> Packing:
    """What is known of a device, see `known_packing`, where its memory suffices for it.

    Args:
      training: One training of the group; it stands for all.
      device: Any of the devices.
      slots_per_device: Trainings that a device is to hold at once.
    """
    packing = known_packing(device.platform, slots_per_device)
    if packing == "gemm":
        each = training_bytes(training.config, len(training.images.class_names), as_products=True)
        if each * slots_per_device > parallel.memory_bytes(device):
            return "one"
    return packing


def search_packing(
    training: Training,
    images: Any,
    *,
    devices: tuple[parallel.Device, ...],
    slots_per_device: int,
    num_steps: int,
    directory: Path,
    tell: Callable[[str], None],
) -> Packing:
    """The packing that ends soonest, compilation included.

    Args:
      training: One training of the group; it stands for all.
      images: {"pixels": int16 [N, H, H], "label": int32 [N]} on the host.
      devices: Devices of the population.
      slots_per_device: Trainings that a device is to hold at once, k.
      num_steps: Steps of all trainings together.
      directory: Folder of remembered choices: one for each kind of device, versions and shape.
      tell: Called with what is being measured.

    Returns:
      The choice, written to a file of `directory`, with the seconds of each packing that was tried.

    Raises:
      RunError: The directory cannot be written.
    """
    if slots_per_device == 1:
        return "one"
    program, batch_size = training.program, training.config.data.batch_size
    state = training.initial_state()
    facts = {
        "device": devices[0].device_kind,
        "num_devices": len(devices),
        "jax": jax.__version__,
        "program": repr(program),
        "batch_size": batch_size,
        "slots_per_device": slots_per_device,
    }
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    path = directory / f"{name}.json"
    try:
        known = json.loads(path.read_text())
        # A search that ended early holds for no more steps than it was made for.
        if known["is_complete"] or num_steps <= known["num_steps"]:
            return known["packing"]
    except (FileNotFoundError, ValueError, KeyError):
        pass
    tried: dict[str, dict[str, float]] = {}
    best: Packing = "one"
    is_complete = True
    for packing in PACKINGS:
        if tried:
            left = num_steps * tried[best]["seconds_per_step"]
            compiling = min(of["compile_seconds"] for of in tried.values())
            if left < max(_WORTH_SECONDS, _COMPILATIONS * compiling):
                is_complete = False
                break
            if packing == "unrolled" and slots_per_device > _MOST_UNROLLED:
                continue
        tell(f"measuring packing {packing!r}")
        slots = len(devices) * (1 if packing == "one" else slots_per_device)
        limit = tried[best]["seconds_per_step"] * _HOPELESS if tried else float("inf")
        try:
            tried[packing] = measure_packing(program, state, packing, images, devices, slots, batch_size, limit)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            continue

        def total(name: str) -> float:
            return tried[name]["compile_seconds"] + num_steps * tried[name]["seconds_per_step"]

        best = min(tried, key=total)  # pyright: ignore[reportAssignmentType]
    found = {"packing": best, "tried": tried, "num_steps": num_steps, "is_complete": is_complete, **facts}
    with writing(path):
        directory.mkdir(parents=True, exist_ok=True)
        # Other processes may be measuring the same.
        replace_json(path, found)
    return best


def measure_packing(
    program: Program,
    state: Any,
    packing: Packing,
    images: Any,
    devices: tuple[parallel.Device, ...],
    num_slots: int,
    batch_size: int,
    limit: float = float("inf"),
) -> dict[str, float]:
    """Times a packing on the devices at hand.

    Args:
      program: Program of every slot.
      state: State that every slot starts from.
      packing: The packing to time.
      images: {"pixels": int16 [N, H, H], "label": int32 [N]} on the host.
      devices: Devices that the slots are spread over.
      num_slots: Slots of all devices together.
      batch_size: Images in a batch, B.
      limit: Seconds per step of a training, above which one call is enough.

    Returns:
      compile_seconds, and seconds_per_step of one training: wall time over the steps of all trainings.
    """
    num_steps = steps_per_call(devices[0])
    slots = [(jax.device_get(state), jax.random.key(0))] * num_slots
    each = num_slots // len(devices)
    population = Population(compiled_population(program, packing, devices), slots, images, devices, each)
    chosen = np.zeros((num_slots, num_steps, batch_size), np.int32)
    taken = np.full(num_slots, num_steps, np.int32)

    def call() -> float:
        start = time.perf_counter()
        population.read(population.advance(chosen, taken))
        return time.perf_counter() - start

    first, second = call(), call()
    each = num_slots * num_steps
    seconds = second
    if second / each < limit:
        seconds = min(second, *(call() for _ in range(_REPEATS)))
    return {"compile_seconds": max(0.0, first - seconds), "seconds_per_step": seconds / each}
