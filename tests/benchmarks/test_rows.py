"""The file that benchmarks write, and how two of them are compared."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from benchmarks import machine

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def rows(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import rows

    return rows


@pytest.fixture
def write(rows, monkeypatch, capsys):
    """Writes some rows as a script would: (exit status, what it printed, what it said)."""

    def write(some, *words):
        monkeypatch.setattr(sys, "argv", ["script.py", *map(str, words)])
        status = 0
        try:
            rows.write_rows(some, rows.begin(rows.parser_of("A script.")))
        except SystemExit as error:
            status = error.code
        return (status, *capsys.readouterr())

    return write


def test_quartiles_are_numpys_and_a_rate_turns_them_round(rows):
    spread = rows.Spread.of([5.0, 1.0, 2.0, 4.0, 8.0])
    # numpy.quantile([1, 2, 4, 5, 8], [0.25, 0.5, 0.75])
    assert (spread.low, spread.median, spread.high, spread.repeats) == (2.0, 4.0, 5.0, 5)
    assert spread.under(20.0) == rows.Spread(5.0, 4.0, 10.0, 5)
    assert rows.Spread.of([3.0]) == rows.Spread(3.0, 3.0, 3.0, 1)


def test_a_missed_ratio_is_marked_and_ends_a_strict_script(rows, write, tmp_path):
    some = [rows.Row(measure="a", value=1.0, unit="s", ratio=0.5, must=1.0), rows.Row(measure="b", value=2.0, unit="s")]
    status, table, _ = write(some, "--out", tmp_path / "a.json")
    assert status == 0 and table.count("MISSED") == 1
    status, _, _ = write(some, "--strict", "--out", tmp_path / "b.json")
    # Written all the same.
    assert status == 1 and [row["missed"] for row in json.loads((tmp_path / "b.json").read_text())["rows"]] == [
        True,
        False,
    ]
    assert write(some[1:], "--strict")[0] == 0


def test_no_file_is_overwritten_unless_that_is_asked_for(rows, write, tmp_path):
    out, some = tmp_path / "a.json", [rows.Row(measure="a", value=1.0, unit="s")]
    out.write_text("mine")
    status, _, said = write(some, "--out", out)
    assert status == 2 and "exists; name another file, or add --overwrite" in said and out.read_text() == "mine"
    assert write(some, "--out", out, "--overwrite")[0] == 0 and json.loads(out.read_text())["rows"]


def test_a_folder_is_emptied_only_if_a_benchmark_has_filled_it(rows, tmp_path, capsys):
    from trials import emptied

    folder, parser = tmp_path / "work", rows.parser_of("A script.")
    for _ in range(2):
        assert list((emptied(parser, folder) / "x").parent.iterdir()) == [folder / ".trials"]
        (folder / "x").touch()
    (tmp_path / "mine").touch()
    with pytest.raises(SystemExit, match="2"):
        emptied(parser, tmp_path)
    assert "holds files that no benchmark has made" in capsys.readouterr().err and (tmp_path / "mine").exists()


def test_a_busy_machine_is_told_of(rows, write, monkeypatch):
    some = [rows.Row(measure="a", value=1.0, unit="s")]
    monkeypatch.setattr(machine.Moment, "others_since", lambda *_: 0.0)
    monkeypatch.setattr(rows.machine.Moment, "others_since", lambda *_: 0.0)
    assert write(some)[2] == ""
    monkeypatch.setattr(rows.machine.Moment, "others_since", lambda *_: 0.42)
    said = write(some)[2]
    assert "others use 42 % of its cores" in said and "Others used 42 % of the cores meanwhile" in said


def test_what_others_use_is_what_is_busy_and_not_ours(monkeypatch):
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 2)
    before, now = machine.Moment(0.0, 100.0, 10.0, 50.0), machine.Moment(0.0, 112.0, 14.0, 60.0)
    # 12 seconds of two cores in 10 seconds, 4 of them ours.
    assert now.others_since(before) == pytest.approx(0.4)


def made(value, quartiles, repeats=9, measure="step"):
    low, high = quartiles
    facts = {"measure": measure, "unit": "ms", "peer": "PyTorch, 3 ms", "repeats": repeats}
    return facts | {"value": value, "low": low, "high": high}


def test_medians_differ_where_their_notches_do_not_overlap(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from compare import compare

    old = [
        made(10.0, (9.0, 11.0)),
        made(10.0, (9.9, 10.1), measure="b"),
        made(1.0, (1.0, 1.0), 1, "c"),
        made(1.0, (1, 1), 2, "d"),
    ]
    new = [made(11.0, (10.0, 12.0)), made(11.0, (10.9, 11.1), measure="b"), made(2.0, (2.0, 2.0), 1, "c")]
    (_, first, second, third, missing), differ = compare(old, new)
    # 1.57 * 2 / sqrt(9) = 1.05: 8.95 to 11.05, and 9.95 to 12.05.
    assert "1.100  0.901 to 1.345  within noise" in first
    assert "DIFFERS" in second and "measured once" in third and missing.split() == ["d", "only", "in", "old"] and differ
    assert not compare(old[:1], new[:1])[1]


def test_two_files_are_compared_and_another_machine_is_told(rows, write, tmp_path, monkeypatch, capsys):
    for name, value in (("old", 10.0), ("new", 20.0)):
        some = [rows.Row(measure="step", value=rows.Spread(value, value - 1, value + 1, 16), unit="ms")]
        write(some, "--out", tmp_path / f"{name}.json")
    changed = json.loads((tmp_path / "new.json").read_text()) | {"hardware": "1 x other"}
    (tmp_path / "new.json").write_text(json.dumps(changed))
    monkeypatch.setattr(sys, "argv", ["compare.py", *(str(tmp_path / f"{name}.json") for name in ("old", "new"))])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(BENCHMARKS / "compare.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert "hardware: " in said and "-> 1 x other" in said and "2.000" in said and "DIFFERS" in said
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--strict"])
    with pytest.raises(SystemExit, match="1"):
        runpy.run_path(str(BENCHMARKS / "compare.py"), run_name="__main__")


class NoTorch:
    """A finder of modules that finds no PyTorch."""

    def find_spec(self, name, *_):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("there is none", name="torch")


SCRIPTS = [path for path in sorted(BENCHMARKS.glob("*.py")) if "main()" in path.read_text()]


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_help_needs_no_pytorch(script, monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoTorch(), *sys.meta_path])
    monkeypatch.setattr(sys, "argv", [script.name, "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(script), run_name="__main__")
    assert "usage: " in capsys.readouterr().out
    if script.name in ("peer_throughput.py", "training_throughput.py"):
        monkeypatch.setattr(sys, "argv", [script.name, *(["--workdir=w"] if "training" in script.name else [])])
        with pytest.raises(SystemExit, match="2"):
            runpy.run_path(str(script), run_name="__main__")
        assert "there is no torch here; pip install -e '.[peer]'" in capsys.readouterr().err
