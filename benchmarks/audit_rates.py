"""How often the audit calls a bank broken that is in order, and how often it sees what is wrong with one.

    python benchmarks/audit_rates.py --out benchmarks/results/audit_rates.json

Each trial draws training and held-out patients of the phantom, and a bank: fresh lesions of other patients, which are
in order, or the same with something wrong. Intervals are Wilson's, over trials; trials share a pool of patients.
"""

import functools
from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
from from_tests import drawn
from rows import Row, begin, parser_of, write_rows

from lesion_jax.core.types import LesionSet
from lesion_jax.data.lesion_images import original_images
from lesion_jax.inference.audit import FARTHER, audit_bank
from lesion_jax.io.progress import Progress, progress_callback
from lesion_jax.metrics.images import floor_ranges
from lesion_jax.metrics.intervals import wilson
from lesion_jax.metrics.sample import Sample
from lesion_jax.sources.phantom.lesions import CLASS_NAMES
from lesion_jax.sources.phantom.rois import render_lesions

_SIDE, _MARGIN, _WINDOW = 32, 0.15, (-90.0, 310.0)
# Lesions of each class that a trial trains on, holds out and has in its bank.
_TRAIN, _HELD_OUT, _BANK = 20, 20, 32

Make = Callable[[Sample, Sample, int], Sample]

# What is wrong with a bank, from (fresh lesions, training lesions, number of the trial); and what the audit calls it.
BROKEN: Mapping[str, tuple[str, Make]] = {
    "labels of metastases and hemangiomas exchanged": (
        "wrong labels",
        lambda fresh, train, i: _in_window(drawn.relabelled(fresh, (0, 2, 1))),
    ),
    "training lesions turned, mirrored, moved by a pixel, with noise": (
        "copies",
        lambda fresh, train, i: _in_window(drawn.near_copies(train, len(fresh), i)),
    ),
    "three images of each class, with noise": (
        "collapsed",
        lambda fresh, train, i: _in_window(drawn.collapsed(fresh, len(fresh), 3, i)),
    ),
    "noise": ("not lesions", lambda fresh, train, i: _in_window(drawn.noise(len(fresh), i))),
}


def main() -> None:
    """Draws, audits, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--lesions", type=int, default=400, help="of each class in the pool")
    flags = begin(parser)
    # A patient who holds lesions of another class than is wanted is used up all the same.
    least = 2 * (_TRAIN + _HELD_OUT + _BANK)
    if flags.lesions < least:
        parser.error(f"--lesions is {flags.lesions}; a trial needs a pool of {least} of each class.")
    pool = render_lesions(
        seed=0,
        num_lesions=dict.fromkeys(CLASS_NAMES, flags.lesions),
        progress=progress_callback("phantom, patients"),
    )
    found: Counter[tuple[str, str]] = Counter()
    progress = Progress(flags.trials, "audits")
    for trial in range(flags.trials):
        progress.update(trial)
        train, held_out, fresh = _draw(pool, trial)
        banks = {"": fresh} | {what: make(fresh, train, trial) for what, (_, make) in BROKEN.items()}
        ranges = functools.cache(functools.partial(floor_ranges, train, held_out))
        for what, bank in banks.items():
            audit = audit_bank(bank, train, held_out, pool.class_names, ranges=ranges)
            for word in audit["broken"] or ["in order"]:
                found[what, word] += 1
            found[what, FARTHER] += any(warning.startswith(FARTHER) for warning in audit["warnings"])
    progress.update(flags.trials)
    rows = [_row("fresh lesions called broken", flags.trials - found["", "in order"], flags.trials, is_wrong=True)]
    rows.append(
        _row("fresh lesions said to be too far from real ones", found["", FARTHER], flags.trials, is_wrong=True)
    )
    rows += [
        _row(f"{what}: called {word!r}", found[what, word], flags.trials, is_wrong=False)
        for what, (word, _) in BROKEN.items()
    ]
    write_rows(rows, flags)


def _draw(pool: LesionSet, trial: int) -> tuple[Sample, Sample, Sample]:
    """Training, held-out and fresh lesions; no patient has some of two."""
    generator = np.random.default_rng(trial)
    patients = generator.permutation(sorted({lesion.patient for lesion in pool.lesions}))
    of = {patient: [one for one in pool.lesions if one.patient == patient] for patient in patients}
    samples, rest = [], list(patients)
    for count in (_TRAIN, _HELD_OUT, _BANK):
        taken: list[list] = [[] for _ in pool.class_names]
        while min(map(len, taken)) < count:
            for lesion in of[rest.pop()]:
                taken[lesion.label].append(lesion)
        some = [lesion for lesions in taken for lesion in lesions[:count]]
        images = original_images(some, _SIDE, _MARGIN)
        samples.append(Sample.of(images, _WINDOW, [lesion.patient for lesion in some]))
    return samples[0], samples[1], samples[2]


def _in_window(bank: Sample) -> Sample:
    return Sample(bank.pixels, bank.labels, _WINDOW, bank.patients)


def _row(measure: str, count: int, trials: int, *, is_wrong: bool) -> Row:
    low, high = wilson(count, trials)
    return Row(
        measure=f"{measure}, {_TRAIN} training lesions a class",
        value=100 * count / trials,
        unit=f"% ({100 * low:.0f} to {100 * high:.0f})",
        ratio=1 - count / trials if is_wrong else count / trials,
        must=0.9,
    )


if __name__ == "__main__":
    main()
