import pytest

from lesion_jax.config import replace
from lesion_jax.errors import ConfigError
from lesion_jax.paper import stages
from lesion_jax.paper.arms import ARMS
from lesion_jax.paper.config import PaperConfig
from lesion_jax.paper.layout import Trainings
from lesion_jax.paper.plan import make_paper_plan
from lesion_jax.sweep import absent_devices as topology
from lesion_jax.sweep import estimates
from lesion_jax.train.memory import num_steps
from tests.paper.made_up import models, paper_config
from tests.train.tiny import cohort


def test_every_training_of_the_protocol_is_counted_at_its_largest(monkeypatch, tmp_path):
    classifier = replace(models()["classifier"], {"loop.duration": "2 epochs"})
    config = paper_config(seeds=(0, 1), models=models(classifier=classifier))
    monkeypatch.setattr(estimates, "measure_packing", lambda *_: {"seconds_per_step": 0.5})
    tiny = cohort()
    plan = make_paper_plan(config, cohort=tiny)
    trainings = Trainings(config, tmp_path, tmp_path, tiny.lesions.class_names, tiny.folds.num_folds)
    counts = stages.counts(trainings)
    planned = {kind: sum(p.num_trainings for p in plan.programs if p.kind == kind) for kind in counts}
    assert planned == counts == {"classifier": 6 * (3 + 2 * 2), "dcgan": 18, "acgan": 6}

    def steps(named):
        return sum(num_steps(training, tiny) for _, training in named)

    # Two epochs of a classifier are the longer, the more images it has.
    assert plan.programs[0].num_steps == steps(stages.sweep(trainings, ARMS["classic"]).values())
    largest = (120, 120, 120)
    assert plan.programs[-1].num_steps == steps(stages.mixed(trainings, ARMS["acgan"], largest, largest).values())
    assert plan.programs[0].device_hours == plan.programs[0].num_steps * 0.5 / 3600
    assert "the largest is counted" in plan.method and [p.index for p in plan.programs] == list(range(5))


def test_a_stage_with_other_images_is_compiled_anew(monkeypatch):
    compiled = []

    def note(_, config, *, num_images, **__):
        compiled.append((config.kind, num_images))
        return topology.Compiled(
            "TPU v5 lite",
            4,
            1000,
            2**30,
            flops=1e12,
            bytes_moved=0.0,
            needed_flops=1e12,
            num_kernels=None,
            num_collectives=0,
        )

    monkeypatch.setattr(topology, "compile_for", note)
    monkeypatch.setattr(topology, "chip_bytes", lambda _: 2**34)
    config = paper_config(arms=("none", "classic", "acgan"), classic_sizes=(0, 60))
    make_paper_plan(config, topology="v5e:2x2", cohort=cohort())
    classic, _, mixed = compiled
    assert classic[0] == mixed[0] == "classifier" and mixed[1] > classic[1]


def test_without_a_dataset_it_says_how_to_make_one():
    with pytest.raises(ConfigError, match="lesion-jax phantom"):
        make_paper_plan(PaperConfig())
