"""What lies beside a bank's files for who opens them: what they hold, and how an image is drawn again."""

from collections.abc import Mapping
from typing import Any

from lesion_jax.core.types import UNITS


def describe_bank(facts: Mapping[str, Any], num_images: int) -> str:
    """Text in Markdown.

    Args:
      facts: The provenance of a bank, with `label_counts`.
      num_images: Images of the bank, N.
    """
    names, side = facts["class_names"], facts["image_size"]
    low, high = facts["window"]
    counts = ", ".join(f"{name} {count}" for name, count in zip(names, facts["label_counts"], strict=True))
    unit = UNITS[facts["unit"]].title
    labels = ", ".join(f"{i} {name}" for i, name in enumerate(names))
    return f"""# Synthetic bank

{num_images} images: {counts}. For fold {facts["fold"]} alone: its generator has seen that fold's training patients.

| file | holds |
|---|---|
| `images.npy` | int16 [{num_images}, {side}, {side}], {unit}, within {low:g} to {high:g} |
| `labels.npy` | int32 [{num_images}]: {labels} |
| `bank.json` | where they are from: run, step and digest of its checkpoint, seed, fold, fingerprints of the patients |
| `origins.json` | where images are made of real lesions: which ones, and of whom |
| `bank.png` | the first images of each class |

{_how_to_repeat(facts)}
"""


def _how_to_repeat(facts: Mapping[str, Any]) -> str:
    if "selected_from" in facts:
        return "The images were selected from a larger bank of the same run, in its order."
    if facts.get("drop_copies"):
        return "Copies of training lesions were left out, so that image k is a later one of the run's own."
    call = (
        f"restore_generator({facts['run']!r}, {facts['checkpoint']!r})"
        f"(np.full(k + 1, label, np.int32), {facts['seed']} * {len(facts['class_names'])} + label)[k]"
    )
    return f"The k-th image of a class, from 0, with `from lesion_jax import restore_generator`:\n\n    {call}"
