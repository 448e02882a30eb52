"""A reader study on disk: reader.html to give away, key.json to keep."""

import dataclasses
import math
import secrets
from collections.abc import Sequence
from pathlib import Path

from lesion_jax import __version__
from lesion_jax.core.types import UNITS
from lesion_jax.data.cohort import Cohort
from lesion_jax.disk.building import building_new, check_new
from lesion_jax.errors import ConfigError, RunError
from lesion_jax.reader.choose import Chosen, Part, choose_images
from lesion_jax.reader.key import save_key
from lesion_jax.reader.page import make_content, make_page

PAGE_NAME = "reader.html"
KEY_NAME = "key.json"
_SIDE = 400


@dataclasses.dataclass(frozen=True)
class ReaderConfig:
    """What a reader study shows.

    Attributes:
      num_real: Real images of each class.
      num_synthetic: Synthetic images of each class.
      part: Whose lesions are shown, of the folds that the banks were drawn for.
      window: Pixels (low, high) that become black and white, in the dataset's unit; None takes the banks' own.
      zoom: Screen pixels per image pixel; None makes images about 400 wide.
      seed: Seed of choice and order; None draws one that nobody can guess. Whoever knows the seed and the
        counts knows the order of real and synthetic, so it is in the key alone.
    """

    num_real: int = 10
    num_synthetic: int = 10
    part: Part = "test"
    window: tuple[float, float] | None = None
    zoom: int | None = None
    seed: int | None = None


def write_study(out: Path, dataset: Path, banks: Sequence[Path], config: ReaderConfig) -> None:
    """Writes OUT/reader.html and OUT/key.json.

    Args:
      out: A directory that does not exist yet; it appears whole or not at all.
      dataset: Folder that `lesion-jax build` wrote.
      banks: Directories of synthetic banks of that dataset.
      config: What is shown.

    Raises:
      RunError: `out` exists or cannot be written.
      ConfigError: The window shows nothing, or a class has too few images.
      BankError, DataError, FoldError: See `choose_images` and `Cohort.load`.
    """
    check_new(out, "--out", RunError)
    cohort = Cohort.load(dataset)
    seed = secrets.randbits(63) if config.seed is None else config.seed
    chosen = choose_images(
        cohort,
        banks,
        num_real=config.num_real,
        num_synthetic=config.num_synthetic,
        part=config.part,
        seed=seed,
    )
    window = _window(config, chosen)
    zoom = config.zoom or max(1, round(_SIDE / chosen.images.pixels.shape[-1]))
    lesions = cohort.lesions
    content = make_content(
        chosen.images.pixels, lesions.class_names, unit=UNITS[lesions.unit].title, window=window, zoom=zoom
    )
    facts = {
        "lesion_jax": __version__,
        "seed": seed,
        "part": config.part,
        "num_real_per_class": config.num_real,
        "num_synthetic_per_class": config.num_synthetic,
        "window": list(window),
        "generator_window": list(chosen.window),
        "dataset_fingerprint": lesions.fingerprint,
    }
    with building_new(out, "--out", RunError) as folder:
        (folder / PAGE_NAME).write_text(make_page(content), encoding="utf-8")
        save_key(
            folder / KEY_NAME,
            content,
            source=chosen.is_synthetic.astype(int),
            labels=chosen.images.labels,
            origins=chosen.origins,
            facts=facts,
        )


def _window(config: ReaderConfig, chosen: Chosen) -> tuple[float, float]:
    low, high = config.window or chosen.window
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(f"--window is {low:g},{high:g}; it is two numbers, the lower one first.")
    if high <= chosen.window[0] or low >= chosen.window[1]:
        raise ConfigError(
            f"--window {low:g},{high:g} shows nothing of the {chosen.window[0]:g} to {chosen.window[1]:g} that the "
            "banks' generators can draw; choose one that overlaps it."
        )
    return low, high
