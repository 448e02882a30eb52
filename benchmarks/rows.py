"""What the benchmarks share: flags, interleaved timing, the table, and the file of rows.

A file is {hardware, versions, commit, dirty, date, command, load: {before, after, others}, rows: [...]}; a row has
measure, value (the median), low and high (quartiles), repeats, unit, peer, ratio, must and missed. `compare.py`
compares two of them.
"""

import argparse
import dataclasses
import datetime
import importlib
import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

import machine


@dataclasses.dataclass(frozen=True)
class Spread:
    """Repeated measurements of one quantity.

    Attributes:
      median: Their median.
      low: First quartile.
      high: Third quartile.
      repeats: How many there were.
    """

    median: float
    low: float
    high: float
    repeats: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Median and quartiles; of a single value they are it."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, middle, high = quantiles(values, n=4, method="inclusive")
        return cls(middle, low, high, len(values))

    def times(self, factor: float) -> "Spread":
        """In another unit."""
        return dataclasses.replace(self, median=factor * self.median, low=factor * self.low, high=factor * self.high)

    def under(self, amount: float) -> "Spread":
        """An amount divided by each: seconds become a rate."""
        return dataclasses.replace(self, median=amount / self.median, low=amount / self.high, high=amount / self.low)


@dataclasses.dataclass(kw_only=True)
class Row:
    """One measured quantity.

    Attributes:
      measure: What was measured, with everything that changes it: see `sized`.
      value: In `unit`; a single number was measured once.
      unit: "ms", "s", "images/s", "%", "MiB", or what is counted.
      peer: What it is compared with, measured in the same run; empty where there is nothing.
      ratio: How many times better than the peer; of trials the share that went well; 1 where there is no peer.
      must: The ratio that is asked for; 0 where nothing is.
    """

    measure: str
    value: Spread | float
    unit: str
    peer: str = ""
    ratio: float = 1.0
    must: float = 0.0

    @property
    def spread(self) -> Spread:
        """The value as a spread."""
        return self.value if isinstance(self.value, Spread) else Spread.of([self.value])

    @property
    def missed(self) -> bool:
        """Whether the ratio is below what is asked for."""
        return self.ratio < self.must

    def plain(self) -> dict[str, Any]:
        """As it stands in a file."""
        spread = dataclasses.asdict(self.spread)
        facts = {name: getattr(self, name) for name in ("unit", "peer", "ratio", "must", "missed")}
        return {"measure": self.measure, "value": spread.pop("median"), **spread, **facts}


def sized(what: str, *, device: str, **sizes: Any) -> str:
    """The name of a measure.

    Args:
      what: What is measured.
      device: Devices that compute, such as "1 x cpu", or what it is compiled for.
      **sizes: Whatever changes it, in words: width=16, batch=64, image=64, dtype="float32", packing="vmap".
    """
    words = {"width": "W = {}", "image": "{0} x {0}", "dtype": "{}"}
    texts = [words.get(name, f"{name} {{}}").format(value) for name, value in sizes.items()]
    return ", ".join([what, *texts, device])


def parser_of(doc: str | None) -> argparse.ArgumentParser:
    """A parser with the flags of every benchmark: --out, --overwrite, --strict."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace --out where it exists")
    parser.add_argument(
        "--strict", action="store_true", help="end with status 1 where a ratio that is asked for is missed"
    )
    return parser


def begin(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Reads the flags, refuses to overwrite a file, and warns of a machine that others use."""
    flags = parser.parse_args()
    if flags.out and flags.out.exists() and not flags.overwrite:
        parser.error(f"--out {flags.out} exists; name another file, or add --overwrite")
    if (others := machine.others_now()) > machine.BUSY:
        print(
            f"The machine is busy: others use {100 * others:.0f} % of its cores. Times will be too long.",
            file=sys.stderr,
        )
    # Now: what is measured has been read from the disk, whatever is there at the end.
    flags.code, flags.begun = machine.code(), machine.Moment.now()
    return flags


def need_pytorch(parser: argparse.ArgumentParser) -> None:
    """Ends the script with what to install where PyTorch cannot be imported."""
    try:
        importlib.import_module("torch")
    except ModuleNotFoundError as error:
        parser.error(f"there is no {error.name} here; pip install -e '.[peer]'")


def interleaved_seconds(
    functions: Mapping[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, Spread]:
    """Time of each function, called in turn so that a busy machine disturbs all alike.

    Args:
      functions: Name -> a call that returns when its work is done. Each is called once more, before timing.
      repeats: Timed calls of each.
      clock: Seconds; of the wall, or such as `time.process_time`, which other work does not lengthen.

    Returns:
      Name -> seconds.
    """
    taken: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            start = clock()
            function()
            taken[name].append(clock() - start)
    return {name: Spread.of(values) for name, values in taken.items()}


class Rows(list[Row]):
    """Rows that are printed and saved as they come, so that whatever happens later takes none of them away."""

    def __init__(self, flags: argparse.Namespace):
        """Starts empty; the flags are those of `begin`."""
        super().__init__()
        self._flags = flags

    def add(self, row: Row) -> None:
        """Prints a row and saves all of them."""
        self.append(row)
        print(_line(row, len(row.measure)), flush=True)
        _save(self, self._flags, machine.Moment.now())


def write_rows(rows: Sequence[Row], flags: argparse.Namespace) -> None:
    """Prints the rows as a table, writes them where --out says, whole or not at all, and ends as --strict asks.

    Args:
      rows: At least one.
      flags: What `begin` returned.

    Raises:
      SystemExit: With --strict, a ratio is missed.
    """
    _print_table(rows)
    now = machine.Moment.now()
    others = now.others_since(flags.begun)
    if others > machine.BUSY:
        print(f"Others used {100 * others:.0f} % of the cores meanwhile: compare ratios only.", file=sys.stderr)
    _save(rows, flags, now)
    if flags.strict and any(row.missed for row in rows):
        raise SystemExit(1)


def _save(rows: Sequence[Row], flags: argparse.Namespace, now: machine.Moment) -> None:
    if flags.out is None:
        return
    content = {
        "hardware": machine.hardware(),
        "versions": machine.versions(),
        **flags.code,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", *sys.argv]),
        "load": {"before": flags.begun.load, "after": now.load, "others": round(now.others_since(flags.begun), 3)},
        "rows": [row.plain() for row in rows],
    }
    flags.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=flags.out.parent, suffix=".part", delete=False) as file:
        json.dump(content, file, indent=1)
    os.replace(file.name, flags.out)


def _print_table(rows: Sequence[Row]) -> None:
    width = max(len(row.measure) for row in rows)
    print(
        f"{'measure':{width}}  {'median':>12} {'quartiles':>21} {'n':>4} {'unit':8}  {'ratio':>8}  {'must':>12}  peer"
    )
    for row in rows:
        print(_line(row, width))


def _line(row: Row, width: int) -> str:
    spread = row.spread
    between = f"{_number(spread.low)} to {_number(spread.high)}" if spread.repeats > 1 else ""
    must = f"{row.must:.2f}{' MISSED' if row.missed else ''}" if row.must else ""
    return (
        f"{row.measure:{width}}  {_number(spread.median):>12} {between:>21} {spread.repeats:>4} {row.unit:8}  "
        f"{row.ratio:8.2f}  {must:>12}  {row.peer}"
    )


def _number(value: float) -> str:
    return f"{value:,.1f}" if value >= 10 else f"{value:.3g}"
