"""Training and test patients of the phantom as one dataset: of one scanner or two, and a class confounded with one."""

import dataclasses
from collections.abc import Callable, Mapping

from lesion_jax.core.types import LesionSet
from lesion_jax.errors import ConfigError
from lesion_jax.sources.phantom.lesions import CLASS_NAMES
from lesion_jax.sources.phantom.options import Phantom, Scanner
from lesion_jax.sources.phantom.rois import render_lesions

# Far from each other and from the seeds of cohorts, so that no test patient is another dataset's training patient.
_SEEDS = 1_000_000


@dataclasses.dataclass(frozen=True)
class _Part:
    """Patients of one split and one scanner; `number` keeps their seeds from the other parts'."""

    split: str
    scanner: str
    number: int
    num_lesions: Mapping[str, int]


def render_sets(
    *,
    seed: int,
    num_lesions: Mapping[str, int],
    num_test_lesions: Mapping[str, int],
    phantom: Phantom,
    test_scanner: Scanner,
    test_scanner_shares: Mapping[str, float],
    progress: Callable[[str], Callable[[int, int], None]] | None = None,
) -> LesionSet:
    """Draws training patients and others to test on, told apart by the tag `split`.

    Args:
      seed: Seed of everything that is drawn.
      num_lesions: Training lesions per class.
      num_test_lesions: Test lesions per class.
      phantom: What the training patients are drawn with.
      test_scanner: What takes the images of the test patients.
      test_scanner_shares: Share in [0, 1] of each class's training lesions that `test_scanner` takes too. Where it is
        not empty, each of the two scanners takes half of the test lesions, and a tag `scanner` says which one took an
        image: "first" or "second".
      progress: Gives, for what is drawn, what is called as (done, total), counted in patients.

    Returns:
      The lesions in HU. The record is of the training patients, and says what the test set is.

    Raises:
      ConfigError: An unknown class, a share out of range, or no lesion at all.
    """
    scanners = {"first": phantom.scanner, "second": test_scanner}
    record = phantom.record(
        seed=seed,
        num_lesions=dict(num_lesions),
        num_test_lesions=dict(num_test_lesions),
        test_scanner=dataclasses.asdict(test_scanner),
    )
    if test_scanner_shares:
        record["test_scanner_shares"] = dict(test_scanner_shares)
        parts = _confounded(num_lesions, num_test_lesions, test_scanner_shares)
    else:
        parts = [_Part("train", "first", 0, num_lesions), _Part("test", "second", 1, num_test_lesions)]
    lesions = []
    for part in parts:
        drawn = render_lesions(
            seed=seed + part.number * _SEEDS,
            num_lesions=part.num_lesions,
            phantom=dataclasses.replace(phantom, scanner=scanners[part.scanner]),
            progress=progress(f"phantom, {part.split} patients") if progress else None,
        )
        tags = {"split": part.split} | ({"scanner": part.scanner} if test_scanner_shares else {})
        lesions += [dataclasses.replace(lesion, tags=tags) for lesion in drawn.lesions]
    return LesionSet.of(lesions, CLASS_NAMES, "HU", phantom=record)


def _confounded(train: Mapping[str, int], test: Mapping[str, int], shares: Mapping[str, float]) -> list[_Part]:
    """The parts that are not empty."""
    if shares.keys() != train.keys():
        raise ConfigError(f"test_scanner_shares names {', '.join(shares)}; give one for each of {', '.join(train)}.")
    if wrong := [f"{name}={share}" for name, share in shares.items() if not 0 <= share <= 1]:
        raise ConfigError(f"test_scanner_shares has {wrong[0]}; shares lie from 0 to 1.")
    second = {name: round(shares[name] * num) for name, num in train.items()}
    parts = (
        _Part("train", "first", 0, {name: num - second[name] for name, num in train.items()}),
        _Part("train", "second", 2, second),
        _Part("test", "first", 3, {name: (num + 1) // 2 for name, num in test.items()}),
        _Part("test", "second", 1, {name: num // 2 for name, num in test.items()}),
    )
    return [part for part in parts if any(part.num_lesions.values())]
