"""What a training takes of a device's memory: computed from shapes, so that every machine finds the same."""

from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.config import ClassifierConfig, GanConfig
from lesion_jax.core import parallel
from lesion_jax.core.memory import peak_bytes
from lesion_jax.data.augment import num_per_lesion
from lesion_jax.data.schedule import Schedule
from lesion_jax.train.kinds import initial_state, program_of
from lesion_jax.train.member import Periods
from lesion_jax.train.prepare import Study, count_images

# Compilers pad and keep copies: on CPU, XLA was between 0.7 and 1.1 of the sum of what is alive.
_MARGIN = 1.25


def member_bytes(config: ClassifierConfig | GanConfig, num_classes: int) -> int:
    """State and step of one member on one device, with a margin.

    Args:
      config: Its data is not read.
      num_classes: Of the dataset.
    """
    program, data = program_of(config, num_classes), config.data
    state = jax.eval_shape(lambda: initial_state(config, program))
    batch = {
        "hu": jax.ShapeDtypeStruct((data.batch_size, data.image_size, data.image_size), jnp.int16),
        "label": jax.ShapeDtypeStruct((data.batch_size,), jnp.int32),
        "index": jax.ShapeDtypeStruct((data.batch_size,), jnp.int32),
    }
    key = jax.eval_shape(lambda: jax.random.key(0))
    return int(_MARGIN * peak_bytes(program.make_step(parallel.alone), state, batch, key))


def images_bytes(configs: Sequence[ClassifierConfig | GanConfig], study: Study) -> int:
    """All images that trainings on one dataset may put on a device, equal ones once; an upper limit.

    Args:
      configs: Of the trainings.
      study: Their dataset.

    Raises:
      ConfigError: A classic size that cannot be.
    """
    num_lesions, num_folds = len(study.lesions.lesions), study.folds.num_folds
    most = max(num_per_lesion(config.data.classic_size, num_folds, num_lesions) for config in configs)
    # Other margins and seeds are other pixels.
    forms = {(config.data.margin, config.data.augmentation_seed) for config in configs}
    banks = {bank for config in configs for bank in config.data.banks}
    size = configs[0].data.image_size
    num_synthetic = sum(_num_images(Path(bank)) for bank in banks)
    return (len(forms) * num_lesions * (1 + most) + num_synthetic) * size * size * np.dtype(np.int16).itemsize


def num_steps(config: ClassifierConfig | GanConfig, study: Study) -> int:
    """Steps of a whole training, without preparing its images.

    Args:
      config: Of the training; its banks need not exist yet.
      study: Its dataset.

    Raises:
      ConfigError: A fold, class, size or duration that cannot be.
    """
    num_real, num_synthetic = count_images(config, study)
    schedule = Schedule(num_real, num_synthetic, config.data.batch_size, config.data.synthetic_share, config.seed)
    return Periods.of(config.loop, schedule.steps_per_epoch).total


def _num_images(bank: Path) -> int:
    from lesion_jax.data.bank import load_bank

    return len(load_bank(bank).images)
