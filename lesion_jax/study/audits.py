"""Audits of the banks that a study drew: what makes a verdict on synthetic images void stands before it."""

import itertools
from pathlib import Path
from typing import Any

from lesion_jax.families import FAMILIES
from lesion_jax.inference.kept_audit import kept_audit
from lesion_jax.io.progress import Progress
from lesion_jax.study.layout import Layout

# Settings of each scenario whose banks are audited. A generator fails by half of its banks: one may be bad luck.
_NUM_AUDITED = 3


def audit_banks(layout: Layout) -> list[dict[str, Any]]:
    """Audits the banks of every generator and scenario, those of the first three settings, fold by fold.

    Kept in WORKDIR/audits, with a picture of the closest pairs, and not done again.

    Args:
      layout: The study, whose banks are drawn.

    Returns:
      Rows {"scenario", "setting", "model", "title", "fold", "num_images", "num_judged", "num_real", "broken": list,
      "sentence", "metrics": {name: score of `compare`, or None}, "closest": picture of the closest pairs, below
      WORKDIR}.
    """
    wanted = [
        (setting, model, fold)
        for _, settings in itertools.groupby(layout.settings, lambda setting: setting.scenario)
        for setting in itertools.islice(settings, _NUM_AUDITED)
        for model in layout.generators
        for fold in layout.folds(setting)
    ]
    progress = Progress(len(wanted), "audits of banks")
    rows, known = [], {}
    for done, (setting, model, fold) in enumerate(wanted):
        progress.update(done)
        banks = [layout.bank(name) for name, _ in layout.generator(model, setting, fold)]
        place = layout.workdir / "audits" / setting.name / f"fold{fold}" / model
        found = kept_audit(place, banks, Path(layout.config.dataset), known)
        rows.append(
            {
                "scenario": setting.scenario,
                "setting": setting.name.partition("/")[2],
                "model": model,
                "title": FAMILIES[layout.config.models[model].kind].title,
                "fold": fold,
                "num_images": found["num_bank"],
                "num_judged": found["num_judged"],
                "num_real": found["num_held_out"],
                "broken": found["broken"],
                "sentence": found["sentence"],
                "metrics": found["metrics"]["metrics"],
                "closest": f"{place.relative_to(layout.workdir)}-closest.png",
            }
        )
    if wanted:
        progress.update(len(wanted))
    return rows
