"""Made-up predictions whose true differences are known: clustered lesions, correlated retrainings, shifted folds."""

import dataclasses

import numpy as np

from lesion_jax.metrics.runs import Runs

NUM_CLASSES = 3


@dataclasses.dataclass(frozen=True)
class World:
    """Size of a simulated study, and standard deviations of what its logits are made of.

    The defaults give what was measured on the phantom with 182 lesions: an accuracy of 72 to 74 %, which retraining
    alone moves by 2.4 points, a design effect of 1.2 to 1.4, and 10 % of false verdicts of the old rule.

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
    patient: float = 0.7
    lesion: float = 1.0
    noise: float = 0.6
    shift: float = 0.2
    shared_shift: float = 0.0
    cohort: float = 0.0
    taste: float = 0.0


class Simulator:
    """Draws studies of one world; patients, labels and classes stay, answers are drawn anew."""

    def __init__(self, world: World, seed: int = 0):
        """Draws the patients and their lesions' classes."""
        self.world, self._random = world, np.random.default_rng(seed)
        sizes: list[int] = []
        while sum(sizes) < world.num_lesions:
            sizes.append(1 + int(self._random.poisson(world.lesions_per_patient - 1)))
        sizes[-1] -= sum(sizes) - world.num_lesions
        self._patient = np.repeat(np.arange(len(sizes)), sizes)
        self._labels = self._random.integers(0, NUM_CLASSES, world.num_lesions)

    def study(self, effects: tuple[float, ...]) -> list[Runs]:
        """One study.

        Args:
          effects: For each arm what is added to the true class's logit.

        Returns:
          Predictions of each arm, on the same lesions and folds.
        """
        world, random = self.world, self._random
        num_patients = self._patient[-1] + 1
        groups = max(world.num_cohorts, world.num_partitions)
        group = np.repeat(np.arange(groups), world.num_seeds)
        seed = np.tile(np.arange(world.num_seeds), groups)
        folds = None
        if world.num_partitions:
            folds = np.stack(
                [(random.permutation(num_patients) % world.num_folds)[self._patient] for _ in range(groups)]
            )
        shared = self._own(world.base + world.patient * random.standard_normal(num_patients)[self._patient])
        shared = shared + world.lesion * self._normal(world.num_lesions)
        return [
            Runs(
                _softmax(shared + self._answers(effect, group, folds)),
                self._labels,
                tuple(f"p{one}" for one in self._patient),
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
        taste = world.taste * self._random.standard_normal(self._patient[-1] + 1)[self._patient]
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


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
