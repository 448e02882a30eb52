"""The paper's baseline without a network: bags of visual words, those that tell most of the class, and an SVM.

Given by the paper, in one sentence: 11x11 patches, 10 principal components, 750 words, a threshold of mutual
information of 35 %. It cites Diamant et al. 2017, "Task-driven dictionary learning based on mutual information for
medical image classification" (IEEE TBME 64), of which we have read the abstract alone. Chosen here:

- Patches lie at every pixel, and keep their brightness: a window of CT values is absolute, and tells a cyst. No patch
  is normalised for its contrast.
- "Threshold 35 %": the 35 % of the words with the highest mutual information are kept.
- The SVM is linear in the square roots of the words' shares (the Hellinger kernel, which suits histograms), one class
  against the rest. On the phantom none of this mattered: normalised contrast or not, all words or a part, shares as
  they are, a Gaussian kernel, C of 1 or 10 gave 69 to 75 % (32x32, 182 lesions).
- Probabilities: softmax of the decision values times one number, the most likely one for lesions of training patients
  by SVMs that have not seen these patients (temperature scaling, Guo et al. 2017). The SVM's class stays the most
  probable.
"""

import dataclasses
from typing import Any, Literal

import numpy as np

from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import compiled, host
from lesion_jax.data.training_images import TrainingImages
from lesion_jax.errors import ConfigError, DataError
from lesion_jax.families.base import Arrays, Family
from lesion_jax.families.visual_words import histograms, learn_words, select_words

# Parts of the training patients that take turns in being held out, where each class has as many.
_NUM_HELD_OUT = 5
# Range of the logarithm of the number that decision values are multiplied by.
_LOG_SCALES = (-3.0, 4.0)


@dataclasses.dataclass(frozen=True)
class BovwConfig(TrainingConfig):
    """Bags of visual words with an SVM. It learns at once: of `loop` it takes nothing."""

    kind: Literal["bovw"] = compiled("bovw", doc="Always 'bovw'.")
    patch_size: int = host(11, low=2, doc="Side of the square patches, pixels.")
    num_components: int = host(10, above=0, doc="Principal components of the patches.")
    num_words: int = host(750, low=2, doc="Words that k-means makes of them.")
    kept_words: float = host(0.35, above=0.0, high=1.0, doc="Share of the words that is kept, the most telling ones.")
    penalty: float = host(10.0, above=0.0, doc="Price C of a margin that is violated; the paper names none.")

    def check(self, prefix: str = "") -> None:
        """Refuses impossible settings with a ConfigError."""
        super().check(prefix)
        if self.data.label:
            raise ConfigError(f"{prefix}data.label is {self.data.label!r}, but a classifier takes all classes.")
        if self.patch_size > self.data.image_size:
            raise ConfigError(
                f"{prefix}patch_size is {self.patch_size}, but {prefix}data.image_size is {self.data.image_size}; "
                "patches lie inside of the image."
            )
        if self.num_components > self.patch_size**2:
            raise ConfigError(
                f"{prefix}num_components is {self.num_components}, but a patch of {prefix}patch_size "
                f"{self.patch_size} has {self.patch_size**2} pixels; ask for at most so many."
            )
        of_batches = {"synthetic_share": 0, "synthetic_until": 1, "synthetic_annealing": "none", "sampling": "natural"}
        for name, without in of_batches.items():
            if (value := getattr(self.data, name)) != without:
                raise ConfigError(
                    f"{prefix}data.{name} is {value!r}, but there are no batches: all images count alike; leave it at "
                    f"{without!r}."
                )


def _fit(config: BovwConfig, images: TrainingImages) -> Arrays:
    pixels, labels = _to_unit(config, images.images.pixels), images.images.labels
    if missing := [name for i, name in enumerate(images.class_names) if i not in labels]:
        raise DataError(f"Fold {config.data.fold} has no training image of {', '.join(missing)}; make other folds.")
    # Late: a process that trains something else need not wait for scikit-learn.
    from threadpoolctl import threadpool_limits

    # k-means adds up by threads, in the order in which they come; one thread gives the same bits each time.
    with threadpool_limits(1):
        arrays = learn_words(
            pixels,
            side=config.patch_size,
            components=config.num_components,
            words=config.num_words,
            seed=config.seed,
        )
        shares = histograms(pixels, arrays, config.patch_size)
        arrays |= _fit_svm(config, shares, labels, len(images.class_names))
        arrays["scale"] = _fit_scale(config, shares, images)
    return arrays


def _fit_svm(config: BovwConfig, shares: np.ndarray, labels: np.ndarray, num_classes: int) -> Arrays:
    """Selects words and learns one SVM per class on them."""
    from sklearn.svm import SVC

    selected = select_words(shares, labels, config.kept_words)
    features = np.sqrt(shares[:, selected])
    svms = [SVC(C=config.penalty, kernel="linear").fit(features, labels == label) for label in range(num_classes)]
    return {
        "selected": selected,
        "weights": np.concatenate([svm.coef_ for svm in svms]).T.astype(np.float32),
        "biases": np.concatenate([svm.intercept_ for svm in svms]).astype(np.float32),
    }


def _decisions(arrays: Arrays, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(decision values float32 [N, C], features float32 [N, S])."""
    features = np.sqrt(shares[:, arrays["selected"]])
    return features @ arrays["weights"] + arrays["biases"], features


def _fit_scale(config: BovwConfig, shares: np.ndarray, images: TrainingImages) -> np.float32:
    """The number that makes probabilities of decision values; 1 where patients are too few to hold any out.

    Original images of held-out patients are asked, which neither words' selection nor SVM has seen, nor an augmented
    copy of them. Synthetic images take part in learning each time.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax
    from sklearn.model_selection import StratifiedGroupKFold

    num, labels = images.num_originals, images.images.labels
    patients = np.array(images.patients)
    num_parts = min(_NUM_HELD_OUT, *(len(set(patients[labels[:num] == label])) for label in np.unique(labels[:num])))
    decisions, truth = [], []
    if num_parts > 1:
        parts = StratifiedGroupKFold(num_parts).split(shares[:num], labels[:num], patients)
        for _, held_out in parts:
            is_held_out = np.zeros(num, bool)
            is_held_out[held_out] = True
            num_real = images.schedule.num_real
            rest = ~np.concatenate([np.tile(is_held_out, num_real // num), np.zeros(len(shares) - num_real, bool)])
            # A patient with lesions of several classes may take the last ones of a class along.
            if len(np.unique(labels[rest])) < len(images.class_names):
                continue
            svm = _fit_svm(config, shares[rest], labels[rest], len(images.class_names))
            decisions.append(_decisions(svm, shares[held_out])[0])
            truth.append(labels[held_out])
    if not decisions:
        return np.float32(1)
    found, known = np.concatenate(decisions), np.concatenate(truth)

    def loss(log_scale: float) -> float:
        return -float(log_softmax(np.exp(log_scale) * found, axis=1)[np.arange(len(known)), known].mean())

    best: Any = minimize_scalar(loss, bounds=_LOG_SCALES, method="bounded")
    return np.float32(np.exp(best.x))


def _classify(
    config: BovwConfig, num_classes: int, arrays: Arrays, pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.special import softmax

    del num_classes
    decisions, features = _decisions(arrays, histograms(_to_unit(config, pixels), arrays, config.patch_size))
    return softmax(arrays["scale"] * decisions, axis=1).astype(np.float32), features


def _to_unit(config: BovwConfig, pixels: np.ndarray) -> np.ndarray:
    low, high = config.data.window
    return np.clip((pixels.astype(np.float32) - low) / (high - low), 0, 1)


BOVW = Family(
    name="bovw",
    title="Bag of visual words",
    stream="bovw",
    config=BovwConfig,
    fit=_fit,
    classify=_classify,
)
