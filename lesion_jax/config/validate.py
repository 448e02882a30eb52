"""Settings that are impossible alone or contradict each other; both values are in the message."""

import math
from typing import Any

from lesion_jax.config.schema import ClassifierConfig, DataConfig, GanConfig, PaperConfig, SweepConfig
from lesion_jax.errors import ConfigError

ARMS = ("none", "classic", "dcgan", "acgan", "acgan_discriminator")
_CROSS_ENTROPY = ("non_saturating", "minimax")


def validate(config: ClassifierConfig | GanConfig | PaperConfig | SweepConfig) -> None:
    """Checks a whole config.

    Raises:
      ConfigError: On the first impossible setting.
    """
    if isinstance(config, PaperConfig):
        _paper(config)
    elif isinstance(config, SweepConfig):
        _sweep(config)
    elif isinstance(config, GanConfig):
        _gan(config, "")
    else:
        _classifier(config, "")


def _positive(prefix: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise ConfigError(f"{prefix}{name} is {value}; it must be above 0 and finite.")


def _seed(prefix: str, **values: int) -> None:
    # What a key can be made from.
    for name, value in values.items():
        if not 0 <= value < 2**31:
            raise ConfigError(f"{prefix}{name} is {value}; a seed lies in [0, 2147483648).")


def _run(config: ClassifierConfig | GanConfig, prefix: str) -> None:
    _data(config.data, prefix)
    _seed(prefix, seed=config.seed)
    _positive(prefix, width=config.width, learning_rate=config.learning_rate)
    if config.num_devices < 0:
        raise ConfigError(f"{prefix}num_devices is {config.num_devices}; name how many, or 0 for all.")


def _share(prefix: str, **values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ConfigError(f"{prefix}{name} is {value}; it must lie in [0, 1).")


def _data(data: DataConfig, prefix: str) -> None:
    prefix += "data."
    _positive(prefix, image_size=data.image_size, batch_size=data.batch_size)
    _share(prefix, synthetic_share=data.synthetic_share)
    if not 0 <= data.margin <= 0.5:
        raise ConfigError(f"{prefix}margin is {data.margin}; it must lie in [0, 0.5]: more context is not stored.")
    if data.fold < 0 or data.classic_size < 0 or data.synthetic_size < 0:
        raise ConfigError(f"{prefix}fold, classic_size and synthetic_size must not be negative.")
    _seed(prefix, augmentation_seed=data.augmentation_seed)
    if not -math.inf < data.window[0] < data.window[1] < math.inf:
        raise ConfigError(f"{prefix}window is {data.window}; the first HU must be below the second, both finite.")
    if data.synthetic_share and not data.synthetic_size:
        raise ConfigError(
            f"{prefix}synthetic_share is {data.synthetic_share} but {prefix}synthetic_size is 0; set both or neither."
        )
    if data.synthetic_size and not data.banks:
        raise ConfigError(f"{prefix}synthetic_size is {data.synthetic_size} but {prefix}banks is empty; name a bank.")
    if len(set(data.banks)) < len(data.banks):
        raise ConfigError(f"{prefix}banks is {data.banks}; it names a bank twice.")
    if data.banks and not data.synthetic_size:
        raise ConfigError(
            f"{prefix}banks names {len(data.banks)} but {prefix}synthetic_size is 0; say how many to take."
        )


def _classifier(config: ClassifierConfig, prefix: str) -> None:
    _run(config, prefix)
    _share(prefix, momentum=config.momentum)
    if config.data.label:
        raise ConfigError(f"{prefix}data.label is {config.data.label!r}, but a classifier takes all classes.")
    if config.data.image_size < 22:
        raise ConfigError(
            f"{prefix}data.image_size is {config.data.image_size}; three unpadded convolutions with pooling need 22."
        )


def _gan(config: GanConfig, prefix: str) -> None:
    _run(config, prefix)
    _positive(
        prefix,
        discriminator_width=config.discriminator_width,
        latent_size=config.latent_size,
        embedding_size=config.embedding_size,
        generator_every=config.generator_every,
        discriminator_every=config.discriminator_every,
    )
    _share(
        prefix,
        beta1=config.beta1,
        beta2=config.beta2,
        ema_decay=config.ema_decay,
        label_smoothing=config.label_smoothing,
    )
    if config.data.image_size % 16:
        raise ConfigError(
            f"{prefix}data.image_size is {config.data.image_size}; four stages that double need a multiple of 16."
        )
    if config.label_smoothing and config.loss not in _CROSS_ENTROPY:
        raise ConfigError(
            f"{prefix}label_smoothing is {config.label_smoothing} but {prefix}loss is {config.loss!r}, which has no "
            f"targets to smooth; use it with {' or '.join(map(repr, _CROSS_ENTROPY))}."
        )
    if config.generator_every > 1 and config.discriminator_every > 1:
        raise ConfigError(
            f"{prefix}generator_every is {config.generator_every} and {prefix}discriminator_every is "
            f"{config.discriminator_every}: at some steps nothing would be trained; one of them must be 1."
        )
    unused = {"class_weight": config.class_weight, "embedding_size": config.embedding_size}
    for name, value in unused.items():
        if config.kind == "dcgan" and value != getattr(GanConfig, name):
            raise ConfigError(f"{prefix}{name} is {value} but {prefix}kind is 'dcgan', which has no classes.")
    if not 0 <= config.class_weight < math.inf:
        raise ConfigError(f"{prefix}class_weight is {config.class_weight}; it must not be negative, and finite.")
    if config.kind == "acgan" and config.data.label:
        raise ConfigError(
            f"{prefix}kind is 'acgan' but {prefix}data.label is {config.data.label!r}; an ACGAN takes all classes."
        )
    if config.data.banks:
        raise ConfigError(f"{prefix}data.banks is set, but a GAN is never trained on a bank's synthetic images.")


def _paper(config: PaperConfig) -> None:
    _classifier(config.classifier, "classifier.")
    _gan(config.dcgan, "dcgan.")
    _gan(config.acgan, "acgan.")
    if (config.dcgan.kind, config.acgan.kind) != ("dcgan", "acgan"):
        raise ConfigError(
            f"dcgan.kind is {config.dcgan.kind!r} and acgan.kind is {config.acgan.kind!r}; leave both alone."
        )
    for arm in config.arms:
        if arm not in ARMS:
            raise ConfigError(f"arms has {arm!r}; choose from {', '.join(ARMS)}.")
    if not {"none", "classic"} <= set(config.arms):
        raise ConfigError(f"arms is {config.arms}; 'none' and 'classic' are what the others are compared with.")
    _seed("", phantom_seed=config.phantom_seed)
    for seed in config.seeds:
        _seed("", seeds=seed)
    if not config.seeds or len(set(config.seeds)) != len(config.seeds):
        raise ConfigError(f"seeds is {config.seeds}; name at least one, each once.")
    sizes = config.classic_sizes
    if list(sizes) != sorted(set(sizes)) or not sizes or sizes[0] != 0 or len(sizes) < 2:
        raise ConfigError(f"classic_sizes is {sizes}; it must rise from 0 and hold one more size at least.")
    sizes = config.synthetic_sizes
    if list(sizes) != sorted(set(sizes)) or not sizes or sizes[0] <= 0:
        raise ConfigError(f"synthetic_sizes is {sizes}; it must rise from above 0.")
    # Below a quarter a class may have too few patients for three folds with inner patients in each.
    if not 0.25 <= config.phantom_patients_scale <= 1:
        raise ConfigError(f"phantom_patients_scale is {config.phantom_patients_scale}; it must lie in [0.25, 1].")
    parts = (config.classifier, config.dcgan, config.acgan)
    for field in ("image_size", "window", "margin", "augmentation_seed"):
        values = {getattr(part.data, field) for part in parts}
        if len(values) > 1:
            raise ConfigError(
                f"data.{field} differs between classifier, dcgan and acgan ({values}); they share their images."
            )
    if len(devices := {part.num_devices for part in parts}) > 1:
        raise ConfigError(f"num_devices differs between classifier, dcgan and acgan ({devices}); set all three alike.")
    for name, part in zip(("classifier", "dcgan", "acgan"), parts, strict=True):
        if part.data != _left_alone(part.data):
            raise ConfigError(
                f"{name}.data sets another field than image_size, window, margin, augmentation_seed or "
                "batch_size; `paper` fills these in for every arm, "
                "leave them alone."
            )


def _left_alone(data: DataConfig) -> DataConfig:
    # Every field that `paper` fills in, back at its default.
    return DataConfig(
        image_size=data.image_size,
        window=data.window,
        margin=data.margin,
        augmentation_seed=data.augmentation_seed,
        batch_size=data.batch_size,
    )


def _sweep(config: SweepConfig) -> None:
    # What is varied is checked cell by cell, see `cells.expand`.
    _positive("", num_random=config.num_random, num_devices=config.num_devices, device_memory=config.device_memory)
    _seed("", random_seed=config.random_seed)
    for name in ("grid", "zip"):
        for field, values in getattr(config, name):
            if not values:
                raise ConfigError(f"{name} has no value for {field}; name one at least.")
    for draw in config.random:
        _draw(draw)
    named = {name: [field for field, *_ in getattr(config, name)] for name in ("grid", "zip", "random")}
    named |= {f"cells[{i}]": [field for field, _ in cell] for i, cell in enumerate(config.cells)}
    for name, fields in named.items():
        if len(set(fields)) < len(fields):
            raise ConfigError(f"{name} names a field twice ({', '.join(fields)}); name each once.")
    lengths = {field: len(values) for field, values in config.zip}
    if len(set(lengths.values())) > 1:
        raise ConfigError(f"zip has {lengths} values; those that go together must be as many.")
    if not 0 < config.halving.keep < 1:
        raise ConfigError(f"halving.keep is {config.halving.keep}; it must lie above 0 and below 1.")


def _draw(draw: tuple[Any, ...]) -> None:
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
