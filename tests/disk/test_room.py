import errno
import shutil
from pathlib import Path

import pytest

from lesion_jax.disk.room import nearest_existing, require_room
from lesion_jax.errors import BankError, RunError


@pytest.fixture
def half_a_mebibyte(monkeypatch):
    asked = []

    def answer(path):
        asked.append(path)
        return shutil._ntuple_diskusage(9, 9, 1 << 19)

    monkeypatch.setattr(shutil, "disk_usage", answer)
    return asked


def test_the_nearest_parent_is_asked_and_nothing_is_made(tmp_path, half_a_mebibyte):
    require_room(tmp_path / "deep" / "out", 1 << 19)
    assert half_a_mebibyte == [tmp_path] and list(tmp_path.iterdir()) == []


def test_too_little_room_is_one_sentence_with_both_numbers(tmp_path, half_a_mebibyte):
    out = tmp_path / "out"
    with pytest.raises(RunError) as caught:
        require_room(out, 3 << 19)
    assert str(caught.value) == f"{out} takes up to 1.5 MiB, but 0.5 MiB are free; make room, or name another place."
    with pytest.raises(BankError, match=f"^Bank {out} takes .*; make room and pray.$"):
        require_room(out, 3 << 19, what="Bank", then=" and pray", error=BankError)


def test_a_disk_that_does_not_answer_is_one_sentence_too(tmp_path, monkeypatch):
    def fail(path):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(shutil, "disk_usage", fail)
    with pytest.raises(RunError, match=r"^--out .* cannot be written \(Input/output error\); make it writable, or"):
        require_room(tmp_path, 1, what="--out")


def test_a_link_to_nowhere_is_in_the_way(tmp_path):
    (tmp_path / "link").symlink_to("absent")
    assert nearest_existing(tmp_path / "link" / "deep") == tmp_path / "link"
    assert nearest_existing(Path("none") / "deep").exists()
