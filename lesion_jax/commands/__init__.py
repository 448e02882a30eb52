"""The command line: `lesion-jax VERB`, one small file per verb."""

import errno
import importlib
import logging
import os
import re
import sys
from collections.abc import Sequence

from absl import flags

from lesion_jax import __version__
from lesion_jax.disk.limits import require_addresses
from lesion_jax.errors import ConfigError, LesionJaxError, Preempted
from lesion_jax.runtime import jax_settings, preemption, streams
from lesion_jax.runtime.cpu import tune_cpu

# What a shell reports of a program that SIGPIPE ended.
_NO_READER = 141

VERBS = {
    "paper": "the whole protocol: trainings, tables, figures, report",
    "study": "arms compared over scenarios, cohorts and seeds, and a verdict",
    "phantom": "write the embedded default data as DICOM files",
    "build": "make a dataset from images and marked lesions",
    "train": "start or continue one training",
    "plan": "what a sweep, a training, a study or the paper would cost",
    "sweep": "train many that differ in some fields; how far they are, what came of them",
    "sample": "draw synthetic images from a trained generator into a bank",
    "evaluate": "score a trained run without training",
    "show": "what made a run, how far it is, what came of it",
    "reader": "make a reader study of real and synthetic images, or score one",
    "export": "write the networks of a run for other frameworks",
}


def _usage() -> str:
    verbs = "\n".join(f"  {verb:10}{text}" for verb, text in VERBS.items())
    return (
        f"lesion-jax {__version__}: do synthetic lesions make my classifier better?\n\n"
        f"usage: lesion-jax VERB [flags]\n\n{verbs}\n\nlesion-jax VERB --help tells what a verb takes.\n"
        "exit status: 0 done; 1 a defect of ours; 2 bad input; 3 a training diverged;\n"
        "75 ended by SIGTERM or SIGUSR1, run the same command again; 130 Ctrl-C, likewise;\n"
        "141 nobody reads the output any more. A job goes on where its progress, on stderr, cannot be written.\n"
    )


def _help(verb: str, doc: str | None, values: flags.FlagValues) -> str:
    """A verb's docstring, its flags, and the fields of its config."""
    parts = [(doc or "").strip(), f"flags of lesion-jax {verb}:\n{values.get_help(include_special_flags=False)}"]
    if "config" in values:
        # Late: it imports whatever can be configured.
        from lesion_jax.commands.config_flag import fields_text

        parts.append(fields_text(verb))
    return "\n\n".join(parts)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb.

    Args:
      argv: Words after the program's name; None takes them from the process.

    Returns:
      Exit status: 0; 75 or 130 where a signal asked it to end and the same command carries on; 141 where the reader of
      its output went away, as `head` does; 2 where the output cannot be written; or an error class's own after its
      message went to stderr.
    """
    with preemption.installed(), streams.guarded():
        try:
            status = _run(argv)
            # Here, not at the end of the process, where it could no longer be caught.
            sys.stdout.flush()
            return status
        except streams.OutputLostError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno == errno.EPIPE:
                return _NO_READER
            print(f"lesion-jax: standard output cannot be written ({cause}).", file=sys.stderr)
            return LesionJaxError.exit_status


def _run(argv: Sequence[str] | None) -> int:
    """`main`, but for an output that cannot be written."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_usage())
        return 0 if words else 2
    verb = words[0]
    if verb == "--version":
        print(__version__)
        return 0
    if verb not in VERBS:
        print(f"lesion-jax: there is no verb {verb!r}; choose one of {', '.join(VERBS)}.", file=sys.stderr)
        return 2
    # Before anything starts JAX.
    tune_cpu()
    ignored = jax_settings.ignore_environment()
    # Pictures go to files; a backend for windows, or one that matplotlib does not know, is for other programs.
    os.environ.pop("MPLBACKEND", None)
    try:
        with jax_settings.readable():
            return _run_verb(verb, words[1:], ignored)
    except (LesionJaxError, Preempted) as error:
        print(f"lesion-jax {verb}: {error}", file=sys.stderr)
        return error.exit_status


def _run_verb(verb: str, words: Sequence[str], ignored: Sequence[str]) -> int:
    module = importlib.import_module(f"lesion_jax.commands.{verb}")
    # Flags live in an object of their own, so that no verb sees another's, nor a library's.
    values = flags.FlagValues()
    module.define_flags(values)
    if any(word in ("-h", "--help", "-help") for word in words):
        print(_help(verb, module.__doc__, values))
        return 0
    logging.basicConfig(level=logging.WARNING, format=f"lesion-jax {verb}: %(message)s")
    for name in ignored:
        print(f"lesion-jax {verb}: {name} is ignored: it would change results.", file=sys.stderr)
    require_addresses()
    jax_settings.require_known_flags()
    _parse(values, verb, words, more_of=getattr(module, "MORE_OF", None))
    module.run(values)
    return 0


def _parse(values: flags.FlagValues, verb: str, words: Sequence[str], more_of: str | None) -> None:
    """Reads the flags; words that are none are further values of `more_of` where that flag is given, else refused."""
    # As most command lines write them: --dry-run is --dry_run.
    words = [re.sub(r"^--[a-z][\w-]*", lambda name: "--" + name[0][2:].replace("-", "_"), word) for word in words]
    # ml_collections looks for --config.field=value in sys.argv, whatever it is given to parse.
    saved, sys.argv = sys.argv, [f"lesion-jax {verb}", *words]
    try:
        rest = values(sys.argv)[1:]
    except (flags.Error, AttributeError, ImportError, KeyError, SyntaxError, TypeError, ValueError, OSError) as error:
        if unknown := _unknown_variant(words, error):
            raise ConfigError(unknown) from error
        # ml_collections lets a config override that cannot be applied escape as any of these, with quotes of quotes.
        text = str(error).replace("\\n", " ").replace("\\", "").replace("'", "").strip('"')
        if missing := re.search(r"Flag --(\w+) must have a value other than None", text):
            raise ConfigError(f"--{missing[1]} is missing; lesion-jax {verb} --help says what it is.") from error
        raise ConfigError(f"the flags cannot be read: {' '.join(text.split())}") from error
    finally:
        sys.argv = saved
    if rest and more_of and values[more_of].value:
        flag = values[more_of]
        flag.value = [*(flag.value or ()), *map(flag.parser.parse, rest)]
    elif rest:
        raise ConfigError(f"{rest[0]!r} is not a flag; flags read --name=value.")


def _unknown_variant(words: Sequence[str], error: Exception) -> str | None:
    """What to say where FILE.py:NAME named what the file's `get_config` does not take."""
    for word in words:
        file, is_named, name = word.removeprefix("--config=").rpartition(".py:")
        if is_named and (error.args == (name,) or "get_config() takes" in str(error)):
            return f"{file}.py has no {name!r}; the text at its head says what there is to name, if anything."
    return None
