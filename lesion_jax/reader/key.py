"""The key of a reader study: what its page shows, and the truth about it. Readers must not have it.

key.json holds the page's content, whose digest is the page's identity; answers name the same identity. A digest of all
tells a key that was changed.
"""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.disk.atomic import write_json
from lesion_jax.errors import DataError
from lesion_jax.reader.page import decode, identity

FORMAT = "lesion_jax reader key 1"
SOURCES = ("real", "synthetic")


@dataclasses.dataclass(frozen=True, eq=False)
class Key:
    """The truth about a page.

    Attributes:
      page: Identity of the page.
      class_names: C names.
      source: int [N], index into `SOURCES` of each image.
      labels: int [N], index into `class_names`.
      pixels: uint8 [N, H, H], as the page shows them.
      origins: For each image {"lesion", "patient"} or {"bank", "index"}.
    """

    page: str
    class_names: tuple[str, ...]
    source: np.ndarray
    labels: np.ndarray
    pixels: np.ndarray
    origins: tuple[dict[str, Any], ...]

    def __len__(self) -> int:
        """N."""
        return len(self.labels)


def save_key(
    path: Path,
    content: dict[str, Any],
    *,
    source: np.ndarray,
    labels: np.ndarray,
    origins: tuple[dict[str, Any], ...],
    facts: dict[str, Any],
) -> None:
    """Writes a key.

    Args:
      path: File to write.
      content: See `page.make_content`.
      source: int [N], see `Key`.
      labels: int [N], see `Key`.
      origins: See `Key`.
      facts: How the images were chosen, for the record.
    """
    truth = [
        {"image": number, "source": SOURCES[s], "class": content["class_names"][label], **origin}
        for number, (s, label, origin) in enumerate(zip(source, labels, origins, strict=True))
    ]
    key = {"format": FORMAT, "page": identity(content), **facts, "truth": truth, "content": content}
    write_json(path, {**key, "digest": _digest(key)})


def load_key(path: Path) -> Key:
    """Reads a key and checks that it is whole.

    Raises:
      DataError: It is missing, unreadable, no key, or was changed.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["format"] != FORMAT:
            raise ValueError(f"its format is {held['format']!r}, not {FORMAT!r}")
        digest = held.pop("digest")
    except OSError as error:
        raise DataError(
            f"--key {path} cannot be read ({error.strerror or error}); name the key.json beside the page."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"--key {path} is no key of a reader page ({error}); name the key.json beside it.") from None
    if digest != _digest(held) or held["page"] != identity(held["content"]):
        raise DataError(f"--key {path} was changed after it was made; restore it.")
    names = held["content"]["class_names"]
    truth = held["truth"]
    told = ("image", "source", "class")
    return Key(
        page=held["page"],
        class_names=tuple(names),
        source=np.array([SOURCES.index(one["source"]) for one in truth]),
        labels=np.array([names.index(one["class"]) for one in truth]),
        pixels=np.stack([decode(png) for png in held["content"]["images"]]),
        origins=tuple({name: value for name, value in one.items() if name not in told} for one in truth),
    )


def _digest(key: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
