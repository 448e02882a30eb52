"""Text at the door, typed inside: ConfigDict or JSON -> frozen dataclasses, and back."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

import ml_collections

from lesion_jax.config.schema import ClassifierConfig, GanConfig, PaperConfig, SweepConfig
from lesion_jax.config.validate import validate
from lesion_jax.errors import ConfigError

Config = ClassifierConfig | GanConfig | PaperConfig | SweepConfig

_KINDS: dict[str, type] = {
    "classifier": ClassifierConfig,
    "dcgan": GanConfig,
    "acgan": GanConfig,
    "paper": PaperConfig,
    "sweep": SweepConfig,
}


def to_dict(config: Any) -> dict[str, Any]:
    """A config as nested plain values that JSON can hold; tuples become lists."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {k: plain(v) for k, v in value.items()}
        return [plain(v) for v in value] if isinstance(value, tuple | list) else value

    return plain(dataclasses.asdict(config))


def to_config_dict(config: Any) -> ml_collections.ConfigDict:
    """A config as the ConfigDict that files in `configs/` edit and return."""
    return ml_collections.ConfigDict(dataclasses.asdict(config))


def from_mapping(values: Mapping[str, Any] | ml_collections.ConfigDict) -> Config:
    """Checks and freezes a config.

    Args:
      values: Nested mapping: a ConfigDict from a config file, or a run's config.json. Fields
        that are absent take their defaults.

    Returns:
      The dataclass that `values["kind"]` names.

    Raises:
      ConfigError: A field is unknown, of the wrong type, or contradicts another.
    """
    if isinstance(values, ml_collections.ConfigDict):
        values = values.to_dict()
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ConfigError(f"kind is {kind!r}; a config says one of {', '.join(_KINDS)}.")
    config = _build(_KINDS[kind], values, "")
    validate(config)
    return config


def _build(cls: type, values: Any, path: str) -> Any:
    if not isinstance(values, Mapping):
        raise ConfigError(f"{path.rstrip('.')} is {values!r}; it holds settings, not a value.")
    hints = typing.get_type_hints(cls)
    for name in values:
        if name not in hints:
            raise ConfigError(f"{path}{name} is not a setting; {cls.__name__} has {', '.join(hints)}.")
    return cls(**{name: _value(hints[name], value, path + name) for name, value in values.items()})


def _of_kind(classes: tuple[type, ...], value: Any, path: str) -> type:
    kind = str(value.get("kind") if isinstance(value, Mapping) else value)
    if _KINDS.get(kind) not in classes:
        kinds = [name for name, cls in _KINDS.items() if cls in classes]
        raise ConfigError(f"{path}.kind is {kind!r}; choose one of {', '.join(map(repr, kinds))}.")
    return _KINDS[kind]


def _value(hint: Any, value: Any, path: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, path + ".")
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        # What comes back from JSON is the same value.
        return tuple(_value(Any, v, path) for v in value) if isinstance(value, list | tuple) else value
    if origin is types.UnionType:
        return _build(_of_kind(arguments, value, path), value, path + ".")
    if origin is typing.Literal:
        if value not in arguments:
            raise ConfigError(f"{path} is {value!r}; choose one of {', '.join(map(repr, arguments))}.")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{path} is {value!r}; it takes a tuple.")
        if arguments[-1] is Ellipsis:
            arguments = (arguments[0],) * len(value)
        if len(arguments) != len(value):
            raise ConfigError(f"{path} is {value!r}; it takes {len(arguments)} values.")
        return tuple(_value(h, v, f"{path}[{i}]") for i, (h, v) in enumerate(zip(arguments, value, strict=True)))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # bool is an int to Python, but never to a reader of a config.
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        name = hint.__name__ if isinstance(hint, type | types.GenericAlias) else hint
        raise ConfigError(f"{path} is {value!r}; it takes {name}.")
    return value
