"""Audits of the banks that a study or a protocol drew: done once, kept, and told before any verdict."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lesion_jax.disk.atomic import write_json
from lesion_jax.inference.audit import RULE
from lesion_jax.inference.audit_files import RealLesions, audit_files
from lesion_jax.io.picture_file import write_picture


def kept_audit(place: Path, banks: Sequence[Path], dataset: Path, known: dict[str, RealLesions]) -> dict[str, Any]:
    """Audits banks against the test lesions of their fold, or reads what an earlier call found by the same rule.

    Args:
      place: Path without a suffix: PLACE.json is written, and PLACE-closest.png, the closest pairs.
      banks: Directories of banks of one fold, together every class.
      dataset: The dataset of their generators.
      known: As `audit_files`.

    Returns:
      What `audit_files` returns, without the picture, and with "rule".
    """
    path = place.with_name(place.name + ".json")
    if path.exists() and (kept := json.loads(path.read_text())).get("rule") == RULE:
        return kept
    found, picture = audit_files(banks, dataset, "test", known)
    found["rule"] = RULE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(place.with_name(place.name + "-closest.png"), picture)
    write_json(path, found)
    return found


def failed(rows: Sequence[dict[str, Any]]) -> dict[tuple[str | None, str], list[dict[str, Any]]]:
    """Generators of which half of the audited banks or more are broken: (scenario, model) -> all of its rows.

    Args:
      rows: {"model", its "title", "fold", "broken": what `audit_bank` found, "scenario" where there are several}.
    """
    of: dict[tuple[str | None, str], list[dict[str, Any]]] = {}
    for row in rows:
        of.setdefault((row.get("scenario"), row["model"]), []).append(row)
    return {key: some for key, some in of.items() if 2 * sum(bool(row["broken"]) for row in some) >= len(some)}


def broken_sentences(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence for each generator that failed, in each scenario.

    Args:
      rows: As `failed`.
    """
    said = []
    for (scenario, _), some in failed(rows).items():
        bad = [row for row in some if row["broken"]]
        said.append(
            f"{bad[0]['title']} failed{f' in scenario {scenario}' if scenario else ''} "
            f"({len(bad)} of {len(some)} banks; fold {bad[0]['fold']}: {', '.join(bad[0]['broken'])}), so what "
            "follows says nothing of images that a working one draws."
        )
    return said
