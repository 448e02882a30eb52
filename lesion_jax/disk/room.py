"""Room on a disk, asked for before anything is written."""

import shutil
from pathlib import Path

from lesion_jax.disk.atomic import OR_ELSEWHERE, writing
from lesion_jax.errors import LesionJaxError, RunError


def nearest_existing(path: Path) -> Path:
    """The path itself or its nearest parent that exists. A link to nowhere counts: nothing can be made in its place.

    Raises:
      OSError: It cannot be found out.
    """
    return next(place for place in (path, *path.absolute().parents) if place.exists() or place.is_symlink())


def require_room(
    path: Path,
    num_bytes: int,
    *,
    what: str = "",
    then: str = OR_ELSEWHERE,
    error: type[LesionJaxError] = RunError,
) -> None:
    """Refuses a place on a disk with too little room.

    Args:
      path: The file or directory to be; neither it nor its parents need exist.
      num_bytes: Most bytes that will be written.
      what: Name of the path in the message: "--out", "Bank".
      then: End of the message, such as `atomic.OR_ELSEWHERE`.
      error: Class of the errors.

    Raises:
      LesionJaxError: An `error` with both numbers; also where the disk does not answer.
    """
    with writing(path, what=what, then=then, error=error):
        free = shutil.disk_usage(nearest_existing(path)).free
    if free < num_bytes:
        raise error(
            f"{what} {path} takes up to {num_bytes / 2**20:.1f} MiB, but {free / 2**20:.1f} MiB are free; "
            f"make room{then}.".lstrip()
        )
