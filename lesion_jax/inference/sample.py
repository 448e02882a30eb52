"""Drawing a synthetic bank from a run, with its provenance."""

import logging
from pathlib import Path

import numpy as np

from lesion_jax import __version__
from lesion_jax.core.types import UNITS, Images
from lesion_jax.data.bank import check_new_bank, is_drawn, save_bank
from lesion_jax.data.origins import Origins
from lesion_jax.disk.limits import require_memory
from lesion_jax.disk.room import require_room
from lesion_jax.errors import BankError
from lesion_jax.families import FAMILIES
from lesion_jax.inference.own_copies import draw_without_copies
from lesion_jax.inference.own_lesions import own_lesions
from lesion_jax.inference.restore import restore_generator
from lesion_jax.io.class_picture import class_picture
from lesion_jax.io.picture_file import png_bytes
from lesion_jax.io.run_files import load_provenance
from lesion_jax.io.saved_checkpoints import Which

_log = logging.getLogger(__name__)


def draw_bank(
    run: Path,
    num: int,
    out: Path,
    *,
    seed: int = 0,
    which: Which = "best",
    drop_copies: bool = False,
    dataset: Path | None = None,
) -> None:
    """Draws `num` images of each class that a run makes into a bank; one that was drawn so before is left as it is.

    Image i of a class is a function of (checkpoint, seed, i): a smaller bank is a prefix.

    Args:
      run: Directory of a run that can draw.
      num: Images per class.
      out: The bank.
      seed: Seed of the drawing.
      which: Checkpoint.
      drop_copies: Whether copies of training lesions are replaced by further images.
      dataset: Where the run's dataset lies now; only `drop_copies` and a family that draws by the training lesions
        read it.

    Raises:
      BankError: `num` is not positive, `out` has no room for the images or holds something else, or the images would
        have no label.
      ConfigError: More images than the machine's memory holds.
      RunError: The run draws nothing.
    """
    if num < 1:
        raise BankError(f"num is {num}; draw at least one image of each class.")
    if not out.exists():
        check_new_bank(out)
    generator = restore_generator(run, which, dataset=dataset)
    if generator.family.one_per_class and len(generator.labels) > 1:
        labelling = [family.title for family in FAMILIES.values() if family.draw and not family.one_per_class]
        raise BankError(
            f"{run} is one {generator.family.title} of {len(generator.labels)} classes, whose images have no label; "
            f"train one for each data.label, or one that takes all classes: {', '.join(labelling)}."
        )
    facts = load_provenance(run)
    if generator.note.collapse:
        _log.warning("%s: %s Look at its samples before you train on them.", run, generator.note.collapse)
    data = generator.config.data
    provenance = {
        "run": str(run.resolve()),
        "kind": generator.config.kind,
        "step": generator.step,
        "checkpoint_digest": generator.note.digest,
        "checkpoint": which,
        "fold": data.fold,
        "partition": data.partition,
        "per_class": list(data.per_class),
        "subset": data.subset,
        "hold_out_inner": data.hold_out_inner,
        "class_names": list(generator.class_names),
        "num_per_class": num,
        "drop_copies": drop_copies,
        "seed": seed,
        "image_size": data.image_size,
        "unit": generator.unit,
        "window": list(data.window),
        "margin": data.margin,
        "lesion_jax": __version__,
        **{name: facts[name] for name in ("dataset_fingerprint", "fold_fingerprint", "train_fingerprint")},
    }
    if drop_copies and generator.family.origins:
        raise BankError(f"{run} ({generator.family.title}) puts real lesions together; leave out --drop_copies.")
    if is_drawn(out, provenance):
        return
    num_bytes = num * len(generator.labels) * data.image_size**2 * np.dtype(np.int16).itemsize
    require_memory(num_bytes, f"num is {num}; the images of {len(generator.labels)} classes take")
    require_room(out, num_bytes, what="Bank", error=BankError)
    lesions = own_lesions(run, "train", dataset) if drop_copies else ()
    labels, images, origins, dropped = [], [], [], {}
    for label in generator.labels:
        wanted = np.full(num, label, np.int32)
        labels.append(wanted)
        # One seed per class: were the latents shared, image i would be the same sketch in every class.
        own_seed = seed * len(generator.class_names) + label
        if drop_copies:
            drawn, dropped[generator.class_names[label]] = draw_without_copies(generator, label, num, own_seed, lesions)
        else:
            drawn = generator(wanted, own_seed)
        images.append(drawn)
        if (part := generator.origins(wanted, own_seed)) is not None:
            origins.append(part)
    if drop_copies:
        provenance["dropped_copies"] = dropped
    told = Origins.joined(origins) if generator.family.origins else None
    bank = Images(np.concatenate(images), np.concatenate(labels))
    window = data.window[0], data.window[1]
    picture = png_bytes(class_picture(bank, generator.class_names, window, UNITS[generator.unit].title))
    save_bank(out, bank, provenance, told, picture=picture)
