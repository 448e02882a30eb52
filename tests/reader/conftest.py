"""A dataset of 24 lesions of two classes, a bank of it, and readers who answer as they are told."""

import json

import numpy as np
import pytest

from lesion_jax.core.types import Images, LesionSet
from lesion_jax.data.bank import save_bank
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.folds import make_folds, save_folds, split, train_fingerprint
from lesion_jax.data.lesion_arrays import write_lesion_arrays
from lesion_jax.reader.answers import checksum_of
from lesion_jax.reader.key import Key
from tests.data.conftest import make_lesion

# The first class would end the page's script, were it not escaped.
CLASSES = ("</script>cyst", "metastasis")
WINDOW = (-100.0, 200.0)
SIDE = 12


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """(dataset, bank): synthetic images are flat, which no real one is."""
    folder = tmp_path_factory.mktemp("study")
    lesions = LesionSet.of(
        (make_lesion(f"lesion{i:02}", patient=f"patient{i // 2:02}", label=i // 2 % 2) for i in range(24)),
        CLASSES,
        "HU",
    )
    folds = make_folds(lesions, 3, seed=0)
    (folder / "dataset").mkdir()
    write_lesion_arrays(lesions, folder / "dataset")
    save_folds(folds, folder / "dataset" / "folds.json")
    save_bank(folder / "bank", flat_images([0, 1] * 6), facts(Cohort(lesions, folds)))
    return folder / "dataset", folder / "bank"


def flat_images(labels):
    """Images of one value each, -90 and upwards."""
    values = np.arange(len(labels), dtype=np.int16) * 5 - 90
    return Images(np.broadcast_to(values[:, None, None], (len(labels), SIDE, SIDE)).copy(), np.array(labels, np.int32))


def facts(cohort, **changes):
    """Provenance of a bank of fold 0."""
    parts = split(cohort.lesions, cohort.folds, 0, hold_out_inner=True)
    return {
        "run": "runs/gan",
        "step": 1,
        "checkpoint": "best",
        "fold": 0,
        "partition": "",
        "per_class": [],
        "subset": 0,
        "hold_out_inner": True,
        "class_names": list(cohort.lesions.class_names),
        "seed": 0,
        "image_size": SIDE,
        "unit": "HU",
        "window": list(WINDOW),
        "margin": 0.3,
        "dataset_fingerprint": cohort.lesions.fingerprint,
        "fold_fingerprint": cohort.folds.fingerprint,
        "train_fingerprint": train_fingerprint(parts.train),
    } | changes


def make_key(source, labels, class_names=("cyst", "metastasis", "hemangioma")):
    """A key of images that are black."""
    num = len(source)
    return Key(
        page="ab" * 32,
        class_names=class_names,
        source=np.array(source),
        labels=np.array(labels),
        pixels=np.zeros((num, 8, 8), np.uint8),
        origins=tuple({"lesion": f"lesion{i}"} for i in range(num)),
    )


def record(key, source, labels, *, reader="A", **changes):
    """The content of a file of answers; None is what was not answered."""
    names = ("real", "synthetic")
    answers = [
        {"source": None if s is None else names[s], "label": label, "ms": 1000 * (i + 1), "visits": 1}
        for i, (s, label) in enumerate(zip(source, labels, strict=True))
    ]
    held = {
        "format": "lesion_jax reader answers 1",
        "page": key.page,
        "session": f"session of {reader}",
        "reader": reader,
        "order": list(range(len(key)))[::-1],
        "answers": [{"image": i, **one} for i, one in enumerate(answers)],
    } | changes
    return {**held, "checksum": checksum_of(held)}


def write(path, content):
    """A file of answers, or of a key."""
    path.write_text(json.dumps(content))
    return path
