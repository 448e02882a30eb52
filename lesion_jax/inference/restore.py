"""A run directory -> something to call, without its training code, its dataset or TensorFlow."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lesion_jax.config import ClassifierConfig, GanConfig, from_mapping
from lesion_jax.errors import RunError
from lesion_jax.families import networks
from lesion_jax.families.drawing import draw, draw_from_latents
from lesion_jax.io.checkpoint_format import Note
from lesion_jax.io.checkpoints import Which, load_checkpoint
from lesion_jax.io.run_directory import load_config, load_provenance

_CHUNK = 64


@dataclasses.dataclass(frozen=True)
class RestoredClassifier:
    """A trained classifier, or an ACGAN's discriminator used as one.

    Attributes:
      config: Of the run.
      class_names: One name per output.
      note: What the checkpoint says of itself: step, score, digest of its arrays.
    """

    config: ClassifierConfig | GanConfig
    class_names: tuple[str, ...]
    note: Note
    _arrays: Any

    @property
    def step(self) -> int:
        """Steps that the network has been trained for."""
        return self.note.step

    def __call__(self, hu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Classifies images.

        Args:
          hu: int16 or float [N, H, H] in HU, H as in training.

        Returns:
          (probabilities float32 [N, C], last-layer features float32 [N, F]) on the host; an
          ACGAN's discriminator gives its probabilities for features.
        """
        side = self.config.data.image_size
        if hu.shape[1:] != (side, side):
            raise ValueError(f"This run takes images [N, {side}, {side}], got {hu.shape}.")
        outputs = []
        # One chunk even for no image: its shapes and dtypes are the answer's.
        for start in range(0, max(len(hu), 1), _CHUNK):
            chunk = hu[start : start + _CHUNK]
            padded = np.concatenate([chunk, np.zeros((_CHUNK - len(chunk), side, side), hu.dtype)])
            outputs.append(tuple(x[: len(chunk)] for x in jax.device_get(self._apply(padded))))
        probabilities, features = zip(*outputs, strict=True)
        return np.concatenate(probabilities), np.concatenate(features)

    def _apply(self, hu: np.ndarray) -> Any:
        window, num_classes = self.config.data.window, len(self.class_names)
        if isinstance(self.config, ClassifierConfig):
            function = networks.classifier_function(networks.create_classifier(self.config, num_classes), window)
            return function(self._arrays["classifier"]["params"], self._arrays["hyper"]["mean"], hu)
        _, discriminator = networks.create_gan(self.config, num_classes)
        network = self._arrays["discriminator"]
        variables = {"params": network["params"], "batch_stats": network.get("batch_stats", {})}
        probabilities = networks.class_head_function(discriminator, window)(variables, hu)
        return probabilities, probabilities


@dataclasses.dataclass(frozen=True)
class RestoredGenerator:
    """The moving average of a trained generator.

    Attributes:
      config: Of the run.
      class_names: Of the dataset; a DCGAN of one class makes only that one.
      note: What the checkpoint says of itself: step, score, digest of its arrays.
    """

    config: GanConfig
    class_names: tuple[str, ...]
    note: Note
    _arrays: Any

    @property
    def step(self) -> int:
        """Steps that the network has been trained for."""
        return self.note.step

    @property
    def labels(self) -> tuple[int, ...]:
        """The classes that this generator can be asked for."""
        if self.config.data.label:
            return (self.class_names.index(self.config.data.label),)
        return tuple(range(len(self.class_names)))

    def __call__(self, labels: np.ndarray, *, seed: int) -> np.ndarray:
        """Draws one image per label; image i depends on (seed, i, labels[i]) alone.

        Args:
          labels: int32 [N], each of `self.labels`.
          seed: Of the latents.

        Returns:
          int16 [N, H, H] in HU, on the host.

        Raises:
          ValueError: A label that this generator cannot make.
        """
        labels = self._checked(labels)
        return draw(*self._network(), labels, latent_size=self.config.latent_size, seed=seed)

    def from_latents(self, z: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws one image per latent; image i depends on (z[i], labels[i]) alone.

        Args:
          z: float32 [N, latent size]; training saw U[-1, 1].
          labels: int32 [N], each of `self.labels`.

        Returns:
          int16 [N, H, H] in HU, on the host.

        Raises:
          ValueError: Another shape, or a label that this generator cannot make.
        """
        z, size = np.asarray(z, np.float32), self.config.latent_size
        if z.ndim != 2 or z.shape[1] != size:
            raise ValueError(f"This generator takes latents [N, {size}], got {list(z.shape)}.")
        labels = self._checked(labels)
        if len(labels) != len(z):
            raise ValueError(f"Each latent needs one label, got {len(z)} latents and {len(labels)} labels.")
        return draw_from_latents(*self._network(), z, labels)

    def _checked(self, labels: np.ndarray) -> np.ndarray:
        labels = np.asarray(labels)
        # An empty list has no dtype of its own.
        if labels.ndim != 1 or (labels.size and not np.issubdtype(labels.dtype, np.integer)):
            raise ValueError(f"Labels are int32 [N], got {labels.dtype} {list(labels.shape)}.")
        if others := sorted({*labels.tolist()} - {*self.labels}):
            known = ", ".join(f"{label} ({self.class_names[label]})" for label in self.labels)
            raise ValueError(f"This generator makes the labels {known}; got {', '.join(map(str, others))}.")
        return labels.astype(np.int32)

    def _network(self) -> tuple[Any, Any]:
        generator, _ = networks.create_gan(self.config, len(self.class_names))
        variables = {"params": self._arrays["ema"]["params"], "batch_stats": self._arrays["ema"].get("batch_stats", {})}
        return networks.generator_function(generator, self.config.data.window), variables


def load_run_config(run: Path) -> ClassifierConfig | GanConfig:
    """The resolved config of a run directory.

    Raises:
      RunError: It is not the directory of a training.
    """
    config = from_mapping(load_config(run))
    if not isinstance(config, ClassifierConfig | GanConfig):
        raise RunError(f"{run} holds a {config.kind!r} command, not one training; name a directory below its runs/.")
    return config


def restore_classifier(run: Path | str, which: Which = "best") -> RestoredClassifier:
    """Restores a classifier, or an ACGAN as one; nothing is written.

    Args:
      run: Directory of the run.
      which: "best" by inner validation (the last one where the run had none), or "last".

    Raises:
      RunError: There is no such run or checkpoint, or the run cannot classify.
    """
    config, class_names, note, arrays = load_run(Path(run), which)
    if config.kind == "dcgan":
        raise RunError(f"{run} is a DCGAN, which has no class output; name a classifier or an ACGAN.")
    return RestoredClassifier(config, class_names, note, arrays)


def restore_generator(run: Path | str, which: Which = "best") -> RestoredGenerator:
    """Restores the moving average of a GAN's generator; see `restore_classifier`."""
    config, class_names, note, arrays = load_run(Path(run), which)
    if not isinstance(config, GanConfig):
        raise RunError(f"{run} is a classifier, which draws nothing; name a DCGAN or an ACGAN.")
    return RestoredGenerator(config, class_names, note, arrays)


def load_run(run: Path, which: Which) -> tuple[ClassifierConfig | GanConfig, tuple[str, ...], Note, Any]:
    """What a run directory holds of its networks; nothing is written.

    Args:
      run: Directory of the run.
      which: See `restore_classifier`.

    Returns:
      (config, class names, note of the checkpoint, its nested dict of host arrays).

    Raises:
      RunError: There is no such run or checkpoint, or the checkpoint is another run's.
    """
    config = load_run_config(run)
    provenance = load_provenance(run)
    if missing := {"class_names", "identity"} - provenance.keys():
        raise RunError(f"{run / 'provenance.json'} lacks {', '.join(sorted(missing))}; bring it back from a copy.")
    note, arrays = load_checkpoint(run / "checkpoints", which, run=provenance["identity"])
    return config, tuple(provenance["class_names"]), note, arrays
