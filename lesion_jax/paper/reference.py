"""The paper's own printed numbers, to stand beside ours: they are of another, private data set.

Frid-Adar et al. 2018 (arXiv 1803.01229), sections on the data and on the experiments. Percentages are shares here.
"""

from typing import Any

from lesion_jax.metrics import classification
from lesion_jax.metrics.statistics import wilson

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
    "bovw_mi": (0.780, 0.883),
}


def reference_numbers() -> dict[str, Any]:
    """The paper's numbers in the form of our results, with intervals that it does not print.

    Returns:
      {source, note, n, class_names, arms: [{name, accuracy, specificity | None, confusion | None}],
      classic_curve and synthetic_curve: [{size, total, accuracy}]}; accuracy and specificity are
      {value, low, high, n}, where low and high are Wilson's for 182 lesions, derived by us.
    """
    arms = []
    for name, (accuracy, printed) in TOTALS.items():
        low, high = wilson(accuracy * NUM_LESIONS, NUM_LESIONS)
        arm: dict[str, Any] = {
            "name": name,
            "accuracy": {"value": accuracy, "low": low, "high": high, "n": NUM_LESIONS},
            "specificity": None if printed is None else {"value": printed, "n": NUM_LESIONS},
            "confusion": None,
        }
        if name in CONFUSIONS:
            specificity = classification.specificity(CONFUSIONS[name])
            arm |= {
                "accuracy": classification.accuracy(CONFUSIONS[name])["total"],
                "sensitivity": classification.sensitivity(CONFUSIONS[name]),
                "specificity": specificity["total"],
                "specificity_per_class": specificity["per_class"],
                "confusion": [list(row) for row in CONFUSIONS[name]],
            }
        arms.append(arm)
    return {
        "source": "Frid-Adar et al. 2018, arXiv 1803.01229",
        "note": "Another, private data set; one seed, sizes chosen on the test folds; intervals derived by us.",
        "n": NUM_LESIONS,
        "class_names": list(CLASS_NAMES),
        "arms": arms,
        "classic_curve": [{"size": s, "total": s, "accuracy": a} for s, a in CLASSIC_CURVE.items()],
        "synthetic_curve": [
            {"size": s, "total": CHOSEN_CLASSIC + s, "accuracy": a} for s, a in SYNTHETIC_CURVE.items()
        ],
    }
