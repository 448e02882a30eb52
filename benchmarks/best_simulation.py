"""How often an interval against the best of several baselines, or of a share of the ceiling's gain, holds the truth.

    python benchmarks/best_simulation.py --out best_simulation.json

Studies are made up (`simulated_runs.py`) as in `verdict_simulation.py`: twenty cohorts and a test set of 1,400 lesions,
or 182 lesions in three folds with five seeds. "By the one that came out best" is what a reader would do without
`over_best`: an ordinary interval against the baseline with the highest score in that study.
"""

import math
from collections.abc import Sequence

from rows import Row, begin, parser_of, write_rows
from simulated_runs import (
    COVERED,
    CROSSED,
    FALSE_GAINS,
    Simulator,
    World,
    effect_of,
    monte_carlo_error,
    percent,
    true_difference,
)

from lesion_jax.metrics.best import over_best
from lesion_jax.metrics.share import share_of_gain
from lesion_jax.metrics.statistics import compare

_WORLDS = {
    "20 cohorts, 1400 lesions": CROSSED,
    "3 folds, 182 lesions, 5 seeds": World(num_seeds=5),
}
# Points of accuracy by which each of four baselines lies below the best of them.
_BASELINES = {"four alike": (0.0, 0.0, 0.0, 0.0), "one 3 points above three": (0.0, 0.03, 0.03, 0.03)}
_GAINS = (0.0, 0.04)


def main() -> None:
    """Simulates, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--replicates", type=int, default=300, help="studies of each condition")
    flags = begin(parser)
    rows: list[Row] = []
    for where, world in _WORLDS.items():
        for which, below in _BASELINES.items():
            for gain in _GAINS:
                rows.append(_best(f"{where}, {which}", world, below, gain, flags.replicates))
                print(rows[-1].measure, rows[-1].value, rows[-1].peer, flush=True)
        for share in (0.0, 0.5):
            rows.append(_share(where, world, share, flags.replicates))
            print(rows[-1].measure, rows[-1].value, rows[-1].peer, flush=True)
    write_rows(rows, flags)


def _effect(world: World, points: float) -> float:
    """What moves accuracy by that much, as a share, either way."""
    return math.copysign(effect_of(world, abs(points)), points) if points else 0.0


def _best(where: str, world: World, below: Sequence[float], gain: float, replicates: int) -> Row:
    effects = tuple(_effect(world, -one) for one in below)
    effect = _effect(world, gain)
    truth = true_difference(world, effect, "accuracy") if gain else 0.0
    simulator, covered, above, under, naive, shown = Simulator(world), 0, 0, 0, 0, 0
    for _ in range(replicates):
        arm, *others = simulator.study((effect, *effects))
        found = over_best(arm, {str(i): runs for i, runs in enumerate(others)}, "accuracy")
        above, under = above + (found.low > truth), under + (found.high < truth)
        covered += found.low <= truth <= found.high
        shown += found.low > 0
        alone = compare(arm, others[int(found.best)], "accuracy")
        naive += not alone.low <= truth <= alone.high
    held = covered / replicates
    return Row(
        measure=f"95 % interval over the best holds {100 * truth:.1f} points: {where}",
        value=100 * held,
        unit=f"% +-{monte_carlo_error(held, replicates):.1f}",
        peer=f"above {percent(above, replicates)}, below {percent(under, replicates)}; a gain is shown in "
        f"{percent(shown, replicates)}; by the one that came out best: misses {percent(naive, replicates)}",
        ratio=1 - above / replicates,
        # Two standard errors of a rate that is just what is allowed.
        must=1 - FALSE_GAINS - 2 * math.sqrt(FALSE_GAINS / replicates),
    )


def _share(where: str, world: World, share: float, replicates: int) -> Row:
    ceiling = _effect(world, 0.08)
    arm = _effect(world, 0.08 * share)
    gains = [true_difference(world, effect, "accuracy") if effect else 0.0 for effect in (arm, ceiling)]
    truth = gains[0] / gains[1]
    simulator, covered, defined = Simulator(world), 0, 0
    for _ in range(replicates):
        ours, best, baseline = simulator.study((arm, ceiling, 0.0))
        found = share_of_gain(ours, best, baseline, "accuracy")
        if found is not None:
            defined += 1
            covered += found.low <= truth <= found.high
    held = covered / max(1, defined)
    return Row(
        measure=f"95 % interval holds a share of {100 * truth:.0f} %: {where}",
        value=100 * held,
        unit=f"% +-{monte_carlo_error(held, max(1, defined)):.1f}",
        peer=f"the ceiling's own gain of {100 * gains[1]:.1f} points is shown in {percent(defined, replicates)}",
        ratio=held,
        must=COVERED,
    )


if __name__ == "__main__":
    main()
