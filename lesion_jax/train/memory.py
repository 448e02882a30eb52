"""What a training takes of a device's memory: computed from shapes, so that every machine finds the same."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.config import ClassifierConfig, GanConfig
from lesion_jax.data.augment import num_per_lesion
from lesion_jax.data.schedule import Schedule
from lesion_jax.data.study import Study, count_images
from lesion_jax.runtime.memory import peak_bytes
from lesion_jax.train.kinds import initial_state, program_of, step_alone
from lesion_jax.train.member import Periods

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
        "pixels": jax.ShapeDtypeStruct((data.batch_size, data.image_size, data.image_size), jnp.int16),
        "label": jax.ShapeDtypeStruct((data.batch_size,), jnp.int32),
        "index": jax.ShapeDtypeStruct((data.batch_size,), jnp.int32),
    }
    key = jax.eval_shape(lambda: jax.random.key(0))
    return int(_MARGIN * peak_bytes(step_alone(program), state, batch, key))


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
    synthetic: dict[tuple[str, ...], int] = {}
    for config in configs:
        banks, size = config.data.banks, config.data.synthetic_size
        if banks:
            synthetic[banks] = max(synthetic.get(banks, 0), size * (num_folds - 1) * study.lesions.num_classes)
    num_images = len(forms) * num_lesions * (1 + most) + sum(synthetic.values())
    return num_images * configs[0].data.image_size ** 2 * np.dtype(np.int16).itemsize


def schedule_of(config: ClassifierConfig | GanConfig, study: Study) -> Schedule:
    """The schedule of a training, without preparing its images; its banks need not exist yet.

    Raises:
      ConfigError: A fold, class, size or share that cannot be.
    """
    num_real, num_synthetic = count_images(config, study)
    return Schedule(num_real, num_synthetic, config.data.batch_size, config.data.synthetic_share, config.seed)


def num_steps(config: ClassifierConfig | GanConfig, study: Study) -> int:
    """Steps of a whole training; see `schedule_of`.

    Raises:
      ConfigError: Likewise, or a duration that cannot be.
    """
    return Periods.of(config.loop, schedule_of(config, study).steps_per_epoch).total
