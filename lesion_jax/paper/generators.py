"""What the generators of the arms draw: audits and scores against test lesions, and samples to look at."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.core.types import Images
from lesion_jax.data.bank import Bank, load_bank
from lesion_jax.data.folds import split
from lesion_jax.data.lesion_images import original_images
from lesion_jax.inference.kept_audit import kept_audit
from lesion_jax.inference.own_lesions import sample_of
from lesion_jax.metrics.images import compare
from lesion_jax.paper.arms import ARMS, BASELINE
from lesion_jax.paper.protocol import Findings, Protocol

# Images per class and source that the report may show.
_NUM_SHOWN = 16
_REAL = "Real"
_FLOOR = "Real lesions of the training folds"


def judge_generators(
    protocol: Protocol, gan_sizes: Sequence[int], *, audit: Callable[..., dict[str, Any]] = kept_audit
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Audits every bank against the original test images of its fold, which no choice has seen; kept in WORKDIR/audits.

    Args:
      protocol: The protocol that ran.
      gan_sizes: Classic size that each fold's generators saw.
      audit: As `kept_audit`.

    Returns:
      (scores, audits), both [] where no arm has a generator. Scores: [{"title", "scores": [{"seed", "fold", and what
      `compare` returns}]}]; the last entry is what real lesions score, those of the training folds against those of the
      test fold: no generator can be expected to do better. Audits: [{"model", "title", "seed", "fold", "num_images",
      "broken": list, "sentence"}].
    """
    trainings = protocol.trainings
    found, rows, known = [], [], {}
    for model in trainings.generators:
        title, scores = trainings.title(model), []
        for seed, fold in trainings.repeats:
            place = trainings.workdir / "audits" / f"seed{seed}" / f"fold{fold}" / f"{model}-on-{gan_sizes[fold]}"
            named = trainings.generator(model, seed, fold, gan_sizes[fold])
            said = audit(place, [trainings.bank(name) for name, _ in named], trainings.dataset, known)
            scores.append({"seed": seed, "fold": fold, **said["metrics"]})
            facts = {"num_images": said["num_bank"], "broken": said["broken"], "sentence": said["sentence"]}
            rows.append({"model": model, "title": title, "seed": seed, "fold": fold, **facts})
        found.append({"title": title, "scores": scores})
    if not found:
        return [], []
    floor = [_real_against_real(protocol, fold) for fold in range(trainings.num_folds)]
    return [*found, {"title": _FLOOR, "scores": floor}], rows


def samples_of(
    protocol: Protocol, findings: Findings, *, load: Callable[[Path], Bank] = load_bank
) -> list[tuple[str, dict[str, np.ndarray]]]:
    """(title, {class: int16 [N, H, H]}) of real images and of each generator's, of fold 0 and the first seed.

    Args:
      protocol: The protocol that ran.
      findings: What it found.
      load: As `load_bank`.
    """
    trainings, names = protocol.trainings, protocol.cohort.lesions.class_names
    data = _data(protocol)
    blocks = [(_REAL, original_images(_parts(protocol, 0).train, data.image_size, data.margin))]
    for model in trainings.generators:
        runs = trainings.generator(model, protocol.config.seeds[0], 0, findings.gan_sizes[0])
        banks = [load(trainings.bank(name)).images for name, _ in runs]
        drawn = Images(np.concatenate([b.pixels for b in banks]), np.concatenate([b.labels for b in banks]))
        blocks.append((trainings.title(model), drawn))
    return [
        (title, {name: some[some.labels == i].pixels[:_NUM_SHOWN] for i, name in enumerate(names)})
        for title, some in blocks
    ]


def window_of(protocol: Protocol) -> tuple[float, float]:
    """Range (low, high) of the pixels that every model sees, in the dataset's unit."""
    low, high = _data(protocol).window or protocol.cohort.lesions.window
    return low, high


def _data(protocol: Protocol) -> Any:
    # What concerns images is alike for all models.
    return protocol.config.models[ARMS[BASELINE].predictor].data


def _parts(protocol: Protocol, fold: int) -> Any:
    held_out = protocol.config.selection == "inner"
    return split(protocol.cohort.lesions, protocol.cohort.partition(), fold, hold_out_inner=held_out)


def _real_against_real(protocol: Protocol, fold: int) -> dict[str, Any]:
    parts, data = _parts(protocol, fold), dataclasses.replace(_data(protocol), window=window_of(protocol))
    return {"fold": fold, **compare(sample_of(parts.train, data), sample_of(parts.test, data))}
