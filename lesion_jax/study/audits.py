"""Audits of the banks that a study drew: what makes a verdict on synthetic images void stands before it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lesion_jax.disk.atomic import write_json
from lesion_jax.families import FAMILIES
from lesion_jax.inference.audit_files import audit_files
from lesion_jax.io.picture_file import write_picture
from lesion_jax.io.progress import Progress
from lesion_jax.study.layout import Layout, Setting


def audit_banks(layout: Layout) -> list[dict[str, Any]]:
    """Audits the banks of every generator and scenario, those of the first cohort, partition and seed, fold by fold.

    Kept in WORKDIR/audits, with a picture of the closest pairs, and not done again.

    Args:
      layout: The study, whose banks are drawn.

    Returns:
      Rows {"scenario", "model", "title", "fold", "num_images", "broken": list, "sentence"}.
    """
    firsts = {setting.scenario: setting for setting in reversed(layout.settings)}
    wanted = [
        (setting, model, fold)
        for name in layout.config.scenarios
        for setting in (firsts[name],)
        for model in layout.generators
        for fold in layout.folds(setting)
    ]
    progress = Progress(len(wanted), "audits of banks")
    rows = []
    for done, (setting, model, fold) in enumerate(wanted):
        progress.update(done)
        found = _audit(layout, setting, model, fold)
        rows.append(
            {
                "scenario": setting.scenario,
                "model": model,
                "title": FAMILIES[layout.config.models[model].kind].title,
                "fold": fold,
                "num_images": found["num_bank"],
                "broken": found["broken"],
                "sentence": found["sentence"],
            }
        )
    if wanted:
        progress.update(len(wanted))
    return rows


def broken_sentences(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A sentence for each generator and scenario of which half of the audited banks or more are broken."""
    said = []
    for scenario, title in dict.fromkeys((row["scenario"], row["title"]) for row in rows):
        some = [row for row in rows if (row["scenario"], row["title"]) == (scenario, title)]
        bad = [row for row in some if row["broken"]]
        if 2 * len(bad) >= len(some):
            said.append(
                f"{title} failed in scenario {scenario} ({len(bad)} of {len(some)} banks; fold {bad[0]['fold']}: "
                f"{', '.join(bad[0]['broken'])}), so what follows says nothing of images that a working one draws."
            )
    return said


def _audit(layout: Layout, setting: Setting, model: str, fold: int) -> dict[str, Any]:
    place = layout.workdir / "audits" / setting.name / f"fold{fold}"
    path = place / f"{model}.json"
    if path.exists():
        return json.loads(path.read_text())
    banks = [layout.bank(name) for name, _ in layout.generator(model, setting, fold)]
    found, picture = audit_files(banks, Path(layout.config.dataset), "test")
    place.mkdir(parents=True, exist_ok=True)
    write_picture(place / f"{model}-closest.png", picture)
    write_json(path, found)
    return found
