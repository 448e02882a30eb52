"""A protocol whose trainings are made up: what it trains is noted, and what a run says is a function of its name."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from lesion_jax.inference.predict import Predictions
from lesion_jax.paper.config import PaperConfig
from lesion_jax.paper.protocol import Protocol
from tests.train.tiny import cohort, configs

SIZES = {"classic_sizes": (0, 60, 120), "synthetic_sizes": (10, 20)}


def models(**more):
    """Small models of the arms, each on one device."""
    return {
        name: dataclasses.replace(config, num_devices=1, data=_bare(config)) for name, config in configs().items()
    } | more


def _bare(config):
    return dataclasses.replace(config.data, dataset="", classic_size=5000)


def paper_config(**changes):
    return PaperConfig(**{**SIZES, "models": models(), **changes})


def predictions(lesions, share, seed=0, step=7):
    """The first `share` of the lesions, in an order of the seed, are told right, of three classes."""
    labels = np.array([lesion.label for lesion in lesions])
    order = np.random.default_rng(seed).permutation(len(labels))
    said = np.where(order < round(share * len(labels)), labels, (labels + 1) % 3)
    probabilities = np.full((len(labels), 3), 0.2, np.float32)
    probabilities[np.arange(len(labels)), said] = 0.6
    return Predictions(
        lesion_ids=tuple(lesion.lesion_id for lesion in lesions),
        patients=tuple(lesion.patient for lesion in lesions),
        labels=labels,
        probabilities=probabilities,
        features=np.random.default_rng(seed).normal(size=(len(labels), 5)).astype(np.float32),
        steps=(step,),
    )


class MadeUp(Protocol):
    """Notes what is trained, drawn and asked; `share(name, which)` says how much a run gets right."""

    def __init__(self, config, share=lambda name, which: 0.6, content=None):
        self.trained, self.drawn, self.asked = [], [], []
        self._share = share
        super().__init__(
            config,
            Path("/w"),
            Path("/d"),
            content or cohort(),
            train=self._note,
            draw=self._note_bank,
            ask=self._answer,
        )

    def _note(self, stage, named):
        self.trained.append((stage, [name for name, _ in named]))

    def _note_bank(self, run, num, out, *, seed, which):
        self.drawn.append((self._name(run), num, str(out), seed, which))

    def _answer(self, run, lesions, which):
        name = self._name(run)
        self.asked.append((name, which))
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
        return predictions(lesions, self._share(name, which), seed)

    def _name(self, run):
        return str(run.relative_to("/w/runs"))
