"""One training before it starts: checked, with its images, its periods and its program."""

import dataclasses
import functools
from pathlib import Path

import jax

from lesion_jax.config import TrainingConfig, replace, to_dict
from lesion_jax.config.fields import names_where
from lesion_jax.core import keys
from lesion_jax.core.state import TrainState
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.training_images import TrainingImages, prepare_images, resolve_window, training_lesions
from lesion_jax.errors import ConfigError
from lesion_jax.families import family_of
from lesion_jax.families.base import Family, Program, Step
from lesion_jax.inference.refused_banks import refuse_broken_banks
from lesion_jax.io.run_directory import identity_of
from lesion_jax.runtime import parallel
from lesion_jax.runtime.population import Packing
from lesion_jax.runtime.precision import known_dtype
from lesion_jax.runtime.tracing import traced_once
from lesion_jax.train.periods import Periods

# Periods of a family without gradient steps: everything happens at once.
_AT_ONCE = Periods(total=1, log=0, evaluate=1, checkpoint=1, pictures=1)


@dataclasses.dataclass(frozen=True)
class Training:
    """A checked training that has not started.

    Attributes:
      config: Resolved config: absolute paths, a window of two numbers.
      images: Images that it sees, and their order.
      periods: Steps at which it is logged, scored, shown and saved.
      free: Dotted config fields that may differ when it is continued.
    """

    config: TrainingConfig
    images: TrainingImages
    periods: Periods
    free: frozenset[str]

    @classmethod
    def prepare(
        cls,
        config: TrainingConfig,
        cohort: Cohort | None,
        *,
        num_devices: int,
        cache_dir: Path | None,
        like: "Training | None" = None,
    ) -> "Training":
        """Checks a config and prepares its images; nothing is written but the cache.

        Args:
          config: Checked by itself.
          cohort: Content of `config.data.dataset`; None loads it.
          num_devices: Devices that share each batch.
          cache_dir: Folder of augmented images, kept between runs.
          like: A training of the same family and data, whose images this one shares.

        Raises:
          LesionJaxError: Bad settings or data.
        """
        require_dataset(config)
        cohort = cohort or Cohort.load(Path(config.data.dataset))
        config, free = settle(config, cohort, num_devices)
        refuse_broken_banks(config.data)
        images = like.images.scheduled_for(config) if like else prepare_images(config, cohort, cache_dir=cache_dir)
        images.schedule.check_devices(num_devices)
        config.check_devices(num_devices)
        return cls(config, images, periods_of(config, images.schedule.steps_per_epoch), free)

    @property
    def family(self) -> Family:
        """Family of the training."""
        return family_of(self.config)

    @property
    def identity(self) -> str:
        """Digest of the whole config and the data: processes that train together have the same."""
        return identity_of(to_dict(self.config), self.images.provenance, frozenset())

    @functools.cached_property
    def program(self) -> Program:
        """Everything about its step that is fixed when it is compiled."""
        return make_program(self.config, len(self.images.class_names))

    @property
    def key(self) -> jax.Array:
        """Root key of everything that its steps draw."""
        return keys.stream(self.config.seed, self.family.stream)

    def initial_state(self) -> TrainState:
        """State before the first step, on the default device; a function of the config and the images."""
        assert self.family.init_state is not None
        return self.family.init_state(self.config, self.program, self.images)


def settle(config: TrainingConfig, cohort: Cohort, num_devices: int) -> tuple[TrainingConfig, frozenset[str]]:
    """(the config as a run directory holds it, dotted fields that may differ when it is continued).

    Args:
      config: Checked by itself.
      cohort: Its dataset.
      num_devices: Devices that share each batch.

    Raises:
      ConfigError: A dataset on which the family has nothing to learn.
    """
    config = _with_absolute_paths(resolve_window(config, cohort))
    config = replace(config, {"dtype": known_dtype(config.dtype)})
    check_family(config, cohort)
    free = names_where(config, lambda setting: setting.is_free)
    if config.depends_on_length:
        # What it began it would have begun otherwise.
        free -= {"loop.duration"}
    if config.depends_on_devices:
        return replace(config, {"num_devices": num_devices}), free
    return config, free | {"num_devices"}


def make_program(config: TrainingConfig, num_classes: int) -> Program:
    """The program of a config with a resolved window."""
    make = family_of(config).make_program
    if make is None:
        raise ConfigError(f"kind is {config.kind!r}, which is trained without gradient steps: there is no program.")
    return make(config, num_classes)


def program_on(program: Program, platform: str, packing: Packing) -> Program:
    """The program as a device of a platform ("cpu", "gpu", which is "cuda" too, "tpu") runs it, in a packing."""
    program = program.as_products() if packing == "gemm" else program
    return program.on_gpu() if platform in ("gpu", "cuda") else program


@functools.cache
def step_alone(program: Program) -> Step:
    """The step of a training on one device, traced once for all that is made of it."""
    return traced_once(program.make_step(parallel.alone))


def periods_of(config: TrainingConfig, steps_per_epoch: int) -> Periods:
    """The periods of a training in steps; a family without gradient steps takes one step."""
    return _AT_ONCE if family_of(config).fit else Periods.of(config.loop, steps_per_epoch)


def check_family(config: TrainingConfig, cohort: Cohort) -> None:
    """Refuses a dataset in which a family has nothing to learn from, or to draw by, with a ConfigError."""
    family = family_of(config)
    if family.check is not None:
        family.check(config, cohort.lesions, training_lesions(config.data, cohort))
    if family.classify is not None and cohort.lesions.num_classes < 2:
        raise ConfigError(
            f"kind is {config.kind!r}, but {config.data.dataset} has one class only; nothing can be told apart."
        )


def require_dataset(config: TrainingConfig) -> None:
    """Refuses a config that names no dataset, with a ConfigError."""
    if not config.data.dataset:
        raise ConfigError("data.dataset is empty; name a directory written by `lesion-jax build`.")


def _with_absolute_paths(config: TrainingConfig) -> TrainingConfig:
    # A run is evaluated from other folders than the one that it was started in.
    def absolute(path: str) -> str:
        return str(Path(path).expanduser().absolute())

    banks = tuple(absolute(bank) for bank in config.data.banks)
    return replace(config, {"data.dataset": absolute(config.data.dataset), "data.banks": banks})
