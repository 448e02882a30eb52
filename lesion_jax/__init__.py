"""lesion_jax: do synthetic lesions make my classifier better?"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lesion_jax.inference.restore import restore_classifier, restore_generator

__version__ = "0.1.0"
__all__ = ["__version__", "restore_classifier", "restore_generator"]


def __getattr__(name: str) -> Any:
    # On first use: `import lesion_jax` alone, as the command line does it, starts neither JAX nor flax.
    if name in ("restore_classifier", "restore_generator"):
        return getattr(importlib.import_module("lesion_jax.inference.restore"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
