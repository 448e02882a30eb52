"""Names of nested fields, as flags write them."""

from collections.abc import Mapping
from typing import Any


def dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a.b": 1}."""
    fields: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            fields |= dotted(value, f"{prefix}{name}.")
        else:
            fields[prefix + name] = value
    return fields
