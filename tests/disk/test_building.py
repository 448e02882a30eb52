import os

import pytest

from lesion_jax.disk.building import building_new, check_new
from lesion_jax.errors import BankError, RunError


def test_it_appears_when_it_is_whole_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "deep" / "export"
    with building_new(path, "Export", RunError) as folder:
        (folder / "a").write_text("whole")
        assert not path.exists()
    assert [p.name for p in path.parent.iterdir()] == ["export"] and (path / "a").read_text() == "whole"


@pytest.mark.parametrize("cause", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_body_that_fails_leaves_nothing(tmp_path, cause):
    with (
        pytest.raises((RunError, KeyboardInterrupt)) as raised,
        building_new(tmp_path / "export", "Export", RunError) as folder,
    ):
        (folder / "a").write_text("half")
        raise cause
    assert list(tmp_path.iterdir()) == []
    if isinstance(cause, OSError):
        assert str(raised.value).startswith(f"Export {tmp_path / 'export'} cannot be written (No space left on device)")


def test_what_a_killed_process_left_is_not_taken_over(tmp_path):
    (tmp_path / ".export.building").mkdir()
    (tmp_path / ".export.building" / "half").touch()
    with building_new(tmp_path / "export", "Export", RunError) as folder:
        assert list(folder.iterdir()) == []


def test_refusals_name_the_thing_and_are_of_the_class_asked_for(tmp_path, monkeypatch):
    with pytest.raises(BankError, match=f"Bank {tmp_path} exists"):
        check_new(tmp_path, "Bank", BankError)
    with pytest.raises(RunError, match="Export"), building_new(tmp_path, "Export", RunError):
        raise AssertionError("the body must not run")
    # Root may write anywhere but on a read-only file system, so the answer of the system is put on.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(RunError, match=f"{tmp_path} is read-only"):
        check_new(tmp_path / "export", "Export", RunError)
