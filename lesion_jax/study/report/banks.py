"""What the audits of the banks said: broken or not, all scores with their floors, and the closest pairs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lesion_jax.metrics.images import GENERATOR_METRICS
from lesion_jax.study.report.blocks import Block, Figure, Heading, Table, Text


def bank_blocks(banks: Sequence[Mapping[str, Any]], workdir: Path) -> list[Block]:
    """Two tables and a picture for each generator of each scenario.

    Args:
      banks: From `audit_banks`.
      workdir: Of the study, which holds audits/.
    """
    blocks: list[Block] = [
        Text(
            "Banks of the first settings of each scenario, against the test lesions of their fold: are they lesions, "
            "varied, labelled right, more than copies?",
            "note",
        ),
        Table(
            ("Scenario", "Setting", "Generator", "Fold", "Images", "Broken", "Why, or what else was seen"),
            [
                (*_where(bank), bank["num_images"], ", ".join(bank["broken"]) or "no", bank["sentence"])
                for bank in banks
            ],
        ),
        Heading("Scores of the images", 3),
        Text(
            "In brackets the same score of real training lesions in the place of the bank: what can be reached. Scored "
            "are images of the bank and real lesions.",
            "note",
        ),
        Table(
            ("Scenario", "Setting", "Generator", "Fold", *(m.title for m in GENERATOR_METRICS.values()), "Scored"),
            [
                (
                    *_where(bank),
                    *(_score(bank["metrics"].get(name)) for name in GENERATOR_METRICS),
                    f"{bank['num_judged']}, {bank['num_real']}",
                )
                for bank in banks
            ],
        ),
    ]
    shown = set()
    for bank in banks:
        if (key := (bank["scenario"], bank["model"])) not in shown and (workdir / bank["closest"]).exists():
            shown.add(key)
            caption = (
                f"{bank['title']}, scenario {bank['scenario']}: images of a bank and their nearest training lesions."
            )
            blocks.append(Figure(workdir / bank["closest"], caption, f"../{bank['closest']}"))
    return blocks


def _where(bank: Mapping[str, Any]) -> tuple[object, ...]:
    return bank["scenario"], bank["setting"], bank["title"], bank["fold"]


def _score(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return ""
    floor = f" ({score['floor']:.3g})" if "floor" in score else ""
    return f"{score['value']:.3g}{floor}"
