"""Made-up predictions whose true differences are known: clustered lesions, correlated retrainings, shifted folds."""

import dataclasses
import math

import numpy as np

from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.metrics.runs import Runs

NUM_CLASSES = 3


@dataclasses.dataclass(frozen=True)
class World:
    """Size of a simulated study, and standard deviations of what its logits are made of.

    The defaults give about what was measured on the phantom with 182 lesions: an accuracy of 74 % that retraining alone
    moves by 2.5 points, a design effect of 1.4, and 10 % of false verdicts where an interval holds patients only.

    Attributes:
      num_lesions: N.
      num_seeds: Retrainings of each cohort or partition.
      num_partitions: Partitions into folds; 0 for an independent test set.
      num_cohorts: Cohorts of training patients, scored on one test set.
      num_folds: Folds of a partition.
      lesions_per_patient: Mean; one plus a Poisson number.
      base: Logit of the true class above the others.
      patient: Of the true class's logit, shared by a patient's lesions.
      lesion: Of each class's logit, shared by all retrainings of all arms.
      noise: Of each class's logit, in one retraining.
      shift: Of each class's logit, shared by the lesions of a fold in one retraining.
      shared_shift: Likewise, shared by all folds of a retraining.
      cohort: Of each class's logit, shared by the retrainings of an arm on one cohort or partition.
      taste: Of the true class's logit, an arm's way with a patient over all retrainings.
    """

    num_lesions: int = 182
    num_seeds: int = 1
    num_partitions: int = 1
    num_cohorts: int = 1
    num_folds: int = 3
    lesions_per_patient: float = 2.1
    base: float = 2.0
    patient: float = 1.2
    lesion: float = 1.0
    noise: float = 0.5
    shift: float = 0.55
    shared_shift: float = 0.0
    cohort: float = 0.0
    taste: float = 0.0


# What simulations must show: of 95 % intervals so many hold the truth, and so often a gain is said where there is none.
COVERED, FALSE_GAINS = 0.93, 0.025
# Cohorts of training patients and a large test set, as a study has them.
CROSSED = World(num_lesions=1400, num_partitions=0, num_cohorts=20, shift=0.3, cohort=0.3, taste=0.3)


class Simulator:
    """Draws studies of one world; lesions, their patients and classes stay, how hard they are is drawn anew.

    Attributes:
      patients: int [N], number of each lesion's patient.
    """

    def __init__(self, world: World, seed: int = 0):
        """Draws the patients and their lesions' classes."""
        self.world, self._random = world, np.random.default_rng(seed)
        # More than enough patients; those beyond the last lesion are left out.
        sizes = 1 + self._random.poisson(world.lesions_per_patient - 1, world.num_lesions)
        self.patients = np.repeat(np.arange(len(sizes)), sizes)[: world.num_lesions]
        self._names = tuple(f"p{one}" for one in self.patients)
        self._labels = self._random.integers(0, NUM_CLASSES, world.num_lesions)

    def study(self, effects: tuple[float, ...]) -> list[Runs]:
        """One study.

        Args:
          effects: For each arm what is added to the true class's logit.

        Returns:
          Predictions of each arm, on the same lesions and folds.
        """
        world, random = self.world, self._random
        num_patients = self.patients[-1] + 1
        groups = max(world.num_cohorts, world.num_partitions)
        group = np.repeat(np.arange(groups), world.num_seeds)
        seed = np.tile(np.arange(world.num_seeds), groups)
        folds = None
        if world.num_partitions:
            folds = np.stack(
                [(random.permutation(num_patients) % world.num_folds)[self.patients] for _ in range(groups)]
            )
        shared = self._own(world.base + world.patient * random.standard_normal(num_patients)[self.patients])
        shared = shared + world.lesion * self._normal(world.num_lesions)
        return [
            Runs(
                _softmax(shared + self._answers(effect, group, folds)),
                self._labels,
                self._names,
                group if world.num_cohorts > 1 else 0 * group,
                group if world.num_partitions > 1 else 0 * group,
                seed,
                folds,
            )
            for effect in effects
        ]

    def _answers(self, effect: float, group: np.ndarray, folds: np.ndarray | None) -> np.ndarray:
        """float32 [U, N, C], what one arm adds to the logits in each retraining."""
        world, retrainings = self.world, len(group)
        taste = world.taste * self._random.standard_normal(self.patients[-1] + 1)[self.patients]
        added = self._own(effect + taste) + world.noise * self._normal(retrainings, world.num_lesions)
        added += world.cohort * self._normal(group.max() + 1)[group][:, None]
        added += world.shared_shift * self._normal(retrainings, 1)
        fold = np.zeros((retrainings, world.num_lesions), int) if folds is None else folds[group]
        shifts = world.shift * self._normal(retrainings, int(fold.max()) + 1)
        return added + shifts[np.arange(retrainings)[:, None], fold]

    def _own(self, values: np.ndarray) -> np.ndarray:
        """[N] -> [N, C]: at the lesion's own class."""
        return np.eye(NUM_CLASSES, dtype=np.float32)[self._labels] * values[:, None].astype(np.float32)

    def _normal(self, *shape: int) -> np.ndarray:
        return self._random.standard_normal((*shape, NUM_CLASSES), dtype=np.float32)


def true_difference(world: World, effect: float, metric: str) -> float:
    """Expected difference of a metric between an arm with an effect and one without, over all that is drawn.

    By one draw of very many patients, each of whom has a fold of his own: so all shifts are drawn very often too.
    """
    shift = float(np.sqrt(world.shift**2 + world.shared_shift**2 + world.cohort**2))
    many = dataclasses.replace(
        world,
        num_lesions=200_000,
        num_seeds=1,
        num_partitions=1,
        num_cohorts=1,
        num_folds=10**6,
        shift=shift,
        shared_shift=0.0,
        cohort=0.0,
    )
    arms = Simulator(many, seed=1).study((effect, 0.0))
    ours, theirs = (PREDICTION_METRICS[metric].total(arm.labels, arm.probabilities) for arm in arms)
    return float(ours.value[0] - theirs.value[0])


def effect_of(world: World, difference: float) -> float:
    """Effect on the logit whose true difference is this, of accuracy, by two steps of the secant."""
    low, high = 0.0, 0.5
    found = {effect: true_difference(world, effect, "accuracy") for effect in (low, high)}
    for _ in range(2):
        slope = (found[high] - found[low]) / (high - low)
        low, high = high, high + (difference - found[high]) / slope
        found[high] = true_difference(world, high, "accuracy")
    return high


def monte_carlo_error(share: float, replicates: int) -> float:
    """Standard error of a share of replicates, in points; of none and of all it is that of one replicate."""
    return 100 * math.sqrt(max(share * (1 - share), 1 / replicates) / replicates)


def counted(count: int, what: str) -> str:
    """Such as: 1 seed, 2 seeds."""
    return f"{count} {what}" + ("s" if count > 1 else "")


def percent(count: int, total: int) -> str:
    """Such as: 2.5 %."""
    return f"{100 * count / total:.1f} %"


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
