"""dataset.json of the Medical Segmentation Decathlon and of nnU-Net: what labels mean, and whether volumes are CT."""

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lesion_jax.errors import DataError

DESCRIPTION = "dataset.json"


def describe(folder: Path) -> tuple[dict[int, str], bool]:
    """Names of the labels as dataset.json gives them, by value, and whether it says CT or nothing of the first channel.

    It has the decathlon's form or nnU-Net's.

    Args:
      folder: Holds it, or holds none.

    Raises:
      DataError: It cannot be read, or says two things of one label.
    """
    path = folder / DESCRIPTION
    if not os.path.isfile(path):
        return {}, True
    try:
        described = json.loads(path.read_text("utf-8"), object_pairs_hook=_each_once)
        channels = described.get("channel_names", described.get("modality", {}))
        # By number, as text.
        channels = [channels[key] for key in sorted(channels)] if isinstance(channels, dict) else list(channels)
        labels = _each_once(
            # nnU-Net has regions of several labels, too, which masks do not hold.
            [_label(key, value) for key, value in described.get("labels", {}).items() if not isinstance(value, list)]
        )
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no description of a data set ({error}); correct it or remove it.") from error
    return labels, str(channels[0]).upper() == "CT" if channels else True


def _each_once(pairs: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    """A dict that has no key twice; json's own and Python's take the last."""
    twice = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if twice:
        raise ValueError(f"it has {twice[0]!r} twice")
    return dict(pairs)


def _label(key: str, value: Any) -> tuple[int, str]:
    """Number and name of a label, whichever comes first."""
    is_number = [re.fullmatch("[0-9]+", str(one)) is not None for one in (key, value)]
    if is_number == [True, True] and str(key) != str(value):
        raise ValueError(f"label {key!r} has the name {value!r}, which is a number too")
    if is_number[0]:
        return int(key), str(value)
    if is_number[1]:
        return int(value), key
    raise ValueError(f"label {key!r} has no whole number")
