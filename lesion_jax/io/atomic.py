"""Files that are whole or absent: written beside their place, then renamed into it."""

import json
import os
from pathlib import Path
from typing import Any


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file; a reader, or the next start after a kill, sees the old content or the new.

    Args:
      path: Of the file; its directory exists.
      content: All of it.
    """
    # One fixed name: what a killed process leaves behind is overwritten by the next, never piled up.
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_json(path: Path, content: Any) -> None:
    """Writes plain values as indented JSON, see `write_bytes`.

    Raises:
      ValueError: A number is not finite, which JSON cannot say.
    """
    write_bytes(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())
