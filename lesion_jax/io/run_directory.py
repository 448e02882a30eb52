"""A directory that says what made it, how far it is, and whether it is finished.

config.json      the resolved config; a run is continued with the same one or not at all
provenance.json  data, splits, versions, devices and command lines; the run's identity
metrics.jsonl    one JSON object per line      tensorboard/   the same, for TensorBoard
samples/         pictures                      checkpoints/   last and best
DONE, FAILED     JSON: how it ended            .lock          who is writing
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lesion_jax.config.dotted import dotted
from lesion_jax.disk.atomic import write_json, writing
from lesion_jax.disk.lock import holder, locked, require_unlocked
from lesion_jax.disk.room import nearest_existing, require_room
from lesion_jax.errors import RunError
from lesion_jax.io.differences import differences, plain, sentence
from lesion_jax.io.run_files import load_config, load_provenance

# Enough for the small files of any run; a caller that knows its checkpoints asks for more.
_MIN_FREE_BYTES = 64 * 2**20
_OR_ELSEWHERE = ", or name another --workdir"
_ENVIRONMENT, _CONTINUED, _IDENTITY = "environment", "continued", "identity"
# What a process leaves that is killed before it has written config.json.
_LEFT = frozenset({".lock", ".probe", ".config.json.tmp", ".provenance.json.tmp", "provenance.json"})


class RunDirectory:
    """The directory of one run; made and checked by `open`. A context manager, which gives the lock back."""

    def __init__(self, path: Path):
        """Names the parts of a run directory without touching the disk.

        Args:
          path: Path of the directory.
        """
        self.path = path
        self.metrics = path / "metrics.jsonl"
        self.tensorboard = path / "tensorboard"
        self.samples = path / "samples"
        self.checkpoints = path / "checkpoints"
        self.identity = ""
        self._held = ExitStack()
        self._is_held = False

    def __enter__(self) -> "RunDirectory":
        """Returns itself."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Lets others write."""
        self._held.close()

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        config: Mapping[str, Any],
        provenance: Mapping[str, Any],
        free: frozenset[str] = frozenset(),
        reopening: frozenset[str] = frozenset(),
        min_free_bytes: int = _MIN_FREE_BYTES,
    ) -> "RunDirectory":
        """Makes a run directory, or continues the run that it holds. Every refusal comes before the first write.

        A finished run is left as it is. One that is continued keeps the provenance that it was
        started with; its new environment is added to the list "continued".

        Args:
          path: Absent, empty, or the directory of a run.
          config: Resolved, as JSON can hold it (tuples may be lists).
          provenance: Facts about data and environment, likewise. "environment" may differ when a run is continued,
            the rest may not.
          free: Dotted names of config fields that may change when a run is continued.
          reopening: Those of them that make a finished run unfinished again.
          min_free_bytes: Room that must be left on the disk.

        Returns:
          The directory, ready to be written to, and locked unless it is finished.

        Raises:
          RunError: It belongs to another run, is no run at all, is being written by another process, or cannot be
            written.
        """
        run = cls(Path(path))
        config, provenance = plain(config), plain(provenance)
        run.identity = provenance[_IDENTITY] = identity_of(config, provenance, free)
        # The name may be too long, or a directory on the way to it another user's.
        with writing(run.path, then=_OR_ELSEWHERE):
            exists, is_done = run._exists(), run.is_done
        changed = run._check_same(config, provenance, free) if exists else set()
        if is_done and not changed & reopening:
            return run
        run._check_writable(min_free_bytes)
        run.hold()
        try:
            # Again: another process may have started or continued it before this one held the lock.
            if run._exists():
                run._check_same(config, provenance, free)
            with writing(run.path):
                if run._exists():
                    run._continue(config, provenance)
                else:
                    write_json(run._provenance, provenance)
                    # Last: a directory without config.json was never started.
                    write_json(run._config, config)
        except BaseException:
            run._held.close()
            raise
        return run

    def hold(self) -> None:
        """Keeps others from writing until the end of the `with`; `open` has done so unless the run is finished.

        Raises:
          RunError: Another process is writing, or the disk does not take it.
        """
        if not self._is_held:
            with writing(self.path):
                self._held.enter_context(locked(self._lock, what=self.path))
            self._is_held = True

    @property
    def holder(self) -> dict[str, Any] | None:
        """Which process is writing, see `lock.holder`; None where none is."""
        return holder(self._lock)

    @property
    def is_done(self) -> bool:
        """Whether the run is finished: DONE is there, and whole."""
        try:
            return isinstance(json.loads(self._done.read_text()), dict)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return False

    def mark_done(self, summary: Mapping[str, Any]) -> None:
        """Declares the run finished; everything it should hold has been written.

        Args:
          summary: Goes into DONE, as JSON.

        Raises:
          RunError: It cannot be written.
        """
        with writing(self._done):
            write_json(self._done, summary)
            self._failed.unlink(missing_ok=True)

    def mark_failed(self, reason: str) -> None:
        """Notes why the run ended early; it can be continued all the same.

        Args:
          reason: One sentence.

        Raises:
          RunError: It cannot be written.
        """
        with writing(self._failed):
            write_json(self._failed, {"reason": reason})

    @property
    def _lock(self) -> Path:
        return self.path / ".lock"

    @property
    def _config(self) -> Path:
        return self.path / "config.json"

    @property
    def _provenance(self) -> Path:
        return self.path / "provenance.json"

    @property
    def _done(self) -> Path:
        return self.path / "DONE"

    @property
    def _failed(self) -> Path:
        return self.path / "FAILED"

    def _exists(self) -> bool:
        return self._config.exists()

    def check_config(self, config: Mapping[str, Any], free: frozenset[str]) -> set[str]:
        """Refuses a config that the run of this directory cannot be continued with; one without a run takes any.

        Args:
          config: Resolved, see `open`.
          free: Dotted names of fields that may change.

        Returns:
          Dotted names of those that have changed.

        Raises:
          RunError: Others have; which, is said.
        """
        if not self._exists():
            return set()
        changed = differences(load_config(self.path), plain(config))
        refused = {name: text for name, text in changed.items() if name not in free}
        if refused:
            raise RunError(
                f"{self.path} was started with another config ({sentence(refused)}); "
                "name another --workdir, or take back the change."
            )
        return set(changed)

    def _check_same(self, config: dict[str, Any], provenance: dict[str, Any], free: frozenset[str]) -> set[str]:
        changed = self.check_config(config, free)
        refused = differences(_facts(load_provenance(self.path)), _facts(provenance))
        if refused:
            raise RunError(
                f"{self.path} was started on other data ({sentence(refused)}); "
                "name another --workdir, or bring back the data that it was started on."
            )
        return changed

    def _check_writable(self, min_free_bytes: int) -> None:
        with writing(self.path, then=_OR_ELSEWHERE):
            files = {file.name for file in self.path.iterdir()} - _LEFT if self.path.is_dir() else set()
            # Asked after the list is made: another process may start the run meanwhile.
            if files and not self._exists():
                raise RunError(f"{self.path} holds files but no config.json, so it is no run; name an empty --workdir.")
        # Before it is made: a refusal leaves no empty directory.
        require_room(self.path, min_free_bytes, then=_OR_ELSEWHERE)
        with writing(self.path, then=_OR_ELSEWHERE):
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / ".probe"
            probe.write_bytes(b"x" * 4096)
            # Another process may be looking too.
            probe.unlink(missing_ok=True)

    def _continue(self, config: dict[str, Any], provenance: dict[str, Any]) -> None:
        held = load_provenance(self.path)
        environments = [held.get(_ENVIRONMENT), *held.get(_CONTINUED, [])]
        if provenance.get(_ENVIRONMENT) not in environments:
            write_json(self._provenance, held | {_CONTINUED: [*environments[1:], provenance[_ENVIRONMENT]]})
        if config != load_config(self.path):
            write_json(self._config, config)
        self._done.unlink(missing_ok=True)
        self._failed.unlink(missing_ok=True)


def check_workdir(path: Path, *, will_write: bool = True) -> None:
    """Refuses what `RunDirectory.open` would refuse in any case, before anything that takes time.

    Args:
      path: Directory of a run to be, or of one that is there.
      will_write: Whether this process is the one that writes to it.

    Raises:
      RunError: It cannot be a directory, or another process is writing there.
    """
    with writing(path, then=_OR_ELSEWHERE):
        place = nearest_existing(path)
    if not place.is_dir():
        raise RunError(f"{path} cannot be a run's directory: {place} is a file; name another --workdir.")
    if will_write:
        require_unlocked(RunDirectory(path)._lock, what=path)


def identity_of(config: Mapping[str, Any], provenance: Mapping[str, Any], free: frozenset[str]) -> str:
    """Hex digest of everything that makes a run this run: what may not differ when it is continued.

    Args:
      config: Resolved config, as JSON can hold it.
      provenance: Facts about data and environment, likewise; the environment is left out.
      free: Dotted names of config fields that are left out.
    """
    fields = {name: value for name, value in dotted(plain(config)).items() if name not in free}
    return hashlib.sha256(json.dumps([fields, _facts(plain(provenance))], sort_keys=True).encode()).hexdigest()


def _facts(provenance: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in provenance.items() if name not in (_ENVIRONMENT, _CONTINUED, _IDENTITY)}
