"""A run directory -> config, family and the arrays of a checkpoint; nothing is written."""

import dataclasses
from pathlib import Path
from typing import Any

from lesion_jax.config import TrainingConfig
from lesion_jax.data.lesion_images import LesionImages, Part
from lesion_jax.errors import RunError
from lesion_jax.families import FAMILIES, Family, family_of, training_config
from lesion_jax.io.checkpoint_format import Note
from lesion_jax.io.run_files import load_config, load_provenance
from lesion_jax.io.saved_checkpoints import Which, load_checkpoint
from lesion_jax.runtime import parallel


@dataclasses.dataclass(frozen=True)
class Restored:
    """What a run directory holds of a training's result.

    Attributes:
      run: The directory.
      config: Config of the training, resolved.
      class_names: Names of the dataset's classes, one per label.
      unit: Unit of the pixels, such as "HU".
      which: Checkpoint that was read.
      note: What the checkpoint says of itself: step, score, digest of its arrays.
      arrays: Nested dict of host arrays, as the family keeps them.
    """

    run: Path
    config: TrainingConfig
    class_names: tuple[str, ...]
    unit: str
    which: Which
    note: Note
    arrays: Any

    @property
    def family(self) -> Family:
        """What was trained."""
        return family_of(self.config)

    @property
    def step(self) -> int:
        """Steps that it has been trained for."""
        return self.note.step

    def lesions(self, part: Part = "test", dataset: Path | str | None = None) -> LesionImages:
        """Loads lesions of the run's own partition as it sees them: of its fold and its class, cropped as in training.

        Args:
          part: "test": its test fold; "inner": its inner validation patients; "train": what it saw.
          dataset: Where its dataset lies now; None where the config says.

        Returns:
          A `LesionImages`: pixels int16 [N, H, H] in `unit`, labels int32 [N], ids and patients of length N.

        Raises:
          ConfigError: The part is empty.
          RunError: The dataset or its folds are not those that it was trained on.
        """
        # Late: it reads runs too.
        from lesion_jax.inference.own_lesions import load_own

        return load_own(self.run, part, dataset)


def load_run(run: Path | str, which: Which) -> Restored:
    """What a run directory holds of a training's result.

    Args:
      run: Directory of the run.
      which: "best" by inner validation (the last one where the run had none), "last", or the step of a
        checkpoint.

    Raises:
      ConfigError: The devices that JAX is asked for cannot be used.
      RunError: There is no such run or checkpoint, or the checkpoint is another run's.
    """
    run = Path(run)
    config = load_run_config(run)
    provenance = load_provenance(run)
    if missing := {"class_names", "unit", "identity"} - provenance.keys():
        raise RunError(f"{run / 'provenance.json'} lacks {', '.join(sorted(missing))}; bring it back from a copy.")
    # First: reading a checkpoint starts them too.
    parallel.start_devices()
    note, arrays = load_checkpoint(run / "checkpoints", which, run=provenance["identity"])
    # A step may come as numpy's integer, which JSON does not know.
    which = which if isinstance(which, str) else note.step
    return Restored(run, config, tuple(provenance["class_names"]), provenance["unit"], which, note, arrays)


def load_run_config(run: Path | str) -> TrainingConfig:
    """The resolved config of a training's run directory.

    Raises:
      ConfigError: A setting is not one that this version knows.
      RunError: It is not the directory of a training.
    """
    values = load_config(run)
    if (kind := values.get("kind")) not in FAMILIES:
        raise RunError(
            f"{run} holds a {kind!r} command, not one training ({', '.join(FAMILIES)}); name a directory below its "
            "runs/."
        )
    return training_config(values)


def require(run: Path | str, family: Family, ability: str, words: str) -> None:
    """Refuses a run whose family lacks an ability, naming those that have it.

    Args:
      run: For the message.
      family: Family of the run.
      ability: Name of the field of `Family` that is None where it is lacking.
      words: What the run cannot do, for the message.

    Raises:
      RunError: It is lacking.
    """
    if getattr(family, ability) is None:
        able = ", ".join(other.title for other in FAMILIES.values() if getattr(other, ability) is not None)
        raise RunError(f"{run} ({family.title}) cannot {words}; name a run of: {able}.")
