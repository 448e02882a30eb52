"""How the classes of the phantom may look: `LOOKS` holds the choices."""

from collections.abc import Callable

import numpy as np

from lesion_jax.errors import ConfigError
from lesion_jax.sources.phantom import lesions
from lesion_jax.sources.phantom.anatomy import Patient

# draw_look(draw, class, diameter in mm, patient) -> appearance; see `lesions.draw_look`.
DrawLook = Callable[[np.random.Generator, str, float, Patient], lesions.Look]

LOOKS: dict[str, DrawLook] = {
    "default": lesions.draw_look,
}


def draw_look_of(name: str) -> DrawLook:
    """The row of a name.

    Raises:
      ConfigError: There is none.
    """
    if name not in LOOKS:
        raise ConfigError(f"looks is {name!r}; the phantom knows {', '.join(LOOKS)}.")
    return LOOKS[name]
