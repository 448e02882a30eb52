"""A bank of the images that are worth training on, out of a larger one."""

from pathlib import Path

from lesion_jax.config import DataConfig
from lesion_jax.core.types import UNITS, Images
from lesion_jax.data.bank import is_drawn, load_bank, save_bank
from lesion_jax.data.cohort import Cohort
from lesion_jax.errors import BankError
from lesion_jax.inference.own_lesions import sample_of
from lesion_jax.io.class_picture import class_picture
from lesion_jax.io.picture_file import png_bytes
from lesion_jax.metrics.sample import Sample
from lesion_jax.metrics.selection import select


def select_bank(bank: Path, num: int, out: Path, cohort: Cohort) -> None:
    """Writes `num` selected images of each class of a bank; one that was selected so before is left as it is.

    Args:
      bank: A bank, with more images than are wanted.
      num: Images of each class.
      out: The new bank, whose provenance also says "selected_from", how many images of each class the first has, and
        "passed", the share of them that `select` passes.
      cohort: The dataset of its generator; only the training lesions of the bank's own fold are looked at.

    Raises:
      BankError: The bank is not of this dataset, holds too few images, or `out` is something else.
    """
    drawn = load_bank(bank)
    counts = drawn.provenance["label_counts"]
    facts = {name: value for name, value in drawn.provenance.items() if name != "label_counts"}
    facts |= {"num_per_class": num, "selected_from": counts}
    if is_drawn(out, facts):
        return
    if (have := min(count for count in counts if count)) < num:
        raise BankError(f"Bank {bank} holds {have} images of a class, of which {num} cannot be selected; draw more.")
    low, high = facts["window"]
    data = DataConfig(image_size=facts["image_size"], margin=facts["margin"], window=(low, high))
    train = sample_of(cohort.split_of_bank(drawn, bank).train, data)
    names = facts["class_names"]
    chosen, passed = select(Sample.of(drawn.images, (low, high)), train, num, len(names))
    images = Images(drawn.images.pixels[chosen], drawn.images.labels[chosen])
    facts["passed"] = {names[label]: share for label, share in passed.items()}
    picture = png_bytes(class_picture(images, names, (low, high), UNITS[facts["unit"]].title))
    save_bank(out, images, facts, drawn.origins and drawn.origins[chosen], picture=picture)
