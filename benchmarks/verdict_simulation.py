"""How often the intervals of differences hold the truth, and how often the decision rule is wrong.

    python benchmarks/verdict_simulation.py --out verdict_simulation.json
    python benchmarks/verdict_simulation.py --replicates 50            # a minute

Studies are made up (`simulated_runs.py`) in which arms are the same, or differ by a known amount; each goes through
`compare`, `holm` and `judge` as a real one does; `one_arm_twice.py` does so with real trainings. "Before" is the first
version's rule, each arm judged alone.

Where a truth lies outside 95 % intervals 5 % of the time, R replicates find that to +- 100 sqrt(0.05 * 0.95 / R) points
(one standard error, printed).
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from first_rule import FirstRule
from rows import Row, begin, parser_of, write_rows
from scipy import stats
from simulated_runs import (
    COVERED,
    CROSSED,
    FALSE_GAINS,
    Simulator,
    World,
    counted,
    effect_of,
    monte_carlo_error,
    percent,
    true_difference,
)

from lesion_jax.metrics.components import Components
from lesion_jax.metrics.holm import holm
from lesion_jax.metrics.power import Size, smallest_difference
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.metrics.runs import Runs
from lesion_jax.metrics.statistics import Difference, compare
from lesion_jax.metrics.verdict import judge

MARGIN = 0.05


def main() -> None:
    """Simulates, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--replicates", type=int, default=500, help="studies of each condition")
    flags = begin(parser)
    rows: list[Row] = []
    for title, world, metric, prior_sd in _conditions():
        rows.append(_coverage(title, world, metric, prior_sd, flags.replicates))
        _say(rows[-1])
    for world in (World(num_seeds=1), World(num_seeds=3), World(num_seeds=5)):
        for num_arms in (1, 2, 4):
            rows.append(_family(world, num_arms, flags.replicates))
            _say(rows[-1])
    for num_arms in (1, 4, 9):
        rows.append(_equivalents(CROSSED, num_arms, flags.replicates))
        _say(rows[-1])
    for world in (World(num_seeds=5), World(num_lesions=600, num_seeds=10), CROSSED):
        rows += _effects(world, flags.replicates)
        _say(*rows[-3:])
    write_rows(rows, flags)


def _conditions() -> list[tuple[str, World, str, float | None]]:
    """(title, world, metric, prior SD) of each coverage that is measured; arms are the same but for their taste."""
    found: list[tuple[str, World, str, float | None]] = []

    def add(title: str, world: World, metric: str = "accuracy", prior_sd: float | None = None) -> None:
        found.append((title, world, metric, prior_sd))

    for lesions in (60, 182, 600, 1500):
        for seeds in (1, 2, 3, 5, 10, 24):
            add(f"3 folds, {counted(seeds, 'seed')}", World(num_lesions=lesions, num_seeds=seeds))
    for seeds in (3, 24):
        add(f"3 folds, {seeds} seeds, arms with a taste", World(num_seeds=seeds, taste=0.5))
        halves = World(num_seeds=seeds, shift=0.4, shared_shift=0.4)
        add(f"3 folds, {seeds} seeds, half of a shift shared by the folds", halves)
    for partitions in (3, 5, 24):
        add(f"3 folds, {partitions} partitions with a seed each", World(num_partitions=partitions))
    # Folds of another partition cut across a fold whose networks all err the same way.
    strong = World(num_lesions=1500, num_folds=10, noise=0.3, shift=0.8)
    for partitions in (2, 3):
        add(
            f"10 folds with large shifts, {partitions} partitions",
            dataclasses.replace(strong, num_partitions=partitions),
        )
    add("3 folds, 5 partitions with 2 seeds each", World(num_partitions=5, num_seeds=2, cohort=0.3))
    single = World(num_lesions=624, num_partitions=0, shift=0.3)
    for seeds in (2, 3, 5, 10, 24):
        add(f"a test set, 1 cohort, {seeds} seeds", dataclasses.replace(single, num_seeds=seeds))
    add("a test set, 1 cohort, 1 seed, prior SD", single, prior_sd=_retraining_sd(single))
    for cohorts, seeds in ((3, 1), (5, 2), (10, 1), (20, 1)):
        world = dataclasses.replace(CROSSED, num_cohorts=cohorts, num_seeds=seeds)
        add(f"a test set, {cohorts} cohorts with {counted(seeds, 'seed')}", world)
    for metric in PREDICTION_METRICS:
        if metric not in ("accuracy", "sensitivity"):
            add("3 folds, 5 seeds", World(num_seeds=5), metric)
    return found


def _retraining_sd(world: World) -> float:
    """Standard deviation of the difference of one pair of retrainings on the same very many patients."""
    many = Simulator(dataclasses.replace(world, num_lesions=2000, num_seeds=200))
    ours, theirs = many.study((0.0, 0.0))
    return math.sqrt(compare(ours, theirs, "accuracy").components.seeds or 0.0)


def _coverage(title: str, world: World, metric: str, prior_sd: float | None, replicates: int) -> Row:
    """How often the interval of two arms that are the same holds 0."""
    simulator, covered, gains, losses, before = Simulator(world), 0, 0, 0, 0
    halves: list[float] = []
    replicates = replicates // (1 + world.num_lesions * world.num_seeds * world.num_cohorts // 4000)
    # Larger ones cost more than they tell.
    old = FirstRule(simulator.patients) if metric == "accuracy" and world.num_lesions <= 182 else None
    for _ in range(replicates):
        arm, baseline = simulator.study((0.0, 0.0))
        difference = compare(arm, baseline, metric, prior_sd=prior_sd)
        covered += difference.low <= 0 <= difference.high
        word = judge(difference, MARGIN).word
        gains, losses = gains + (word == "gain"), losses + (word == "loss")
        before += old is not None and old.verdict(arm, baseline) != 0
        halves.append((difference.high - difference.low) / 2)
    share = covered / replicates
    words = f"gain {percent(gains, replicates)}, loss {percent(losses, replicates)}"
    note = f"half-width {_size(float(np.median(halves)), metric)}; {words}"
    if old:
        note += f"; before: false verdicts {percent(before, replicates)}"
    return Row(
        measure=f"95 % interval holds 0: {metric}, {world.num_lesions} lesions, {title}",
        value=100 * share,
        unit=f"% +-{monte_carlo_error(share, replicates):.1f}",
        peer=note,
        ratio=share,
        must=COVERED,
    )


def _adjusted(arms: Sequence[Runs], baseline: Runs) -> list[Difference]:
    """Each arm against the baseline, as a study adjusts them for each other."""
    return [*holm({str(index): compare(arm, baseline, "accuracy") for index, arm in enumerate(arms)}).values()]


def _family(world: World, num_arms: int, replicates: int) -> Row:
    """How often any of several arms that are the baseline is called a gain."""
    simulator, gains, false, before, covered = Simulator(world), 0, 0, 0, 0
    old = FirstRule(simulator.patients)
    for _ in range(replicates):
        *arms, baseline = simulator.study((0.0,) * (num_arms + 1))
        found = _adjusted(arms, baseline)
        words = [judge(one, MARGIN).word for one in found]
        gains, false = gains + ("gain" in words), false + bool({"gain", "loss"} & set(words))
        covered += all(one.low <= 0 <= one.high for one in found)
        before += any(old.verdict(arm, baseline) for arm in arms)
    share = gains / replicates
    return Row(
        measure=f"{counted(num_arms, 'arm')}, a gain where there is none: 182 lesions, 3 folds, "
        f"{counted(world.num_seeds, 'seed')}",
        value=100 * share,
        unit=f"% +-{monte_carlo_error(share, replicates):.1f}",
        peer=f"gain or loss {percent(false, replicates)}, all intervals hold 0 {percent(covered, replicates)}; "
        f"before: false verdicts {percent(before, replicates)}",
        ratio=1 - share,
        must=1 - FALSE_GAINS,
    )


def _equivalents(world: World, num_arms: int, replicates: int) -> Row:
    """How often any of several arms that differ by the margin is said to make no difference."""
    effect = effect_of(world, MARGIN)
    margin = true_difference(world, effect, "accuracy")
    simulator, wrong, alone = Simulator(world), 0, 0
    for _ in range(replicates):
        *arms, baseline = simulator.study((*(effect,) * num_arms, 0.0))
        found = _adjusted(arms, baseline)
        wrong += any(judge(one, margin).word == "no difference" for one in found)
        alone += any(-margin < one.low and one.high < margin for one in found)
    share = wrong / replicates
    return Row(
        measure=f'{counted(num_arms, "arm")} differing by the margin, "no difference" of any: '
        f"{world.num_lesions} lesions, {world.num_cohorts} cohorts",
        value=100 * share,
        unit=f"% +-{monte_carlo_error(share, replicates):.1f}",
        peer=f"by the interval that Holm leaves: {percent(alone, replicates)}",
        ratio=1 - share,
        must=1 - FALSE_GAINS - 2 * math.sqrt(FALSE_GAINS / replicates),
    )


def _effects(world: World, replicates: int) -> list[Row]:
    """Coverage of a true difference of the margin, power against what was promised, and false "no difference"."""
    effect = effect_of(world, MARGIN)
    truth = true_difference(world, effect, "accuracy")
    simulator, found = Simulator(world), []
    for _ in range(replicates):
        arm, baseline = simulator.study((effect, 0.0))
        found.append(compare(arm, baseline, "accuracy"))
    covered = sum(one.low <= truth <= one.high for one in found)
    shown = sum(one.low > 0 for one in found)
    words = [judge(one, MARGIN).word for one in found]
    promised = _promised(found, truth)
    none, power = words.count("no difference") / replicates, shown / replicates
    groups = f"{world.num_cohorts} cohorts, a test set" if world.num_cohorts > 1 else "3 folds"
    where = f"{world.num_lesions} lesions, {groups}, {counted(world.num_seeds, 'seed')}"
    shares = ", ".join(f"{word} {percent(words.count(word), replicates)}" for word in dict.fromkeys(words))
    return [
        Row(
            measure=f"95 % interval holds a true {100 * truth:.1f} points: {where}",
            value=100 * covered / replicates,
            unit=f"% +-{monte_carlo_error(covered / replicates, replicates):.1f}",
            peer="",
            ratio=covered / replicates,
            must=COVERED,
        ),
        Row(
            measure=f"the interval shows them: {where}",
            value=100 * power,
            unit=f"% +-{monte_carlo_error(power, replicates):.1f}",
            peer=f"promised {100 * promised:.0f} %; {shares}",
            ratio=power / promised,
            must=0.0,
        ),
        Row(
            measure=f'"no difference" within {100 * MARGIN:.0f} points, wrongly: {where}',
            value=100 * none,
            unit=f"% +-{monte_carlo_error(none, replicates):.1f}",
            peer="",
            ratio=1 - none,
            must=1 - FALSE_GAINS,
        ),
    ]


def _promised(found: Sequence[Difference], truth: float) -> float:
    """Power that `smallest_difference` promises for the mean variances of all studies."""
    names, one = [field.name for field in dataclasses.fields(Components)], found[0]
    means = {name: np.mean([getattr(each.components, name) or 0.0 for each in found]) for name in names}
    mean = Components(**{name: float(value) for name, value in means.items()})
    size = Size(one.num_patients, one.num_seeds, one.num_groups, one.num_folds)
    half, at_80 = (smallest_difference(mean, size, power=power) for power in (0.5, 0.8))
    return float(stats.norm.cdf((truth - half) / (at_80 - half) * stats.norm.ppf(0.8)))


def _size(value: float, metric: str) -> str:
    return f"{100 * value:.1f} points" if PREDICTION_METRICS[metric].unit == "%" else f"{value:.3f}"


def _say(*rows: Row) -> None:
    """Progress: the table comes at the end."""
    for row in rows:
        print(f"{row.spread.median:6.1f} {row.unit:8} {row.measure}; {row.peer}", flush=True)


if __name__ == "__main__":
    main()
