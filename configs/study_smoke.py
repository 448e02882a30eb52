"""All machinery of a study: two scenarios, two cohorts, two seeds, tiny networks; eleven minutes of one AMD EPYC core.

lesion-jax study --config configs/study_smoke.py --config.dataset=DATASET --workdir runs/study_smoke

It can tell nothing: sizes and steps are the smallest that run.
"""

from lesion_jax.config import ScenarioConfig, StudyConfig, to_config_dict


def get_config():
    """Originals, classic, DCGAN and ACGAN on 32x32 images."""
    config = to_config_dict(StudyConfig())
    config.scenarios = {
        name: to_config_dict(scenario)
        for name, scenario in {
            "few": ScenarioConfig(per_class=(8,), classic_size=200, synthetic_size=50, doses=(10,)),
            "all": ScenarioConfig(classic_size=200, synthetic_size=50),
        }.items()
    }
    config.cohorts = 2
    config.tuning.grid.classifier = (("learning_rate", (5e-3, 2e-2)),)
    config.tuning.num_settings = 1
    config.seeds = (0, 1)
    models = config.models
    for model in models.values():
        model.num_devices = 1
        model.data.image_size = 32
        model.data.batch_size = 32
        model.loop.duration = "60 steps"
        model.loop.evaluate_every = model.loop.checkpoint_every = model.loop.pictures_every = "100%"
    models.classifier.width = 8
    for gan in (models.dcgan, models.acgan):
        gan.width = gan.discriminator_width = 4
    return config
