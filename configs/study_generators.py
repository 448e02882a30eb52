"""Do generators add anything to the best simple baseline, where a class is rare? On the phantom, with its ceiling.

lesion-jax phantom --dataset --out DATASET --num_lesions=cyst=2000,metastasis=2000,hemangioma=2000 \
  --num_test_lesions=cyst=480,metastasis=480,hemangioma=480
lesion-jax study --config configs/study_generators.py --config.dataset=DATASET --workdir runs/generators

Twenty cohorts of fifty, fifty and six lesions, tested on 1,440 lesions of other patients. All arms see classes equally
often, which was worth more than any generator that learns in `configs/study_desk.py:rare`; so here it is the baseline.
They take the recipe that was best on inner patients there: six lesions leave none to choose by. 360 trainings, two
hours on two cores that other work shares.
"""

from lesion_jax.config import to_config_dict
from lesion_jax.study.config import ScenarioConfig, StudyConfig


def get_config():
    """Narrow networks at 32x32; balanced accuracy decides, two points do not matter."""
    config = to_config_dict(StudyConfig())
    config.question = "Do generators add anything to classic augmentation with balanced classes where a class is rare?"
    config.arms = (
        *("classic", "more_classic", "paste", "recombine", "recombine_first", "dcgan"),
        *("inpaint", "inpaint_first", "inpaint_genmix", "oracle"),
    )
    scenario = ScenarioConfig(partition="tag:split=test", per_class=(50, 50, 6), classic_size=1760, synthetic_size=320)
    config.scenarios = {"rare_six": to_config_dict(scenario)}
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
    classifier, dcgan, inpaint = models.classifier, models.dcgan, models.inpaint
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
    return config
