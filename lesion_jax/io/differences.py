"""In which fields two configs, or two sets of facts, differ, and saying so."""

import json
from collections.abc import Mapping
from typing import Any

from lesion_jax.config.dotted import dotted

_MOST_SHOWN = 6


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """As it would come back from a JSON file: tuples have become lists."""
    return json.loads(json.dumps(dict(values), allow_nan=False))


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, str]:
    """Dotted field -> how it differs, in a few words."""
    old, new = dotted(there), dotted(here)

    def shown(fields: dict[str, Any], name: str) -> str:
        return json.dumps(fields[name]) if name in fields else "absent"

    return {
        name: f"{name} is {shown(old, name)} there and {shown(new, name)} here"
        for name in sorted({*old, *new})
        if name not in old or name not in new or old[name] != new[name]
    }


def sentence(found: Mapping[str, str]) -> str:
    """The first of `differences`, joined."""
    texts = list(found.values())
    more = len(texts) - _MOST_SHOWN
    return ", ".join(texts[:_MOST_SHOWN]) + (f", and {more} more" if more > 0 else "")
