"""Compares two files of rows: which measures differ by more than noise, and by how much.

    python benchmarks/compare.py old.json new.json
    python benchmarks/compare.py old.json new.json --strict

A ratio is the new median over the old one, with the interval that the two notches allow: median +- 1.57 (third minus
first quartile) / sqrt(repeats), McGill, Tukey and Larsen 1978, "Variations of Box Plots". Where notches do not overlap,
medians differ, at about 95 %. What was measured once has no spread, and is not judged. Another machine, other versions
or other work beside it are told: then only ratios within a file can be compared.
"""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

# Of quartiles' distance; McGill, Tukey and Larsen 1978, section 7.
_NOTCH = 1.57


def main() -> None:
    """Prints; exit status 1 with --strict where a measure differs by more than noise, or one is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--strict", action="store_true", help="end with status 1 where something differs or is missing")
    flags = parser.parse_args()
    old, new = (_read(parser, path) for path in (flags.old, flags.new))
    for text in differing_surroundings(old, new):
        print(text)
    lines, differ = compare(old["rows"], new["rows"])
    print(*lines, sep="\n")
    sys.exit(1 if flags.strict and differ else 0)


def differing_surroundings(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What else differs between two files than their code, a line each."""
    lines = [f"commit: {_code(old)} -> {_code(new)}"]
    lines += [f"{name}: {old[name]} -> {new[name]}" for name in ("hardware", "versions") if old[name] != new[name]]
    for name, content in (("old", old), ("new", new)):
        if content["load"]["others"] > 0.1:
            lines.append(f"{name}: others used {100 * content['load']['others']:.0f} % of the cores meanwhile")
    return lines


def compare(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> tuple[list[str], bool]:
    """The table of rows that both have, by measure, then of those that one has; and whether anything differs."""
    before = {(row["measure"], row["unit"], row["peer"].partition(",")[0]): row for row in old}
    after = {(row["measure"], row["unit"], row["peer"].partition(",")[0]): row for row in new}
    names = [key for key in before if key in after]
    width = max([len("measure"), *(len(measure) for measure, *_ in {*before, *after})])
    lines = [f"{'measure':{width}}  {'old':>12} {'new':>12} {'unit':8} {'new/old':>8}  {'interval':>14}  verdict"]
    differ = False
    for key in names:
        one, other = before[key], after[key]
        ratio, interval, verdict = _judge(one, other)
        differ |= verdict == "DIFFERS"
        lines.append(
            f"{key[0]:{width}}  {one['value']:>12.4g} {other['value']:>12.4g} {key[1]:8} {ratio:>8.3f}  "
            f"{interval:>14}  {verdict}"
        )
    for which, some, others in (("old", before, after), ("new", after, before)):
        for key in some:
            if key not in others:
                differ = True
                lines.append(f"{key[0]:{width}}  only in {which}")
    return lines, differ


def _judge(old: dict[str, Any], new: dict[str, Any]) -> tuple[float, str, str]:
    ratio = new["value"] / old["value"] if old["value"] else math.nan if new["value"] == 0 else math.inf
    if min(old["repeats"], new["repeats"]) < 2:
        return ratio, "", "same" if old["value"] == new["value"] else "measured once"
    (old_low, old_high), (new_low, new_high) = _notch(old), _notch(new)
    interval = f"{new_low / old_high:.3f} to {new_high / old_low:.3f}" if old_low > 0 else ""
    return ratio, interval, "within noise" if new_low <= old_high and old_low <= new_high else "DIFFERS"


def _notch(row: dict[str, Any]) -> tuple[float, float]:
    half = _NOTCH * (row["high"] - row["low"]) / math.sqrt(row["repeats"])
    return row["value"] - half, row["value"] + half


def _code(content: dict[str, Any]) -> str:
    return f"{(content['commit'] or 'unknown')[:12]}{' with changes' if content['dirty'] else ''} ({content['date']})"


def _read(parser: argparse.ArgumentParser, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
        _ = [row["repeats"] for row in content["rows"]], content["load"]["others"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        parser.error(f"{path} is not a file of rows with their spread ({error!r}); measure again")
    return content


if __name__ == "__main__":
    main()
