"""Who has which lesions: the phantom's patients, drawn before any image is."""

from collections.abc import Mapping

import numpy as np

from lesion_jax.errors import ConfigError
from lesion_jax.sources.phantom.lesions import CLASS_NAMES

# Paper, section on the data.
PAPER_COUNTS: Mapping[str, int] = {"cyst": 53, "metastasis": 64, "hemangioma": 65}
MAX_PER_PATIENT = 5
# Metastases come in numbers, hemangiomas mostly alone. The paper does not say.
MEAN_PER_PATIENT = {"cyst": 1.9, "metastasis": 2.6, "hemangioma": 1.7}
# Three folds and an inner split need this many patients of each class, however few the lesions.
MIN_PATIENTS = 4
# Share of a class's patients beyond MIN_PATIENTS who join a patient of another class
# (the metastasis patient with a harmless cyst).
MIXED_SHARE = 0.08


def draw_cohort(draw: np.random.Generator, num_lesions: Mapping[str, int]) -> list[list[str]]:
    """Hands the lesions out to patients.

    Args:
      draw: Everything random comes from here.
      num_lesions: Lesions per class; names among `CLASS_NAMES`.

    Returns:
      Per patient the classes of the patient's 1 to 5 lesions; each class has at least four
      patients where it has four lesions.

    Raises:
      ConfigError: An unknown class, a negative number, or no lesion at all.
    """
    for name, count in num_lesions.items():
        if name not in CLASS_NAMES:
            raise ConfigError(f"num_lesions names {name!r}; the phantom draws {', '.join(CLASS_NAMES)}.")
        if count < 0:
            raise ConfigError(f"num_lesions[{name!r}] is {count}; give 0 or more.")
    if not sum(num_lesions.values()):
        raise ConfigError("num_lesions asks for no lesion; give at least one class a number above 0.")
    patients: list[list[str]] = []
    for name in CLASS_NAMES:
        count = num_lesions.get(name, 0)
        owners = max(min(MIN_PATIENTS, count), round(count / MEAN_PER_PATIENT[name]), -(-count // MAX_PER_PATIENT))
        sizes = [1] * owners
        for _ in range(count - owners):
            # A patient with several lesions is more likely to have one more: long-tailed, as in clinics.
            weights = np.asarray([size if size < MAX_PER_PATIENT else 0 for size in sizes], float)
            sizes[int(draw.choice(owners, p=weights / weights.sum()))] += 1
        for i, size in enumerate(sizes):
            hosts = [p for p in patients if len(p) + size <= MAX_PER_PATIENT and name not in p]
            if i >= MIN_PATIENTS and hosts and draw.random() < MIXED_SHARE:
                hosts[int(draw.integers(len(hosts)))].extend([name] * size)
            else:
                patients.append([name] * size)
    return [patients[i] for i in draw.permutation(len(patients))]
