from pathlib import Path

import pytest

from lesion_jax.errors import DivergedError
from lesion_jax.paper import stages
from lesion_jax.paper.arms import ARMS
from lesion_jax.paper.layout import Trainings
from lesion_jax.paper.ledger import Ledger
from tests.paper.made_up import paper_config
from tests.train.tiny import cohort


class Trained:
    """Notes the groups that are trained."""

    def __init__(self, fresh=True, failed=()):
        self.groups, self._fresh, self._failed = [], fresh, failed

    def __call__(self, trainings, *_, label, **__):
        self.groups.append((label, [str(run.relative_to("/w/runs")) for _, run in trainings]))
        failed = {run: DivergedError("Step 3.") for _, run in trainings if run.name in self._failed}
        return (len(trainings) if self._fresh else 0), failed


@pytest.fixture(scope="module")
def tiny():
    return cohort()


def ledger(tiny, trained, **changes):
    config = paper_config(**changes)
    trainings = Trainings(config, Path("/w"), Path("/d"), tiny.lesions.class_names, tiny.folds.num_folds)
    return Ledger(trainings.workdir, stages.counts(trainings), tiny, train=trained), trainings


def test_each_training_is_trained_once_and_numbered_among_all(tiny, capsys):
    trained = Trained()
    found, trainings = ledger(tiny, trained, arms=("none", "classic", "acgan"))
    found.train("first", stages.first(trainings))
    assert "[1-9/18] first: 0 s; at least 0 min left" in capsys.readouterr().err
    found.train("again", list(stages.sweep(trainings, ARMS["acgan"]).values()))
    gans = [one for some in stages.generators(trainings, "acgan", (60, 60, 60)).values() for one in some]
    found.train("second", gans)
    # Both kinds have been timed.
    assert "[10-12/18] second: 0 s; about 0 min left" in capsys.readouterr().err
    assert [label for label, _ in trained.groups] == ["[1-9/18] first", "[10-12/18] second"]
    assert len(trained.groups[0][1]) == len(set(trained.groups[0][1])) == 9


def test_trainings_of_different_shapes_are_groups_of_their_own(tiny):
    trained = Trained()
    found, trainings = ledger(tiny, trained)
    gans = [trainings.generator(model, 0, fold, 60)[0] for model in ("dcgan", "acgan") for fold in range(3)]
    found.train("generators", gans)
    assert [len(names) for _, names in trained.groups] == [3, 3]


def test_what_was_finished_is_said_and_not_timed(tiny, capsys):
    found, trainings = ledger(tiny, Trained(fresh=False), arms=("none", "classic"))
    found.train("first", stages.first(trainings))
    assert capsys.readouterr().err.endswith("first: was finished\n")


def test_a_training_that_diverged_is_named(tiny):
    found, trainings = ledger(tiny, Trained(failed=("classic-60",)), arms=("none", "classic"))
    with pytest.raises(DivergedError, match=r"3 of 9 trainings diverged; runs/seed0/fold0/classic-60: Step 3"):
        found.train("first", stages.first(trainings))
