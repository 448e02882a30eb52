"""What a run directory says of itself: what made it, how far it is, and what came of it."""

import collections
import json
import shlex
from pathlib import Path
from typing import Any

from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.io.run_files import load_config, load_provenance
from lesion_jax.io.saved_checkpoints import damaged_steps, find_note

_MOST_SHOWN = 8


def summarise(path: Path) -> dict[str, Any]:
    """Everything that is known about a run; nothing is written, and a run under way is not disturbed.

    Args:
      path: Run directory of a training or of the whole protocol.

    Returns:
      Plain values: run, kind, state ("running", "done", "failed" or "interrupted"), detail (who writes, how it ended,
      or why it failed), collapse (the first one found, in a sentence), last {step, score, digest} and best {step,
      score}, each None where there is none, damaged (steps of checkpoints whose note is spoilt), pictures (paths,
      newest last), runs (of a protocol: state -> number of trainings), config, provenance.

    Raises:
      RunError: It is not the directory of a run.
    """
    run = RunDirectory(path)
    config = load_config(path)
    state, detail = state_of(run)
    last, best = (find_note(run.checkpoints, which) for which in ("last", "best"))
    return {
        "run": str(path),
        "kind": config.get("kind"),
        "state": state,
        "detail": detail,
        "collapse": last and last.collapse,
        "last": last and {"step": last.step, "score": last.score, "digest": last.digest},
        "damaged": damaged_steps(run.checkpoints),
        "best": {"step": best.step, "score": best.score} if best and best.score is not None else None,
        "pictures": [str(picture) for picture in (*_sorted(run.samples), *_sorted(path / "report"))],
        "runs": dict(collections.Counter(state_of(RunDirectory(below.parent))[0] for below in _trainings(path))),
        "config": config,
        "provenance": load_provenance(path),
    }


def describe_run(summary: dict[str, Any]) -> str:
    """What `summarise` returned, as lines of text."""
    config, provenance = summary["config"], dict(summary["provenance"])
    environment = provenance.pop("environment", {})
    lines = [f"{summary['run']}: {summary['kind']}, {summary['state']}"]
    lines += [f"  {name}: {value}" for name, value in summary["detail"].items() if value is not None]
    if summary["runs"]:
        lines.append(
            "trainings: " + ", ".join(f"{number} {state}" for state, number in sorted(summary["runs"].items()))
        )
    if last := summary["last"]:
        lines.append(f"newest checkpoint: step {last['step']}, recorded digest of its arrays {last['digest'][:16]}")
    if best := summary["best"]:
        lines.append(f"best checkpoint: step {best['step']}, score {best['score']:.6g} on inner patients")
    if summary["collapse"]:
        lines.append(f"collapse: {summary['collapse']}")
    if summary["damaged"]:
        lines.append("damaged checkpoints: step " + ", ".join(map(str, summary["damaged"])))
    pictures = summary["pictures"]
    if len(pictures) > _MOST_SHOWN:
        lines.append(f"pictures, the newest of {len(pictures)}:")
    elif pictures:
        lines.append("pictures:")
    lines += [f"  {picture}" for picture in pictures[-_MOST_SHOWN:]]
    git = environment.get("git") or {}
    code = f"commit {git['commit']}{' with changes' * bool(git.get('dirty'))}" if git.get("commit") else "no checkout"
    lines += ["made by:", f"  code: {code}", f"  command: {shlex.join(environment.get('argv', []))}"]
    for name in ("versions", "devices"):
        lines.append(f"  {name}: " + ", ".join(f"{key} {value}" for key, value in environment.get(name, {}).items()))
    lines.append(f"  python {environment.get('python')}, XLA_FLAGS {environment.get('xla_flags') or 'none'}")
    if continued := provenance.pop("continued", []):
        lines.append(f"  continued in {len(continued)} other environments (--json lists them)")
    parents = provenance.pop("parents", [])
    lines += ["made from:", *(f"  {name}: {_short(value)}" for name, value in provenance.items())]
    lines += [f"  bank of {parent['run']}, step {parent['step']}, seed {parent['seed']}" for parent in parents]
    return "\n".join([*lines, "config:", *_indented(config, "  ")])


def state_of(run: RunDirectory) -> tuple[str, dict[str, Any]]:
    """("running", "done", "failed" or "interrupted"; who writes, what DONE or FAILED holds, or nothing)."""
    if held := run.holder:
        return "running", held
    for state, name in (("done", "DONE"), ("failed", "FAILED")):
        try:
            return state, json.loads((run.path / name).read_text())
        except (OSError, ValueError):
            # Not there, or spoilt: the run itself takes it for unfinished then.
            continue
    return "interrupted", {}


def _trainings(path: Path) -> list[Path]:
    return sorted((path / "runs").rglob("config.json"))


def _sorted(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.png"))


def _short(value: Any) -> str:
    return value[:16] if isinstance(value, str) else json.dumps(value)


def _indented(values: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for name, value in values.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", *_indented(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {json.dumps(value)}")
    return lines
