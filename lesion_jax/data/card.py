"""A dataset's card: README.md for people, card.json for programs, card.png with its histograms.

It says what the dataset holds and what it was made of, in numbers and words of this package: no name, date, number or
UID of a file or a patient. Values of tags are in it as the user asked for them.
"""

import dataclasses
import importlib.metadata
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.core.types import LesionSet
from lesion_jax.data.card_figure import card_figure
from lesion_jax.data.folds import Folds
from lesion_jax.data.overview import folds_text, lesions_text
from lesion_jax.disk.atomic import write_bytes, write_json
from lesion_jax.sources.cohort import Origin

CARD, PICTURE, README = "card.json", "card.png", "README.md"
_DECODERS = ("pydicom", "python-gdcm", "pylibjpeg", "pylibjpeg-openjpeg", "pillow", "nibabel")
_FILES = f"""| file | holds |
|---|---|
| `lesions/` | the lesions as a TFDS dataset |
| `lesions.safetensors` | the same as plain arrays |
| `folds.json` | the test folds by patient, where there are any |
| `{CARD}`, `{PICTURE}` | this card for programs, and its picture |
"""


def describe(lesions: LesionSet, folds: Folds | None) -> dict[str, Any]:
    """What a dataset holds, as plain values."""
    some = lesions.lesions
    by_class = {name: [x for x in some if x.label == label] for label, name in enumerate(lesions.class_names)}
    sizes = {name: np.array([x.diameter_mm for x in each]) for name, each in by_class.items() if each}
    tags = dict.fromkeys(tag for lesion in some for tag in lesion.tags)
    return {
        "fingerprint": lesions.fingerprint,
        "unit": lesions.unit,
        "window": list(lesions.window),
        "num_lesions": {name: len(each) for name, each in by_class.items()},
        "num_patients": len({lesion.patient for lesion in some}),
        "num_patients_of_class": {name: len({x.patient for x in each}) for name, each in by_class.items()},
        "diameter_mm": {name: [float(f(x)) for f in (np.min, np.median, np.max)] for name, x in sizes.items()},
        "spacing_mm": [float(f([x.spacing_mm for x in some])) for f in (np.min, np.max)],
        "tags": {tag: dict(Counter(x.tags.get(tag, "") for x in some).most_common()) for tag in tags},
        "folds": folds and {"num_folds": folds.num_folds, "seed": folds.seed, "fingerprint": folds.fingerprint},
        "phantom": lesions.phantom and dict(lesions.phantom),
    }


def write_card(folder: Path, lesions: LesionSet, folds: Folds | None, origin: Origin) -> None:
    """Writes the card into a dataset's folder.

    Args:
      folder: Of the dataset.
      lesions: What it holds.
      folds: Its folds; None where there are none.
      origin: What it was made of.

    Raises:
      OSError: The disk does not take it.
    """
    made = dataclasses.asdict(origin) | {"versions": _versions()}
    write_json(folder / CARD, {**describe(lesions, folds), "origin": made})
    write_bytes(folder / PICTURE, card_figure(lesions))
    write_bytes(folder / README, _text(lesions, folds, origin, made["versions"]).encode())


def read_origin(folder: Path) -> dict[str, Any]:
    """What a dataset says that it was made of; without a card, as beside what `tfds build` writes, nothing."""
    path = folder / CARD
    return json.loads(path.read_text("utf-8"))["origin"] if path.exists() else {}


def _versions() -> dict[str, str]:
    found = {}
    for name in ("lesion-jax", *_DECODERS):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _text(lesions: LesionSet, folds: Folds | None, origin: Origin, versions: Mapping[str, str]) -> str:
    parts = [
        "# A dataset of lesions",
        f"Made by `lesion-jax` of: {origin.source}. Lesions and patients have salted hashes for names.",
        _fenced(lesions_text(lesions)),
        f"![Histograms of diameters, pixels and lesions of a patient]({PICTURE})",
        f"Fingerprint of the lesions: `{lesions.fingerprint}`",
    ]
    if folds is not None:
        parts += [f"Test folds by patient, seed {folds.seed}, fingerprint `{folds.fingerprint}`:"]
        parts += [_fenced(folds_text(lesions, folds))]
    stored = [f"{count} lesions in images stored as {name}" for name, count in origin.encodings.items()]
    told = [*stored, *origin.notes]
    parts += ["What was read, and what was doubted, passed over or overruled:"] if told else []
    parts += ["\n".join(f"- {line}" for line in told)] if told else []
    parts += ["Read with " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."]
    if lesions.phantom:
        parts += ["Drawn by the phantom; nobody was a patient:", _fenced(json.dumps(dict(lesions.phantom), indent=1))]
    return "\n\n".join([*parts, _FILES])


def _fenced(text: str) -> str:
    # Longer than any run of backticks that the name of a class may have.
    fence = "`" * 8
    return f"{fence}\n{text}\n{fence}"
