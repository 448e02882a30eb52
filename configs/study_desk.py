"""What a generator could add, and what a DCGAN and simpler means do: with fresh patients as the ceiling, or few images.

lesion-jax phantom --dataset --out DATASET --num_lesions=cyst=2000,metastasis=2000,hemangioma=2000 \
  --num_test_lesions=cyst=480,metastasis=480,hemangioma=480
lesion-jax study --config configs/study_desk.py --config.dataset=DATASET --workdir runs/study_desk

Twenty cohorts of training patients drawn from 6,000 lesions, so many that cohorts have few patients in common, paired
over arms, and 1,440 test lesions of other patients: twenty of each class, and a rare class. With `:rare` after the
config's name the rare class alone, without the ensemble: 482 trainings, an hour and a half on two cores that other work
shares.

lesion-jax build --source=npz --input pneumoniamnist.npz --out DATASET
lesion-jax study --config configs/study_desk.py:few_shot --config.dataset=DATASET --workdir runs/few_shot

Ten, twenty and fifty images of each class, ten cohorts, without what needs a phantom or lesions with surroundings.

All arms take one of four recipes, chosen on inner patients of the first two cohorts.

Any dataset with a tag `split` will do, such as every npz of MedMNIST. `lesion-jax plan` says how long it takes.
"""

from lesion_jax.config import to_config_dict
from lesion_jax.study.config import ScenarioConfig, StudyConfig

_TEST = "tag:split=test"
_BASELINES = ("none", "classic", "more_classic", "oversampling", "intensity", "mixup")
_GENERATORS = ("paste", "paste_first", "recombine", "dcgan", "oracle")
_RARE = ScenarioConfig(partition=_TEST, per_class=(50, 50, 10), classic_size=1760, synthetic_size=320)
_ARMS = {
    "ceiling": (*_BASELINES, "ensemble", *_GENERATORS, "bovw"),
    "rare": (*_BASELINES, *_GENERATORS, "bovw"),
    # Classes are balanced: nothing to oversample.
    "few_shot": ("none", "classic", "more_classic", "intensity", "mixup", "dcgan", "bovw"),
}
_SCENARIOS = {
    "ceiling": {
        "twenty": ScenarioConfig(partition=_TEST, per_class=(20,), classic_size=960, synthetic_size=320),
        "rare": _RARE,
    },
    "rare": {"rare": _RARE},
    "few_shot": {
        name: ScenarioConfig(partition=_TEST, per_class=(num,), classic_size=32 * num, synthetic_size=16 * num)
        for name, num in (("ten", 10), ("twenty", 20), ("fifty", 50))
    },
}
_COHORTS = {"ceiling": 20, "rare": 20, "few_shot": 10}


def get_config(question="ceiling"):
    """Controls, baselines and one GAN on 32x32 images; balanced accuracy decides, two points do not matter."""
    config = to_config_dict(StudyConfig())
    config.arms = _ARMS[question]
    config.scenarios = {name: to_config_dict(scenario) for name, scenario in _SCENARIOS[question].items()}
    config.cohorts = _COHORTS[question]
    config.metric = "balanced_accuracy"
    config.margin = 0.02
    config.tuning.grid.classifier = (("learning_rate", (0.005, 0.02)), ("weight_decay", (0.0, 0.005)))
    config.tuning.num_settings = 2
    models = config.models
    for model in models.values():
        model.num_devices = 1
        model.data.image_size = 32
        model.data.margin = 0.15
        model.data.batch_size = 32
        model.loop.duration = "400 steps"
        model.loop.evaluate_every = model.loop.checkpoint_every = model.loop.pictures_every = "100%"
    models.classifier.width = 8
    for gan in (models.dcgan, models.acgan):
        gan.width = gan.discriminator_width = 8
        gan.data.batch_size = 8
        gan.learning_rate = 1e-3
        gan.beta1, gan.beta2 = 0.0, 0.99
        gan.ema_decay = 0.98
    return config
