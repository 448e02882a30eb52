import json
import os
import shutil
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

from lesion_jax.errors import RunError
from lesion_jax.io import run_directory
from lesion_jax.io.run_directory import RunDirectory, identity_of
from lesion_jax.io.run_files import load_config, load_provenance

CONFIG = {"kind": "dcgan", "seed": 0, "data": {"fold": 1, "window": (-160.0, 240.0)}, "loop": {"duration": "70 epochs"}}
PROVENANCE = {"dataset_fingerprint": "abc", "environment": {"argv": ["first"]}}


def open_run(path, config=CONFIG, provenance=PROVENANCE, **options):
    with RunDirectory.open(path, config=config, provenance=provenance, **options) as run:
        return run


def changed(**data):
    return CONFIG | {"data": CONFIG["data"] | data}


def test_a_fresh_run_says_what_made_it(tmp_path):
    run = open_run(tmp_path / "deep" / "run")
    assert load_config(run.path) == json.loads(json.dumps(CONFIG))
    assert load_provenance(str(run.path)) == PROVENANCE | {"identity": run.identity}
    assert sorted(p.name for p in run.path.iterdir()) == ["config.json", "provenance.json"]
    assert not run.is_done


def test_the_same_config_continues_and_is_not_rewritten(tmp_path):
    open_run(tmp_path)
    before = (tmp_path / "config.json").stat().st_mtime_ns
    run = open_run(str(tmp_path))
    assert run.path == tmp_path
    assert (tmp_path / "config.json").stat().st_mtime_ns == before
    assert load_provenance(tmp_path) == PROVENANCE | {"identity": run.identity}


def test_another_config_is_refused_with_a_readable_difference_and_nothing_is_written(tmp_path):
    open_run(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.iterdir()]}
    with pytest.raises(RunError) as caught:
        open_run(tmp_path, changed(fold=2, window=(0.0, 1.0), margin=0.5))
    message = str(caught.value)
    assert str(tmp_path) in message
    assert "data.fold is 1 there and 2 here" in message
    assert "data.window is [-160.0, 240.0] there and [0.0, 1.0] here" in message
    assert "data.margin is absent there and 0.5 here" in message
    assert "seed" not in message
    assert {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.iterdir()]} == before


def test_many_differences_are_counted_not_listed(tmp_path):
    open_run(tmp_path, {f"field{i}": i for i in range(20)})
    with pytest.raises(RunError, match="and 14 more"):
        open_run(tmp_path, {f"field{i}": -1 - i for i in range(20)})


def test_a_field_declared_free_may_change_and_reopens_a_finished_run(tmp_path):
    run = open_run(tmp_path)
    run.mark_done({"steps": 10})
    longer = CONFIG | {"loop": {"duration": "90 epochs"}}
    with pytest.raises(RunError, match="loop.duration"):
        open_run(tmp_path, longer)
    duration = frozenset({"loop.duration"})
    # One that is free and reopens nothing leaves a finished run as it is.
    assert open_run(tmp_path, longer, free=duration).is_done
    assert load_config(tmp_path)["loop"]["duration"] == "70 epochs"
    assert not open_run(tmp_path, longer, free=duration, reopening=duration).is_done
    assert load_config(tmp_path)["loop"]["duration"] == "90 epochs"


def test_a_run_that_lost_its_config_is_no_fresh_start(tmp_path):
    open_run(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "config.json").unlink()
    with pytest.raises(RunError, match="holds files but no config.json"):
        open_run(tmp_path, changed(fold=2))


def test_a_spoilt_done_says_nothing(tmp_path):
    run = open_run(tmp_path)
    run.mark_done({"steps": 10})
    (tmp_path / "DONE").write_text("")
    assert not run.is_done


def test_what_is_free_is_no_part_of_a_runs_identity(tmp_path):
    duration = frozenset({"loop.duration"})
    longer = CONFIG | {"loop": {"duration": "90 epochs"}}
    first, second = (identity_of(config, PROVENANCE, duration) for config in (CONFIG, longer))
    assert first == second != identity_of(changed(fold=2), PROVENANCE, duration)
    assert first != identity_of(CONFIG, PROVENANCE | {"dataset_fingerprint": "xyz"}, duration)
    assert first == identity_of(CONFIG, PROVENANCE | {"environment": {}}, duration)


def test_a_finished_run_can_be_held(tmp_path):
    open_run(tmp_path).mark_done({})
    with RunDirectory.open(tmp_path, config=CONFIG, provenance=PROVENANCE) as run:
        assert run.holder is None
        run.hold()
        run.hold()
        assert run.holder["pid"] == os.getpid()
    assert run.holder is None


def test_other_data_is_refused(tmp_path):
    open_run(tmp_path)
    with pytest.raises(RunError, match='dataset_fingerprint is "abc" there and "xyz" here'):
        open_run(tmp_path, provenance=PROVENANCE | {"dataset_fingerprint": "xyz"})


def test_every_environment_that_worked_on_a_run_is_remembered_once(tmp_path):
    for argv in ("first", "second", "second", "third"):
        open_run(tmp_path, provenance=PROVENANCE | {"environment": {"argv": [argv]}})
    held = load_provenance(tmp_path)
    assert held["environment"] == {"argv": ["first"]}
    assert held["continued"] == [{"argv": ["second"]}, {"argv": ["third"]}]


def test_done_and_failed(tmp_path):
    run = open_run(tmp_path)
    run.mark_failed("Step 3: loss is nan.")
    assert json.loads((tmp_path / "FAILED").read_text())["reason"] == "Step 3: loss is nan."
    run = open_run(tmp_path)
    assert not (tmp_path / "FAILED").exists()
    run.mark_failed("again")
    run.mark_done({"steps": 10, "best_step": None})
    assert json.loads((tmp_path / "DONE").read_text()) == {"steps": 10, "best_step": None}
    assert not (tmp_path / "FAILED").exists()
    before = tmp_path.stat().st_mtime_ns
    assert open_run(tmp_path).is_done
    assert tmp_path.stat().st_mtime_ns == before


def test_a_start_that_was_killed_before_config_json_is_a_fresh_start(tmp_path):
    open_run(tmp_path)
    (tmp_path / "config.json").unlink()
    assert not open_run(tmp_path, changed(fold=0)).is_done
    assert load_config(tmp_path)["data"]["fold"] == 0


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RunError, match="is no run"):
        open_run(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "run").write_text("")
    for path in (tmp_path / "run", tmp_path / "run" / "below"):
        with pytest.raises(RunError, match="cannot be written"):
            open_run(path)


@pytest.mark.parametrize("started", [False, True])
def test_a_read_only_directory_is_refused(started):
    # Not tmp_path: root, who may write anywhere, steps down to a user who could not even see that.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if started:
            open_run(folder)
        names = sorted(path.name for path in folder.iterdir())
        folder.chmod(0o555)
        user = os.geteuid()
        try:
            if user == 0:
                os.seteuid(65534)
            with pytest.raises(RunError, match=r"cannot be written \(Permission denied\)"):
                open_run(folder)
            with pytest.raises(RunError, match=r"cannot be written \(Permission denied\)"):
                open_run(folder / "below")
        finally:
            os.seteuid(user)
            folder.chmod(0o755)
        assert sorted(path.name for path in folder.iterdir()) == names


def test_a_full_disk_is_refused_with_both_sizes_and_nothing_is_written(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 90, 10 * 2**20))
    for path in (tmp_path, tmp_path / "deep" / "run"):
        with pytest.raises(RunError, match=r"takes up to 2048\.0 MiB, but 10\.0 MiB are free; .* another --workdir"):
            open_run(path, min_free_bytes=2 * 2**30)
    assert list(tmp_path.iterdir()) == []
    open_run(tmp_path, min_free_bytes=2**20)


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(RunError, match=r"not the directory of a run: it has no config\.json"):
        load_config(tmp_path)
    (tmp_path / "provenance.json").write_text('{"cut')
    with pytest.raises(RunError, match=r"provenance\.json cannot be read"):
        load_provenance(tmp_path)


def test_a_name_that_is_too_long_is_one_sentence(tmp_path):
    with pytest.raises(RunError, match=r"cannot be written \(File name too long\)"):
        open_run(tmp_path / ("x" * 300))


def test_a_directory_on_the_way_without_permission_is_one_sentence(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(RunError, match=r"cannot be written \(Permission denied\)"):
        open_run(tmp_path / "run")


def test_a_disk_that_fills_meanwhile_is_one_sentence(tmp_path, monkeypatch):
    run = open_run(tmp_path / "run")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_directory, "write_json", full)
    second = PROVENANCE | {"environment": {"argv": ["second"]}}
    for write in (
        lambda: run.mark_done({}),
        lambda: run.mark_failed("reason"),
        lambda: open_run(run.path, provenance=second),
        lambda: open_run(tmp_path / "other"),
    ):
        with pytest.raises(RunError, match=r"cannot be written \(No space left on device\); make room and run again"):
            write()


def test_two_that_start_together_have_one_run(tmp_path, monkeypatch):
    iterdir, opened = Path.iterdir, []

    def meanwhile(path):
        # Another process is quicker, once.
        if path == tmp_path and not opened:
            opened.append(True)
            open_run(tmp_path)
            (tmp_path / "programs").mkdir()
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", meanwhile)
    assert open_run(tmp_path).path == tmp_path and opened
