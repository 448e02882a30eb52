"""Settings of a sweep."""

import dataclasses
import math
from typing import Any, Literal

from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import check_ranges, host, seed
from lesion_jax.errors import ConfigError
from lesion_jax.families import DcganConfig


@dataclasses.dataclass(frozen=True)
class HalvingConfig:
    """Successive halving by inner scores (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning")."""

    rungs: tuple[str, ...] = host(
        (),
        doc="Durations, rising; at each the cells that have come so far are compared. None turns it off. A rung lies "
        "at the first evaluation at or after its duration.",
    )
    keep: float = host(1 / 3, above=0.0, below=1.0, doc="Share of the cells at a rung that goes on.")


@dataclasses.dataclass(frozen=True)
class SweepConfig:
    """Many trainings that differ in some fields: every cell of grid x zip x random x cells.

    Fields are named as on the command line: "learning_rate", "data.fold".
    """

    kind: Literal["sweep"] = host("sweep", doc="Always 'sweep'.")
    base: TrainingConfig = DcganConfig()
    grid: tuple[tuple[str, tuple[Any, ...]], ...] = host((), doc="(field, values) ...; every combination.")
    zip: tuple[tuple[str, tuple[Any, ...]], ...] = host(
        (), doc="(field, values) ... of one length; first values together, second values together, and so on."
    )
    random: tuple[tuple[Any, ...], ...] = host(
        (),
        doc="(field, 'uniform' | 'log_uniform', lowest, highest) or (field, 'choice', values) ...; drawn num_random "
        "times.",
    )
    num_random: int = host(1, above=0, doc="Number of random draws.")
    random_seed: int = seed(0, doc="Seed of the random draws.")
    cells: tuple[tuple[tuple[str, Any], ...], ...] = host((), doc="((field, value), ...) ...; each is one more point.")
    packing: Literal["auto", "measure", "one", "unrolled", "map", "vmap", "gemm"] = host(
        "auto",
        doc="How the trainings of a device share its program, see `lesion_jax.runtime.population`; 'auto' takes what "
        "is known of the kind of device, 'measure' times them once where the sweep is long enough, and remembers.",
    )
    num_devices: int = host(
        1, above=0, doc="Devices that a program is spread over; each task of an array gets so many."
    )
    device_memory: float = host(
        16.0, above=0.0, doc="GiB that a device may hold. Trainings are grouped by it, alike wherever they run."
    )
    halving: HalvingConfig = HalvingConfig()

    def check(self) -> None:
        """Refuses impossible settings with a ConfigError; cells are checked one by one, see `cells.expand`."""
        check_ranges(dataclasses.replace(self, base=TrainingConfig(), grid=(), zip=(), random=(), cells=()))
        for name in ("grid", "zip"):
            for field, values in getattr(self, name):
                if not values:
                    raise ConfigError(f"{name} has no value for {field}; name one at least.")
        for draw in self.random:
            _check_draw(draw)
        named = {name: [field for field, *_ in getattr(self, name)] for name in ("grid", "zip", "random")}
        named |= {f"cells[{i}]": [field for field, _ in cell] for i, cell in enumerate(self.cells)}
        for name, fields in named.items():
            if len(set(fields)) < len(fields):
                raise ConfigError(f"{name} names a field twice ({', '.join(fields)}); name each once.")
        lengths = {field: len(values) for field, values in self.zip}
        if len(set(lengths.values())) > 1:
            raise ConfigError(f"zip has {lengths} values; those that go together must be as many.")


def _check_draw(draw: tuple[Any, ...]) -> None:
    field, form, *bounds = draw if len(draw) > 1 else (None, None)
    is_named = isinstance(field, str)
    if is_named and form == "choice" and len(bounds) == 1 and isinstance(bounds[0], tuple) and bounds[0]:
        return
    low, high = bounds if len(bounds) == 2 else (None, None)
    if (
        not is_named
        or form not in ("uniform", "log_uniform")
        or not isinstance(low, int | float)
        or not isinstance(high, int | float)
        or not -math.inf < low < high < math.inf
    ):
        raise ConfigError(
            f"random has {draw}; write (field, 'uniform' or 'log_uniform', lowest, highest) or "
            "(field, 'choice', values)."
        )
    if form == "log_uniform" and low <= 0:
        raise ConfigError(f"random has {draw}; a log_uniform field starts above 0.")
