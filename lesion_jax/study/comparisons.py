"""The comparisons of a scenario: each arm with the baseline, and those of generators with whatever needs none."""

from collections.abc import Mapping
from typing import Any

from lesion_jax.metrics.best import over_best
from lesion_jax.metrics.holm import holm
from lesion_jax.metrics.power import Size, smallest_difference
from lesion_jax.metrics.runs import Runs
from lesion_jax.metrics.share import share_of_gain
from lesion_jax.metrics.statistics import Difference, compare
from lesion_jax.metrics.verdict import decide, deciding, describe, judge
from lesion_jax.paper.arms import ARMS
from lesion_jax.study.config import StudyConfig

# More comparisons than this are told by their words, not by a name or a sentence each.
FEW = 3


def with_baseline(config: StudyConfig, runs: Mapping[str, Runs], broken: set[str]) -> list[dict[str, Any]]:
    """Every arm against the baseline of the config, adjusted for each other.

    Args:
      config: Settings of the study.
      runs: Predictions by arm.
      broken: Models whose banks failed: whatever came out is of no use, as images are not what the arm's name says.

    Returns:
      [{"arm", "title", "word", "sentence", "difference", "share" of the ceiling's gain, or None, "smallest_difference":
      what could have been shown}].
    """
    baseline = runs[config.baseline]
    found = {
        arm: compare(some, baseline, config.metric, confidence=config.confidence)
        for arm, some in runs.items()
        if arm != config.baseline
    }
    adjusted, ceiling = holm(found, config.confidence), ceiling_of(config)
    if ceiling and (ceiling == config.baseline or not _surely_gains(adjusted[ceiling], ceiling, config, broken)):
        ceiling = None
    rows = []
    for arm, one in adjusted.items():
        share = None
        if ceiling and arm != ceiling and ARMS[arm].generator not in broken:
            share = share_of_gain(runs[arm], runs[ceiling], baseline, config.metric, confidence=config.confidence)
        failed = ARMS[arm].generator in broken or ARMS[config.baseline].generator in broken
        rows.append(_row(config, arm, one, failed) | {"share": share and share.to_json()})
    return rows


def _surely_gains(difference: Difference, arm: str, config: StudyConfig, broken: set[str]) -> bool:
    """Whether it does, however little: of that gain shares can be told."""
    if {ARMS[arm].generator, ARMS[config.baseline].generator} & broken or "seeds" in difference.missing:
        return False
    return difference.low > 0 if difference.better == "higher" else difference.high < 0


def over_what_needs_none(config: StudyConfig, runs: Mapping[str, Runs], broken: set[str]) -> list[dict[str, Any]]:
    """Every arm with a generator against the best of those that need none, adjusted for each other.

    Returns:
      [{"arm", "title", "word", "best": title of the arm that came out best, "difference"}], of arguments as in
      `with_baseline`; empty where only the config's baseline needs none, with which all are compared already, or no
      arm does.
    """
    # A placebo that failed is none.
    without = {arm: some for arm, some in runs.items() if _needs_none(arm) and ARMS[arm].generator not in broken}
    if without.keys() <= {config.baseline}:
        return []
    found = {
        arm: over_best(some, without, config.metric, confidence=config.confidence)
        for arm, some in runs.items()
        if not _needs_none(arm)
    }
    rows = []
    for arm, one in holm(found, config.confidence).items():
        word = "cannot tell" if ARMS[arm].generator in broken else decide(one, config.margin)
        rows.append(
            {
                "arm": arm,
                "title": ARMS[arm].title,
                "word": word,
                "best": ARMS[one.best].title,
                "difference": deciding(one, word).to_json(),
            }
        )
    return rows


def _needs_none(arm: str) -> bool:
    return ARMS[arm].role == "baseline"


def ceiling_of(config: StudyConfig) -> str | None:
    """The first arm that no generator can exceed, None where there is none."""
    return next((arm for arm in config.arms if ARMS[arm].role == "ceiling"), None)


def _row(config: StudyConfig, name: str, difference: Difference, is_broken: bool) -> dict[str, Any]:
    title = ARMS[name].title
    verdict = judge(difference, config.margin, title)
    word = "cannot tell" if is_broken else verdict.word
    shown, sentence = deciding(difference, word), verdict.sentence
    if is_broken:
        sentence = f"of {title} this cannot tell anything: a generator failed ({describe(shown)})"
    return {
        "arm": name,
        "title": title,
        "word": word,
        "sentence": sentence,
        "difference": shown.to_json(),
        "smallest_difference": smallest_difference(
            difference.components,
            Size(difference.num_patients, difference.num_seeds, difference.num_groups, difference.num_folds),
            confidence=config.confidence,
            num_compared=difference.num_compared,
        ),
    }
