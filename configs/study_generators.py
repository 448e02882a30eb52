"""Do generators add anything to the best simple baseline, where a class is rare, or confounded with a scanner?

lesion-jax phantom --dataset --out DATASET --num_lesions=cyst=2000,metastasis=2000,hemangioma=2000 \
  --num_test_lesions=cyst=480,metastasis=480,hemangioma=480
lesion-jax study --config configs/study_generators.py --config.dataset=DATASET --workdir runs/generators

Twenty cohorts of fifty, fifty and six lesions, tested on 1,440 lesions of other patients. All arms see classes equally
often, which was worth more than any generator that learns in `configs/study_desk.py:rare`; so here it is the baseline.
They take the recipe that was best on inner patients there: six lesions leave none to choose by. 360 trainings, two
hours on two cores that other work shares.

lesion-jax phantom --dataset --out CONFOUNDED --num_lesions=cyst=2000,metastasis=2000,hemangioma=2000 \
  --num_test_lesions=cyst=480,metastasis=480,hemangioma=480 --test_offset_hu=15 --test_dose=0.5 \
  --test_scanner_shares=cyst=0.05,metastasis=0.05,hemangioma=0.95
lesion-jax study --config configs/study_generators.py:confounded --config.dataset=CONFOUNDED --workdir runs/confounded

Twenty of each class, nearly all hemangiomas from another scanner than the others, and tests of either scanner's images.
A generator that puts a lesion into another patient's tissue shows it as the other scanner would; one that learns how
images look learns the confounding too. The oracle's fresh lesions are free of it. Not run yet: 400 trainings, two and a
half hours of two cores by `plan`, most of them the relativistic GAN's.
"""

from lesion_jax.config import to_config_dict
from lesion_jax.study.config import ScenarioConfig, StudyConfig

_TEST = "tag:split=test"
_QUESTIONS = {
    "rare": "Do generators add anything to classic augmentation with balanced classes where a class is rare?",
    "confounded": "Do generators add anything to classic augmentation where a class is confounded with a scanner?",
}
_ARMS = {
    "rare": (
        *("classic", "more_classic", "paste", "recombine", "recombine_first", "dcgan"),
        *("inpaint", "inpaint_first", "inpaint_genmix", "oracle"),
    ),
    # Augmentation by offsets in HU is what helps against another scanner without a generator.
    "confounded": (
        *("classic", "more_classic", "intensity", "paste", "recombine", "recombine_first", "dcgan", "rpgan"),
        *("inpaint", "inpaint_first", "oracle"),
    ),
}
_SCENARIOS = {
    "rare": {
        "rare_six": ScenarioConfig(partition=_TEST, per_class=(50, 50, 6), classic_size=1760, synthetic_size=320),
    },
    "confounded": {
        "confounded": ScenarioConfig(partition=_TEST, per_class=(20,), classic_size=960, synthetic_size=320),
    },
}


def get_config(question="rare"):
    """Narrow networks at 32x32; balanced accuracy decides, two points do not matter."""
    config = to_config_dict(StudyConfig())
    config.question = _QUESTIONS[question]
    config.arms = _ARMS[question]
    config.scenarios = {name: to_config_dict(scenario) for name, scenario in _SCENARIOS[question].items()}
    config.cohorts = 20
    config.metric = "balanced_accuracy"
    config.margin = 0.02
    models = config.models
    for model in models.values():
        model.num_devices = 1
        model.data.image_size = 32
        model.data.margin = 0.15
        model.data.batch_size = 32
        model.loop.duration = "400 steps"
        model.loop.evaluate_every = model.loop.checkpoint_every = model.loop.pictures_every = "100%"
    classifier, dcgan, inpaint, rpgan = models.classifier, models.dcgan, models.inpaint, models.rpgan
    classifier.width = 8
    classifier.data.sampling = "balanced"
    classifier.learning_rate = 0.02
    dcgan.width = dcgan.discriminator_width = 8
    dcgan.data.batch_size = 8
    dcgan.learning_rate = 1e-3
    dcgan.beta1, dcgan.beta2 = 0.0, 0.99
    dcgan.ema_decay = 0.98
    # As configs/inpaint.py:desk, half as long and half as fine.
    inpaint.width, inpaint.num_blocks, inpaint.dropout = 8, 1, 0.0
    inpaint.learning_rate = 2e-3
    inpaint.data.batch_size = 16
    inpaint.sampling_steps = 10
    inpaint.loop.duration = "1000 steps"
    # As configs/rpgan.py:desk.
    rpgan.width = rpgan.discriminator_width = 8
    rpgan.num_blocks = 1
    rpgan.learning_rate, rpgan.final_learning_rate = 5e-4, 1e-4
    rpgan.gamma, rpgan.final_gamma = 4.0, 0.4
    rpgan.data.batch_size = 16
    rpgan.loop.duration = "3000 steps"
    rpgan.loop.checkpoint_every = "10%"
    return config
