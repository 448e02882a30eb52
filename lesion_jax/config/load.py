"""Text at the door, typed inside: ConfigDict or JSON -> frozen dataclasses, and back."""

import collections.abc
import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lesion_jax.errors import ConfigError

if TYPE_CHECKING:
    import ml_collections

# Name of a kind of config -> its class, which has a method `check`.
Kinds = Mapping[str, type]


def to_dict(config: Any) -> Any:
    """A config as nested plain values that JSON can hold; tuples become lists."""
    if dataclasses.is_dataclass(config):
        return {name: to_dict(getattr(config, name)) for name in _hints(type(config))}
    if isinstance(config, Mapping):
        return {name: to_dict(value) for name, value in config.items()}
    return [to_dict(value) for value in config] if isinstance(config, tuple | list) else config


def to_config_dict(config: Any) -> "ml_collections.ConfigDict":
    """A config as the ConfigDict that files in `configs/` edit and return."""
    # Late: only the command line needs it, and an accelerator's machine may not have it.
    import ml_collections

    return ml_collections.ConfigDict(dataclasses.asdict(config))


def from_mapping(values: "Mapping[str, Any] | ml_collections.ConfigDict", kinds: Kinds) -> Any:
    """Checks and freezes a config.

    Args:
      values: Nested mapping: a ConfigDict from a config file, or a run's config.json. Fields
        that are absent take their defaults.
      kinds: Classes that `values["kind"]` may name.

    Returns:
      The dataclass that `values["kind"]` names.

    Raises:
      ConfigError: A field is unknown, of the wrong type, or contradicts another.
    """
    if not isinstance(values, Mapping):
        values = values.to_dict()
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise ConfigError(f"kind is {kind!r}; a config says one of {', '.join(kinds)}.")
    config = _Builder(kinds).build(kinds[kind], values, "")
    config.check()
    return config


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    """Declared type of each field, in order; a sweep reads the same few classes a thousand times."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


@dataclasses.dataclass(frozen=True)
class _Builder:
    kinds: Kinds

    def build(self, cls: type, values: Any, path: str) -> Any:
        if not isinstance(values, Mapping):
            raise ConfigError(f"{path.rstrip('.')} is {values!r}; it holds settings, not a value.")
        hints = _hints(cls)
        for name in values:
            if name not in hints:
                raise ConfigError(f"{path}{name} is not a setting; {cls.__name__} has {', '.join(hints)}.")
        return cls(**{name: self._value(hints[name], value, path + name) for name, value in values.items()})

    def _of_kind(self, base: type, value: Any, path: str) -> type:
        """The class of a nested config whose kind decides it."""
        fitting = {name: cls for name, cls in self.kinds.items() if issubclass(cls, base)}
        kind = value.get("kind") if isinstance(value, Mapping) else value
        if not isinstance(kind, str) or kind not in fitting:
            said = "is missing" if kind is None else f"is {kind!r}"
            raise ConfigError(f"{path}.kind {said}; choose one of {', '.join(map(repr, fitting))}.")
        return fitting[kind]

    def _value(self, hint: Any, value: Any, path: str) -> Any:
        if dataclasses.is_dataclass(hint):
            cls = typing.cast(type, hint)
            if "kind" in _hints(cls):
                cls = self._of_kind(cls, value, path)
            return self.build(cls, value, path + ".")
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if hint is Any:
            # What comes back from JSON is the same value.
            return tuple(self._value(Any, v, path) for v in value) if isinstance(value, list | tuple) else value
        if origin is collections.abc.Mapping:
            if not isinstance(value, Mapping):
                raise ConfigError(f"{path} is {value!r}; it takes settings by name.")
            return {str(name): self._value(arguments[1], v, f"{path}.{name}") for name, v in value.items()}
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
            return tuple(
                self._value(h, v, f"{path}[{i}]") for i, (h, v) in enumerate(zip(arguments, value, strict=True))
            )
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        # bool is an int to Python, but never to a reader of a config.
        if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
            name = hint.__name__ if isinstance(hint, type | types.GenericAlias) else hint
            raise ConfigError(f"{path} is {value!r}; it takes {name}.")
        return value
