"""Real images beside those of every generator, of the first setting."""

from pathlib import Path

import numpy as np

from lesion_jax.core.types import Images
from lesion_jax.data.bank import load_bank
from lesion_jax.data.lesion_images import original_images
from lesion_jax.families import FAMILIES
from lesion_jax.paper.report.samples_figure import samples_figure
from lesion_jax.study.layout import Layout

_NUM_SHOWN = 8


def draw_samples(layout: Layout, path: Path) -> bool:
    """Writes the picture; whether there was a generator to show.

    Args:
      layout: The study, whose banks are drawn.
      path: PNG to write.
    """
    if not layout.generators:
        return False
    setting, data = layout.settings[0], next(iter(layout.config.models.values())).data
    train = layout.split(setting, 0).train
    blocks = [("Real", original_images(train, data.image_size, data.margin))]
    for model in layout.generators:
        banks = [load_bank(layout.bank(name)).images for name, _ in layout.generator(model, setting, 0)]
        images = Images(np.concatenate([b.pixels for b in banks]), np.concatenate([b.labels for b in banks]))
        blocks.append((FAMILIES[layout.config.models[model].kind].title, images))
    names = layout.cohort.lesions.class_names
    shown = [
        (title, {name: some.pixels[some.labels == i][:_NUM_SHOWN] for i, name in enumerate(names)})
        for title, some in blocks
    ]
    low, high = data.window or layout.cohort.lesions.window
    samples_figure(path, shown, names, (low, high))
    return True
