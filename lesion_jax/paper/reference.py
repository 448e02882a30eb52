"""The paper's own printed numbers, to stand beside ours: they are of another, private data set.

Frid-Adar et al. 2018 (arXiv 1803.01229), sections on the data and on the experiments. Percentages are shares here.
"""

from typing import Any

from lesion_jax.metrics import classification
from lesion_jax.metrics.intervals import wilson

NUM_LESIONS = 182
CLASS_NAMES = ("cyst", "metastasis", "hemangioma")

# Classic images per fold -> accuracy.
CLASSIC_CURVE = {
    0: 0.571,
    500: 0.714,
    1000: 0.748,
    2000: 0.775,
    3000: 0.775,
    5000: 0.786,
    7500: 0.786,
    10000: 0.780,
    15000: 0.780,
}
CHOSEN_CLASSIC = 5000

# DCGAN images of all three classes per fold, added to 5000 classic ones -> accuracy.
SYNTHETIC_CURVE = {0: 0.786, 300: 0.807, 1500: 0.835, 3000: 0.857, 6000: 0.857, 9000: 0.852, 12000: 0.852}

# Rows true.
CONFUSIONS = {
    "classic": ((52, 1, 0), (2, 44, 18), (0, 18, 47)),
    "dcgan": ((53, 0, 0), (2, 52, 10), (1, 13, 51)),
}

# Total sensitivity (which equals accuracy) and specificity; "none" is the first point of the curve.
TOTALS: dict[str, tuple[float, float | None]] = {
    "none": (0.571, None),
    "classic": (0.786, 0.884),
    "dcgan": (0.857, 0.924),
    "acgan": (0.813, 0.900),
    "acgan_discriminator": (0.791, 0.888),
    "bovw": (0.780, 0.883),
}


def reference_numbers() -> dict[str, Any]:
    """The paper's numbers in the form of our results, with intervals that it does not print.

    Returns:
      {source, note, n, class_names, arms: [{name, metrics: {name: score}, confusion or None}], classic_curve and
      synthetic_curve: [{arm, size, total, accuracy}]}. A score is {"total": {value, n, and where it is known low and
      high}, "per_class": list or None}; low and high are Wilson's for 182 lesions, derived by us.
    """
    return {
        "source": "Frid-Adar et al. 2018, arXiv 1803.01229",
        "note": "Another, private data set; one seed, sizes chosen on the test folds; intervals derived by us.",
        "n": NUM_LESIONS,
        "class_names": list(CLASS_NAMES),
        "arms": [_arm(name) for name in TOTALS],
        "classic_curve": [{"arm": "classic", "size": s, "total": s, "accuracy": a} for s, a in CLASSIC_CURVE.items()],
        "synthetic_curve": [
            {"arm": "dcgan", "size": s, "total": CHOSEN_CLASSIC + s, "accuracy": a} for s, a in SYNTHETIC_CURVE.items()
        ],
    }


def _arm(name: str) -> dict[str, Any]:
    if confusion := CONFUSIONS.get(name):
        scores = (classification.accuracy, classification.sensitivity, classification.specificity)
        metrics = {score.__name__: score(confusion) for score in scores}
        return {"name": name, "metrics": metrics, "confusion": [list(row) for row in confusion]}
    accuracy, specificity = TOTALS[name]
    low, high = wilson(accuracy * NUM_LESIONS, NUM_LESIONS)
    total = {"value": accuracy, "low": low, "high": high, "n": NUM_LESIONS}
    metrics = {score: {"total": total, "per_class": None} for score in ("accuracy", "sensitivity")}
    if specificity is not None:
        metrics["specificity"] = {"total": {"value": specificity, "n": NUM_LESIONS}, "per_class": None}
    return {"name": name, "metrics": metrics, "confusion": None}
