"""The paper to the letter, all arms, one seed: sizes chosen on the test folds, networks at full width.

lesion-jax paper --config configs/paper.py --workdir runs/paper --config.dataset=DATASET

Without a dataset it runs on the phantom. Where the paper is silent, the settings' own text names the choice
(`lesion_jax/families`, `lesion_jax/paper/config.py`). Meant for an accelerator; it has not been run to its end yet.
Two CPU cores are too few for it.

lesion-jax study --config configs/paper.py:study --workdir runs/paper_study --config.dataset=DATASET

The paper's question with the same networks by the rules of a study: five partitions of the patients by three seeds, as
many steps in every arm, no choice along the way, and beside the paper's arms more classic augmentation, the placebo.
"""

from lesion_jax.config import ClassifierConfig, PaperConfig, ScenarioConfig, StudyConfig, to_config_dict


def get_config(question="paper"):
    """The defaults are the paper's, but for two things; a study's sizes are those that the paper found best."""
    # Another name is a KeyError, which the command line explains.
    if {"paper": False, "study": True}[question]:
        config = to_config_dict(StudyConfig())
        config.arms = ("none", "classic", "more_classic", "dcgan", "acgan")
        config.scenarios = {
            "all": to_config_dict(ScenarioConfig(classic_size=5000, synthetic_size=1000, doses=(200, 500, 3000)))
        }
        config.partitions, config.seeds = 5, (0, 1, 2)
        config.models.classifier = to_config_dict(ClassifierConfig())
        # 150 epochs of 5,000 images in batches of 64, as long as the paper's best arm without synthetic images.
        config.models.classifier.loop.duration = "23850 steps"
        return config
    config = to_config_dict(PaperConfig())
    config.selection = "test"
    # The paper's best classic size, whatever comes out best here.
    config.gan_classic_size = 5000
    return config
