"""The flags that several verbs share."""

import contextlib
import importlib.util
import os
import pkgutil
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import config_flags

from lesion_jax.config import from_mapping
from lesion_jax.errors import ConfigError

_DETERMINISTIC = "--xla_gpu_deterministic_ops"


class PathParser(flags.ArgumentParser):
    """A path; `~` is the user's home."""

    syntactic_help = "a path"

    def parse(self, argument: str | Path) -> Path:
        """Refuses an empty one, and what the system cannot even look for."""
        if not str(argument):
            raise ValueError("a path must not be empty")
        # Without a home, `~` stays as it is.
        with contextlib.suppress(RuntimeError):
            argument = Path(argument).expanduser()
        try:
            os.stat(argument)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (OSError, ValueError) as error:
            # Too long, without permission to look there, a loop of links, a NUL.
            reason = error.strerror if isinstance(error, OSError) else error
            raise ValueError(f"it cannot be looked for ({reason})") from error
        return Path(argument)


class _CheckpointParser(flags.ArgumentParser):
    def __init__(self, words: tuple[str, ...]):
        self._words = words
        self.syntactic_help = f"{', '.join(words)} or a step"

    def parse(self, argument: str | int) -> str | int:
        if argument in self._words:
            return argument
        if str(argument).isdecimal():
            return int(argument)
        raise ValueError(f"must be {self.syntactic_help}")


def define_checkpoint(values: flags.FlagValues, default: str) -> None:
    """--checkpoint: "best", "last", a step, and the default."""
    words = tuple(dict.fromkeys((default, "best", "last")))
    text = f"Which checkpoint: {', '.join(words)}, or the number of a step."
    flags.DEFINE(_CheckpointParser(words), "checkpoint", default, text, flag_values=values)


def define_path(values: flags.FlagValues, name: str, text: str, *, required: bool = True) -> None:
    """A flag that holds a `Path`, or None where it is not required and not given."""
    flags.DEFINE(PathParser(), name, None, text, flag_values=values, required=required)


def define_workdir(values: flags.FlagValues) -> None:
    """--workdir."""
    define_path(values, "workdir", "Directory that the command writes to, and continues in.")


def define_config(values: flags.FlagValues, *, required: bool = True) -> None:
    """--config FILE.py, and --config.field=value for each of its fields."""
    config_flags.DEFINE_config_file(
        "config",
        None,
        "Config file; its fields are flags too: --config.seed=1, --config.data.fold=2, "
        "--config.loop.duration='2000 steps'. --help lists every field.",
        lock_config=True,
        flag_values=values,
    )
    if required:
        flags.mark_flag_as_required("config", flag_values=values)


def define_deterministic(values: flags.FlagValues) -> None:
    """--deterministic."""
    flags.DEFINE_bool(
        "deterministic",
        True,
        "The same bits from the same command on a GPU too (XLA's --xla_gpu_deterministic_ops, unless XLA_FLAGS has it) "
        "for 2 to 7 % of the time on an H100; a CPU gives them in any case.",
        flag_values=values,
    )


def define_job(values: flags.FlagValues, *, config_required: bool = True) -> None:
    """--config, --workdir, --deterministic: those of every verb that trains."""
    define_config(values, required=config_required)
    define_workdir(values)
    define_deterministic(values)


def apply_deterministic(values: flags.FlagValues) -> None:
    """Hands --deterministic to XLA, where JAX may find a GPU; before JAX starts its backend."""
    given = os.environ.get("XLA_FLAGS", "")
    # Not elsewhere: what is compiled is kept by the flags, and other verbs would not find it.
    if values.deterministic and _DETERMINISTIC not in given and _has_gpu_plugin():
        os.environ["XLA_FLAGS"] = f"{given} {_DETERMINISTIC}=true".strip()


def _has_gpu_plugin() -> bool:
    """Whether JAX's plugin for CUDA or ROCm is installed."""
    found = importlib.util.find_spec("jax_plugins")
    folders = (found and found.submodule_search_locations) or ()
    return any(name.startswith(("xla_cuda", "xla_rocm")) for _, name, _ in pkgutil.iter_modules(folders))


def fields_text(verb: str) -> str:
    """The fields of the configs that a verb takes, for its --help: those of all trainings once, then what each adds."""
    from lesion_jax.config import TrainingConfig
    from lesion_jax.config.fields import help_text
    from lesion_jax.families import FAMILIES
    from lesion_jax.paper.config import PaperConfig
    from lesion_jax.study.config import ScenarioConfig, StudyConfig
    from lesion_jax.sweep.config import SweepConfig

    if verb == "paper":
        return f"fields of --config:\n{help_text(PaperConfig, '--config.')}"
    if verb == "study":
        own, scenario = help_text(StudyConfig, "--config."), help_text(ScenarioConfig, "--config.scenarios.NAME.")
        return f"fields of --config:\n{own}\n\nfields of each scenario:\n{scenario}"
    parts = []
    if verb in ("sweep", "plan"):
        own = help_text(SweepConfig, "--config.", without=TrainingConfig)
        parts.append(f"fields of a sweep's config; those of its trainings, below, as --config.base.FIELD:\n{own}")
    parts.append(f"fields of every training's config:\n{help_text(TrainingConfig, '--config.')}")
    for family in FAMILIES.values():
        added = help_text(family.config, "--config.", without=TrainingConfig)
        parts.append(f"{family.title}, where it differs:\n{added}")
    return "\n\n".join(parts)


def kinds() -> dict[str, type]:
    """Class of every kind of config that a file may hold."""
    # Late: families bring JAX along, which --help of most verbs does not need.
    from lesion_jax.families import config_kinds
    from lesion_jax.paper.config import PaperConfig
    from lesion_jax.study.config import StudyConfig
    from lesion_jax.sweep.config import SweepConfig

    return {**config_kinds(), "paper": PaperConfig, "sweep": SweepConfig, "study": StudyConfig}


def config_of(values: flags.FlagValues, verb: str | None = None) -> Any:
    """The checked config of a command line.

    Args:
      values: With --config.
      verb: The verb that is to run it; None for one that takes every kind.

    Raises:
      ConfigError: The file cannot be read, or a field is unknown, of the wrong type, or contradicts another; or another
        verb runs configs of that kind.
    """
    try:
        # A file that could not be loaded says so at the first use of what it should have held.
        config = from_mapping(values.config, kinds())
    except OSError as error:
        path = getattr(values["config"], "config_filename", "FILE.py")
        raise ConfigError(f"--config {path} cannot be read; name a file such as configs/smoke.py.") from error
    from lesion_jax.families import config_kinds

    # What is no single training has a verb of its own name.
    runs = "train" if config.kind in config_kinds() else config.kind
    if verb not in (None, runs):
        raise ConfigError(f"--config is of kind {config.kind!r}; run it with `lesion-jax {runs}`.")
    return config
