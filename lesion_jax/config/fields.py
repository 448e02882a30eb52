"""A setting is declared once: default, range, meaning and role are the metadata of its dataclass field.

Checks, `--help`, what shares a compiled program, what may change when a run is continued and the arrays in the state
all follow from the field.

Roles:

- traced: an array in the state; trainings that differ in it share a compiled program. Where a value switches a part
  of the step off (`Setting.off`), that part is left out: trainings at that value share one program, all others another.
- compiled: fixed when a program is compiled; another value is another program.
- host: chooses images or concerns the host alone; trainings that differ in it share a program too.
"""

import dataclasses
import math
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from lesion_jax.errors import ConfigError

Role = Literal["traced", "compiled", "host"]
_KEY = "setting"


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is known of a field.

    Attributes:
      role: Traced, compiled or host, as the module explains.
      doc: One or two sentences, for `--help`.
      low: Smallest value that is allowed; None for no bound, as for the other three.
      above: Values are larger than this.
      high: Largest value that is allowed.
      below: Values are smaller than this.
      off: Value of a traced setting for which its part of the step is not compiled; None where it always is.
      is_free: Whether a run may be continued with another value.
      is_varied: Whether a sweep may vary it.
    """

    role: Role
    doc: str
    low: float | None = None
    above: float | None = None
    high: float | None = None
    below: float | None = None
    off: float | None = None
    is_free: bool = False
    is_varied: bool = True

    @property
    def range_text(self) -> str:
        """The range as a reader writes it, such as "in [0, 1)"; "" for none."""
        low = f"[{self.low}" if self.low is not None else f"({self.above}" if self.above is not None else ""
        high = f"{self.high}]" if self.high is not None else f"{self.below})" if self.below is not None else ""
        if low and high:
            return f"in {low}, {high}"
        if low:
            return f"at least {self.low}" if self.low is not None else f"above {self.above}"
        if high:
            return f"at most {self.high}" if self.high is not None else f"below {self.below}"
        return ""

    def holds(self, value: float) -> bool:
        """Whether a number lies in the range; what is not finite never does."""
        return (
            -math.inf < value < math.inf
            and (self.low is None or value >= self.low)
            and (self.above is None or value > self.above)
            and (self.high is None or value <= self.high)
            and (self.below is None or value < self.below)
        )


def traced(default: Any, *, doc: str, **limits: Any) -> Any:
    """A hyper-parameter that is an array in the state; see `Setting` for what else it takes."""
    return _field(default, Setting("traced", doc, **limits))


def compiled(default: Any, *, doc: str, **limits: Any) -> Any:
    """A setting that is fixed when a program is compiled; see `Setting`."""
    return _field(default, Setting("compiled", doc, **limits))


def host(default: Any = None, *, doc: str, make: Callable[[], Any] | None = None, **limits: Any) -> Any:
    """A setting that chooses images or concerns the host alone; see `Setting`.

    Args:
      default: Value where a config says nothing.
      doc: One or two sentences, for `--help`.
      make: Makes the default when a config is made, in place of `default`.
      **limits: Range and flags of the `Setting`.
    """
    setting = Setting("host", doc, **limits)
    if make is not None:
        return dataclasses.field(default_factory=make, metadata={_KEY: setting})
    return _field(default, setting)


def seed(default: int, *, doc: str) -> Any:
    """A host setting that a random key is made from."""
    return host(default, doc=doc, low=0, below=2**31)


def _field(default: Any, setting: Setting) -> Any:
    return dataclasses.field(default=default, metadata={_KEY: setting})


def settings_of(config: Any, prefix: str = "") -> Iterator[tuple[str, Setting, Any]]:
    """(dotted name, setting, value) of every field of a config or of a config class, nested ones included.

    Args:
      config: A dataclass; of a class the values are the defaults.
      prefix: Put before each name.
    """
    values = config() if isinstance(config, type) else config
    for field in dataclasses.fields(values):
        value, setting = getattr(values, field.name), field.metadata.get(_KEY)
        if setting is not None:
            yield prefix + field.name, setting, value
        elif dataclasses.is_dataclass(value):
            yield from settings_of(value, f"{prefix}{field.name}.")


def names_where(config: Any, wanted: Callable[[Setting], bool]) -> frozenset[str]:
    """Dotted names of the fields of a config or a config class whose setting is wanted."""
    return frozenset(name for name, setting, _ in settings_of(config) if wanted(setting))


def parts_of(config: Any) -> tuple[str, ...]:
    """Names of the traced settings of a config that switch on a part of the step, sorted; see `Setting.off`."""
    return tuple(sorted(name for name, s, value in settings_of(config) if s.off is not None and value != s.off))


def check_ranges(config: Any, prefix: str = "") -> None:
    """Refuses a number outside of its field's range.

    Raises:
      ConfigError: Names the field, the value and the range.
    """
    for name, setting, value in settings_of(config, prefix):
        numbers = value if isinstance(value, tuple) else (value,)
        for number in numbers:
            if isinstance(number, int | float) and not isinstance(number, bool) and not setting.holds(number):
                text = setting.range_text if -math.inf < number < math.inf else "finite"
                must = f"lie {text}" if text.startswith("in") else f"be {text}"
                raise ConfigError(f"{name} is {number}; it must {must}.")


def help_text(config: type, prefix: str = "", *, without: type | None = None) -> str:
    """The fields of a config class as lines for `--help`: name, default, range, choices, meaning.

    Args:
      config: The class.
      prefix: Put before each name.
      without: A class whose fields are left out where default and meaning are the same; so are nested configs that
        are declared to be of it, which may be of any of its subclasses.
    """
    hints = hints_of(config)
    open_ones = tuple(f"{prefix}{name}." for name, hint in hints.items() if hint is without)
    known = {name: (setting, default) for name, setting, default in settings_of(without, prefix)} if without else {}
    lines = []
    for name, setting, default in settings_of(config, prefix):
        if known.get(name) == (setting, default) or name.startswith(open_ones):
            continue
        choices = typing.get_args(hints[name.removeprefix(prefix)])
        allowed = " | ".join(map(str, choices)) if choices and all(isinstance(c, str) for c in choices) else ""
        facts = "; ".join(text for text in (allowed, setting.range_text) if text)
        # Of configs by name the names: their fields are another verb's help.
        shown = f"{{{', '.join(default)}}}" if isinstance(default, Mapping) else repr(default)
        lines.append(f"  {name} = {shown}{f'  ({facts})' if facts else ''}\n      {setting.doc}")
    return "\n".join(lines)


def hints_of(config: type, prefix: str = "") -> dict[str, Any]:
    """Declared type of every field of a config class by dotted name, those of nested ones included."""
    found: dict[str, Any] = {}
    for name, hint in typing.get_type_hints(config).items():
        found[prefix + name] = hint
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            found |= hints_of(hint, f"{prefix}{name}.")
    return found
