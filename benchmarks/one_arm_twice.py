"""How often one arm is told from itself: real trainings of it, as if disjoint sets of its seeds were two arms.

    python benchmarks/one_arm_twice.py --predictions runs.npz --out rows.json

The file is what `Runs.save` wrote of an arm with many seeds, such as WORKDIR/predictions/SCENARIO/ARM.npz of a study.
The lesions are always the same, so the draws are not independent; an arm differs from itself by nothing on any lesions.
"""

import dataclasses
from pathlib import Path

import numpy as np
from first_rule import FirstRule
from rows import Row, begin, parser_of, write_rows
from simulated_runs import COVERED, counted, monte_carlo_error, percent

from lesion_jax.metrics.runs import Runs
from lesion_jax.metrics.statistics import compare
from lesion_jax.metrics.verdict import judge

_MARGIN = 0.05


def main() -> None:
    """Compares, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--replicates", type=int, default=400, help="comparisons of each number of seeds")
    parser.add_argument("--predictions", type=Path, required=True, help=".npz of one arm with many seeds")
    flags = begin(parser)
    write_rows(_rows(Runs.load(flags.predictions), flags.replicates), flags)


def _rows(runs: Runs, replicates: int) -> list[Row]:
    groups = np.unique(np.stack([runs.cohort, runs.partition]), axis=1, return_inverse=True)[1].ravel()
    members = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
    most = min(len(member) for member in members) // 2
    if not most:
        raise SystemExit("Each cohort or partition needs two seeds at least, to be compared with each other.")
    random, rows = np.random.default_rng(0), []
    old = FirstRule(np.unique(runs.patients, return_inverse=True)[1])
    cohorts = len(np.unique(runs.cohort))
    size = f"{len(runs.labels)} lesions, " + (f"{cohorts} cohorts, " if cohorts > 1 else "")
    for seeds in sorted({1, 2, 3, 5, 8, most}):
        if seeds > most:
            continue
        covered, gains, before = 0, 0, 0
        for _ in range(replicates):
            drawn = [random.permutation(member)[: 2 * seeds] for member in members]
            sides = [np.concatenate([some[side * seeds : (side + 1) * seeds] for some in drawn]) for side in (0, 1)]
            numbers = np.tile(np.arange(seeds), len(members))
            arm, baseline = (dataclasses.replace(runs.take(side), seed=numbers) for side in sides)
            difference = compare(arm, baseline, "accuracy")
            covered += difference.low <= 0 <= difference.high
            gains += judge(difference, _MARGIN).word == "gain"
            before += old.verdict(arm, baseline) != 0
        rows.append(
            Row(
                measure=f"95 % interval holds 0: {size}{counted(seeds, 'seed')}",
                value=100 * covered / replicates,
                unit=f"% +-{monte_carlo_error(covered / replicates, replicates):.1f}",
                peer=f"gain {percent(gains, replicates)}; before: false verdicts {percent(before, replicates)}",
                ratio=covered / replicates,
                must=COVERED,
            )
        )
    return rows


if __name__ == "__main__":
    main()
