"""Programs of the product for the device at hand: traced here, compiled in threads meanwhile, timed one after another.

They are those that `train_group.run_population` runs, and are not compiled again for it.
"""

import concurrent.futures
import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from made_up import made_up_cohort
from rows import Spread, sized

from lesion_jax.config import ClassifierConfig, DataConfig, DcganConfig, LoopConfig, TrainingConfig, replace
from lesion_jax.core.types import UNITS
from lesion_jax.data.device_images import DeviceImages
from lesion_jax.runtime.population import Packing, Population
from lesion_jax.train.executor import compiled_population, steps_per_call
from lesion_jax.train.training import Training


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A program to be timed.

    Attributes:
      config: Config of its trainings, whose dataset is made up.
      members: Trainings on the device.
      packing: How they share the program.
      asked: Milliseconds for a step of all that an issue asks for; 0 where none does.
    """

    config: TrainingConfig
    members: int = 1
    packing: Packing = "one"
    asked: float = 0.0

    @property
    def sizes(self) -> dict[str, Any]:
        """Width, discriminator (of a GAN), batch, image and dtype."""
        config: Any = self.config
        sizes: dict[str, Any] = {"width": config.width}
        if hasattr(config, "discriminator_width"):
            sizes["discriminator"] = config.discriminator_width
        return sizes | {"batch": config.data.batch_size, "image": config.data.image_size, "dtype": config.dtype}

    def sized(self, what: str) -> str:
        """The name of a measure of it, "WHAT of N KIND, W = ..."."""
        packing = {"packing": self.packing} if self.members > 1 else {}
        device = f"1 x {jax.devices()[0].device_kind}"
        return sized(f"{what} of {self.members} {self.config.kind}", device=device, **self.sizes, **packing)


def wanted_programs(*, tiny: bool) -> dict[str, Wanted]:
    """The programs by a short name: configs, members, packing, and the milliseconds that issue 13 asks for."""
    size, batch = (32, 8) if tiny else (64, 64)
    data = DataConfig(
        dataset="made up",
        image_size=size,
        batch_size=batch,
        window=UNITS["HU"].window,
        classic_size=50 if tiny else 1700,
    )
    loop = LoopConfig(duration="3000 steps")

    def gan(width: int, dtype: str, asked: float = 0.0, members: int = 1) -> Wanted:
        config: Any = DcganConfig(
            width=2 if tiny else width,
            discriminator_width=1 if tiny else width // 2,
            dtype=dtype,  # pyright: ignore[reportArgumentType]
            data=data,
            loop=loop,
        )
        return Wanted(config, min(members, 2) if tiny else members, "one" if members == 1 else "gemm", asked)

    def cnn(dtype: str, asked: float = 0.0, members: int = 1) -> Wanted:
        config: Any = ClassifierConfig(width=2 if tiny else 32, dtype=dtype, data=data, loop=loop)  # pyright: ignore[reportArgumentType]
        return Wanted(config, min(members, 2) if tiny else members, "one" if members == 1 else "gemm", asked)

    return {
        "W16": gan(16, "bfloat16", 0.5),
        "9 of W16": gan(16, "bfloat16", 2.0, 9),
        "W128": gan(128, "bfloat16", 1.5),
        "27 CNN bfloat16": cnn("bfloat16", 27 * 0.12, 27),
        "CNN bfloat16": cnn("bfloat16"),
        "27 CNN float32": cnn("float32", 27 * 0.12, 27),
        "CNN float32": cnn("float32"),
        "W128 float32": gan(128, "float32"),
    }


class Timed:
    """A program with its trainings on the device.

    Attributes:
      wanted: What it is.
      trainings: Prepared, with one cohort's images.
      num_steps: Steps of each training in a call.
      compile_seconds: While others compiled, too.
    """

    def __init__(self, wanted: Wanted, images_of: dict[Any, Training]):
        """Prepares images and traces; `compile` compiles."""
        self.wanted = wanted
        cohort, device = made_up_cohort(), jax.devices()[0]
        self.trainings: list[Training] = []
        for seed in range(wanted.members):
            config = replace(wanted.config, {"seed": seed})
            key = config.kind, config.data
            images_of[key] = Training.prepare(config, cohort, num_devices=1, cache_dir=None, like=images_of.get(key))
            self.trainings.append(images_of[key])
        first = self.trainings[0]
        self._images = DeviceImages()
        self._images.add(first.images.images)
        self.num_steps = steps_per_call(device)
        run = compiled_population(first.program, wanted.packing, (device,))
        slots = [(training.initial_state(), training.key) for training in self.trainings]
        self._make = lambda: Population(run, slots, self._images.arrays(), [device], self._each)
        self._each = 1 if wanted.packing == "one" else wanted.members
        generator = np.random.default_rng(1)
        shape = wanted.members, self.num_steps, wanted.config.data.batch_size
        self._chosen = generator.integers(0, 100, shape).astype(np.int32)
        self._taken = np.full(wanted.members, self.num_steps, np.int32)
        states = jax.tree.map(lambda *x: np.stack(x)[None], *(jax.device_get(s) for s, _ in slots[: self._each]))
        keys = np.stack([jax.random.key_data(key) for _, key in slots[: self._each]])[None]
        some = (self._chosen[None, : self._each], self._taken[None, : self._each])
        self._compile = run.prepare(states, self._images.arrays(), keys, *some)
        self.compile_seconds = 0.0

    def compile(self) -> "Timed":
        """Compiles, in whatever thread this is called."""
        start = time.perf_counter()
        self._compile()
        self.compile_seconds = time.perf_counter() - start
        return self

    def start(self) -> None:
        """Puts the trainings on the device."""
        self._population = self._make()

    def call(self) -> Any:
        """Starts the steps of a call; does not wait."""
        return self._population.advance(self._chosen, self._taken)

    def wait(self, pending: Any) -> None:
        """Waits for a call."""
        self._population.read(pending)

    def seconds(self, target: float, repeats: int) -> Spread:
        """Seconds of a step of all trainings, with many calls in flight, as in training."""
        return seconds_in_flight(self.call, self.wait, target, repeats).times(1 / self.num_steps)


class Compiling:
    """Programs under way."""

    def __init__(self, threads: int, tell: Callable[[str, Exception], None]):
        """Starts the threads; `tell` is called with the name of what fails, and why."""
        self._pool = concurrent.futures.ThreadPoolExecutor(threads)
        self._futures: dict[str, concurrent.futures.Future[Timed]] = {}
        self._images_of: dict[Any, Training] = {}
        self._tell = tell

    def begin(self, name: str, wanted: Wanted) -> None:
        """Traces a program, and has it compiled meanwhile."""
        try:
            self._futures[name] = self._pool.submit(Timed(wanted, self._images_of).compile)
        except Exception as error:
            self._tell(name, error)

    def collect(self, seconds: float) -> dict[str, Timed]:
        """Those that are compiled within some seconds from now."""
        concurrent.futures.wait(self._futures.values(), timeout=max(seconds, 0.0))
        found = {}
        for name, future in self._futures.items():
            if not future.done():
                future.cancel()
                self._tell(name, TimeoutError("not compiled in time"))
                continue
            try:
                found[name] = future.result()
            except Exception as error:
                self._tell(name, error)
        return found


def seconds_in_flight(call: Callable[[], Any], wait: Callable[[Any], object], target: float, repeats: int) -> Spread:
    """Seconds of a call, as many in flight as take `target` seconds together."""
    wait(call())
    start = time.perf_counter()
    wait(call())
    num = max(1, min(400, int(target / max(time.perf_counter() - start, 1e-6))))
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(num - 1):
            call()
        wait(call())
        found.append((time.perf_counter() - start) / num)
    return Spread.of(found) if repeats > 1 else Spread.of([statistics.median(found)])
