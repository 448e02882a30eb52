"""A study whose networks are made up: what they say is a function of the arm and the setting."""

import dataclasses
import zlib
from pathlib import Path

import numpy as np

from lesion_jax.core.types import LesionSet
from lesion_jax.data.cohort import Cohort
from lesion_jax.study.config import ScenarioConfig, StudyConfig
from lesion_jax.study.layout import Layout
from tests.train.tiny import cohort, configs

FEW = ScenarioConfig(per_class=(8, 8, 4), classic_size=40, synthetic_size=5)
ALL = ScenarioConfig(classic_size=40, synthetic_size=5)
FAR = ScenarioConfig(partition="tag:site=far", classic_size=40, synthetic_size=5)


def models():
    """Small models of the arms, each on one device."""
    return {
        name: dataclasses.replace(
            config, num_devices=1, data=dataclasses.replace(config.data, dataset="", classic_size=5000)
        )
        for name, config in configs().items()
    }


def study_config(**changes):
    values = {"dataset": "tiny", "models": models(), "scenarios": {"all": ALL}, "arms": ("none", "classic", "acgan")}
    return StudyConfig(**{**values, **changes})


def sites():
    """The tiny cohort with a site: the last three patients of ten are far."""
    found = cohort()
    lesions = [
        dataclasses.replace(x, tags={"site": "far" if int(x.patient[-2:]) % 10 > 6 else "near"})
        for x in found.lesions.lesions
    ]
    return Cohort(LesionSet.of(lesions, found.lesions.class_names, "HU"), None)


def layout(workdir=Path("/w"), content=None, **changes):
    return Layout(study_config(**changes), workdir, content or cohort())


def asker(share):
    """Answers for `collect_predictions`: `share(arm)` of the lesions are told right, others by chance of the run."""

    def ask(runs, lesions):
        # What it is, not where: the temporary folder differs from run to run.
        name = str(runs[0]).rpartition("/runs/")[2]
        draw = np.random.default_rng(zlib.crc32(name.encode()))
        labels = np.array([lesion.label for lesion in lesions])
        right = draw.random(len(labels)) < share(runs[0].name.split("-member")[0])
        said = np.where(right, labels, (labels + 1) % 3)
        probabilities = np.full((len(labels), 3), 0.15, np.float32)
        probabilities[np.arange(len(labels)), said] = 0.7
        return probabilities

    return ask
