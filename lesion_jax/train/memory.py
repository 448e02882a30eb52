"""Memory that a training takes on a device: computed from shapes, so that every machine finds the same."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.config import TrainingConfig, replace
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.schedule import Schedule
from lesion_jax.data.training_images import count_images, make_schedule, resolve_window
from lesion_jax.errors import ConfigError
from lesion_jax.families import family_of
from lesion_jax.runtime import parallel
from lesion_jax.runtime.memory import peak_bytes
from lesion_jax.runtime.precision import known_dtype
from lesion_jax.train.training import make_program, periods_of, step_alone

# Compilers pad and keep copies: on CPU, XLA was between 0.7 and 1.1 of the sum of what is alive.
_MARGIN = 1.25
# How far above a device's memory an estimate must be to be believed: with that margin it is up to 1.8 of what is taken,
# and a CPU's memory is counted as half of the machine's.
_SURELY = 4
_GIB = 2**30


def training_bytes(config: TrainingConfig, num_classes: int, *, as_products: bool = False) -> int:
    """Bytes of the state and the step of one training on one device, with a margin; 0 without gradient steps.

    Args:
      config: Config with a resolved window; its images are not read.
      num_classes: Number of classes of the dataset.
      as_products: Of the same with convolutions as matrix products, which hold what each window sees.
    """
    if config.dtype == "auto":
        # The larger, on every device: the programs of a sweep are numbered by what they take.
        config = replace(config, {"dtype": "float32"})
    family, data = family_of(config), config.data
    if family.init_state is None:
        return 0
    init, program = family.init_state, make_program(config, num_classes)
    program = program.as_products() if as_products else program
    state = jax.eval_shape(lambda: init(config, program, None))
    batch = {
        "pixels": jax.ShapeDtypeStruct((data.batch_size, data.image_size, data.image_size), jnp.int16),
        "label": jax.ShapeDtypeStruct((data.batch_size,), jnp.int32),
        "index": jax.ShapeDtypeStruct((data.batch_size,), jnp.int32),
    }
    key = jax.eval_shape(lambda: jax.random.key(0))
    return int(_MARGIN * peak_bytes(step_alone(program), state, batch, key))


def require_fit(config: TrainingConfig, cohort: Cohort, device: parallel.Device) -> None:
    """Refuses a training whose step cannot fit into a device's memory, before its images are made.

    The step that is traced for it is the one that is compiled then.

    Raises:
      ConfigError: It cannot; both numbers are told.
    """
    config = replace(resolve_window(config, cohort), {"dtype": known_dtype(config.dtype)})
    needed = training_bytes(config, cohort.lesions.num_classes)
    there = parallel.memory_bytes(device)
    if needed > _SURELY * there:
        data = config.data
        raise ConfigError(
            f"A step of this training takes about {needed / _GIB:.4g} GiB, but {device.device_kind} has "
            f"{there / _GIB:.4g} GiB for it; choose a smaller data.batch_size ({data.batch_size}), data.image_size "
            f"({data.image_size}) or network."
        )


def images_bytes(configs: Sequence[TrainingConfig], cohort: Cohort) -> int:
    """All images that trainings on one dataset may put on a device, equal ones once; an upper limit.

    Args:
      configs: Configs of the trainings.
      cohort: Their dataset.

    Raises:
      ConfigError: A classic size that cannot be.
    """
    num_lesions = len(cohort.lesions.lesions)
    most = max(cohort.copies_per_lesion(config.data) for config in configs)
    # Other margins and seeds are other pixels.
    forms = {(config.data.margin, config.data.augmentation_seed) for config in configs}
    synthetic: dict[tuple[str, ...], int] = {}
    for config in configs:
        banks, size = config.data.banks, config.data.synthetic_size
        if banks:
            num = size * cohort.training_folds(config.data) * cohort.lesions.num_classes
            synthetic[banks] = max(synthetic.get(banks, 0), num)
    num_images = len(forms) * num_lesions * (1 + most) + sum(synthetic.values())
    return num_images * configs[0].data.image_size ** 2 * np.dtype(np.int16).itemsize


def schedule_of(config: TrainingConfig, cohort: Cohort) -> Schedule:
    """The schedule of a training, without preparing its images; its banks need not exist yet.

    Raises:
      ConfigError: A fold, class, size or share that cannot be.
    """
    return make_schedule(config, *count_images(config, cohort))


def num_steps(config: TrainingConfig, cohort: Cohort) -> int:
    """Steps of a whole training, without preparing its images.

    Raises:
      ConfigError: A fold, class, size, share or duration that cannot be.
    """
    return periods_of(config, schedule_of(config, cohort).steps_per_epoch).total
