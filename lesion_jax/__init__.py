"""lesion_jax: do synthetic lesions make my classifier better?

What scripts may use; `help(lesion_jax.NAME)` says shapes, units, ranges and errors. Other modules may change.

load_lesions        lesions of a dataset's fold and part as the networks see them: images, labels, ids, patients
restore_classifier  a trained run -> call it with images: probabilities, features; `.lesions()`: those of its fold
restore_generator   a trained run -> call it with labels and a seed, or latents: images
load_bank           synthetic images from a disk, with the facts of their origin
score_predictions   probabilities and labels -> every metric of predictions, with intervals over patients
score_run           scores of a run, as `lesion-jax evaluate --json` prints them
score_runs          the same of several runs, with what each said of every lesion
score_rows          what `score_runs` gives as one table, a row for each run
load_export         an exported network's layers and arrays; needs numpy and safetensors alone
run_sweep           trains the cells of a sweep, or carries on; of one training it is `lesion_jax.train.run.train`
sweep_rows          what came of a sweep: a row for each cell
LesionJaxError      what all of these raise for bad files and settings; its message says what to do

Configs of trainings, sweeps, the paper and studies: `lesion_jax.config`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lesion_jax.data.bank import load_bank
    from lesion_jax.data.lesion_images import load_lesions
    from lesion_jax.errors import LesionJaxError
    from lesion_jax.inference.restore import restore_classifier, restore_generator
    from lesion_jax.inference.score_run import score_run, score_runs
    from lesion_jax.inference.score_table import score_rows
    from lesion_jax.io.export import load_export
    from lesion_jax.metrics.predictions import score_predictions
    from lesion_jax.sweep.run import run_sweep
    from lesion_jax.sweep.status import sweep_rows

__version__ = "0.1.0"
_FROM = {
    "load_lesions": "data.lesion_images",
    "restore_classifier": "inference.restore",
    "restore_generator": "inference.restore",
    "load_bank": "data.bank",
    "score_predictions": "metrics.predictions",
    "score_run": "inference.score_run",
    "score_runs": "inference.score_run",
    "score_rows": "inference.score_table",
    "load_export": "io.export",
    "run_sweep": "sweep.run",
    "sweep_rows": "sweep.status",
    "LesionJaxError": "errors",
}
__all__ = [
    "LesionJaxError",
    "__version__",
    "load_bank",
    "load_export",
    "load_lesions",
    "restore_classifier",
    "restore_generator",
    "run_sweep",
    "score_predictions",
    "score_rows",
    "score_run",
    "score_runs",
    "sweep_rows",
]


def __getattr__(name: str) -> Any:
    # On first use: `import lesion_jax` alone, as the command line does it, starts neither JAX nor flax.
    if name in _FROM:
        return getattr(importlib.import_module(f"lesion_jax.{_FROM[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    # For help() and completion: what has not been used yet is there too.
    return [*globals(), *_FROM]
