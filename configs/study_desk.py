"""What a generator could add, and what a DCGAN and simpler means do.

lesion-jax phantom --dataset --out DATASET --num_lesions=cyst=300,metastasis=300,hemangioma=300 \
  --num_test_lesions=cyst=480,metastasis=480,hemangioma=480
lesion-jax study --config configs/study_desk.py --config.dataset=DATASET --workdir runs/study_desk

Twenty cohorts of training patients drawn from 900 lesions, paired over arms, and 1,440 test lesions of other patients:
twenty of each class, and a rare class. Any dataset with a tag `split` will do; without the phantom leave out `oracle`.
`lesion-jax plan` says how long it takes; it has not been run whole.
"""

from lesion_jax.config import ScenarioConfig, StudyConfig, to_config_dict

_TEST = "tag:split=test"


def get_config():
    """Controls, baselines and one GAN on 32x32 images; balanced accuracy decides, two points do not matter."""
    config = to_config_dict(StudyConfig())
    config.arms = (
        *("none", "classic", "more_classic", "oversampling", "intensity", "mixup", "ensemble"),
        *("paste", "paste_first", "recombine", "dcgan", "oracle", "bovw"),
    )
    config.scenarios = {
        "twenty": to_config_dict(
            ScenarioConfig(partition=_TEST, per_class=(20,), classic_size=960, synthetic_size=320)
        ),
        "rare": to_config_dict(
            ScenarioConfig(partition=_TEST, per_class=(50, 50, 10), classic_size=1760, synthetic_size=320)
        ),
    }
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
    models.classifier.width = 8
    models.classifier.learning_rate = 0.015
    models.classifier.learning_rate_schedule = "cosine"
    models.classifier.input_scale = 8.0
    for gan in (models.dcgan, models.acgan):
        gan.width = gan.discriminator_width = 8
        gan.data.batch_size = 8
        gan.learning_rate = 1e-3
        gan.beta1, gan.beta2 = 0.0, 0.99
        gan.ema_decay = 0.98
    return config
