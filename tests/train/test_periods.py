import dataclasses

import pytest

from lesion_jax.config import LoopConfig
from lesion_jax.data.augment import num_per_lesion
from lesion_jax.data.schedule import Schedule
from lesion_jax.errors import ConfigError
from lesion_jax.families import ClassifierConfig, DcganConfig
from lesion_jax.train.periods import Periods


@pytest.mark.parametrize(
    ("size", "num_synthetic", "steps", "papers"),
    # Paper, section 3: 300 steps without augmentation, 23,850 at 5000 per fold, 37,800 at 5000 + 3000. Whole
    # variants per lesion (82 of 182 lesions, where 5000 would want 82.4) leave ours up to 1.3 % below.
    [(0, 0, 300, 300), (5000, 0, 23_550, 23_850), (5000, 6_000, 37_650, 37_800)],
)
def test_a_classifier_takes_about_the_papers_steps(size, num_synthetic, steps, papers):
    num_real = 121 * (1 + num_per_lesion(size, 3, 182))
    schedule = Schedule(num_real=num_real, num_synthetic=num_synthetic, batch_size=64, synthetic_share=0.0, seed=0)
    found = Periods.of(ClassifierConfig().loop, schedule.steps_per_epoch).total
    assert found == steps and found == pytest.approx(papers, rel=0.013)


def test_a_dcgan_takes_about_the_papers_updates():
    # Paper, section 4: some 3,370 images of a class, about 3,700 updates.
    assert num_per_lesion(5000, 3, 182) == 82
    schedule = Schedule(num_real=3370, num_synthetic=0, batch_size=64, synthetic_share=0.0, seed=0)
    assert Periods.of(DcganConfig().loop, schedule.steps_per_epoch).total == 70 * 53 == 3710


def test_what_is_due_is_due_every_period_and_at_the_end():
    periods = Periods(total=10, log=3, evaluate=0, checkpoint=4, pictures=20)
    assert [n for n in range(1, 11) if periods.due(periods.log, n)] == [3, 6, 9, 10]
    assert not any(periods.due(periods.evaluate, n) for n in range(1, 11))
    assert [n for n in range(1, 11) if periods.due(periods.pictures, n)] == [10]
    for period in (periods.log, periods.evaluate, periods.checkpoint, periods.pictures):
        for first, last in [(1, 10), (3, 3), (4, 5), (7, 9), (10, 10)]:
            assert periods.due_among(period, first, last) == [
                n for n in range(first, last + 1) if periods.due(period, n)
            ]


def test_where_nothing_is_scored_shown_or_saved_the_end_is_the_next_visit():
    assert Periods(total=10, log=3, evaluate=0, checkpoint=0, pictures=0).next_visit(4) == 10


def test_the_field_at_fault_is_named():
    with pytest.raises(ConfigError, match="loop.checkpoint_every"):
        Periods.of(dataclasses.replace(LoopConfig(), checkpoint_every="often"), 10)
