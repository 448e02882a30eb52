"""Ten, twenty and fifty images of each class, tested on a test set of their own: what does each means add?

lesion-jax build --source=npz --input pneumoniamnist.npz --out DATASET
lesion-jax study --config configs/study_few_shot.py --config.dataset=DATASET --workdir runs/few_shot

Ten cohorts of training patients in each scenario, paired over arms. Any dataset with a tag `split` will do, such as
every npz of MedMNIST.
"""

from lesion_jax.config import to_config_dict
from lesion_jax.study.config import ScenarioConfig, StudyConfig


def get_config():
    """Controls, baselines and one GAN on 32x32 images; balanced accuracy decides, two points do not matter."""
    config = to_config_dict(StudyConfig())
    config.arms = ("none", "classic", "more_classic", "oversampling", "intensity", "mixup", "dcgan", "bovw")
    config.scenarios = {
        name: to_config_dict(
            ScenarioConfig(partition="tag:split=test", per_class=(num,), classic_size=32 * num, synthetic_size=16 * num)
        )
        for name, num in (("ten", 10), ("twenty", 20), ("fifty", 50))
    }
    config.cohorts = 10
    config.metric = "balanced_accuracy"
    config.margin = 0.02
    models = config.models
    for model in models.values():
        model.num_devices = 1
        model.data.image_size = 32
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
