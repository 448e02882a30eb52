"""Taking JAX's traced programs apart."""

from typing import Any

from jax.extend import core as jex_core


def inner_jaxprs(equation: Any) -> list[Any]:
    """The jaxprs in an equation: the body of a loop or a call, the branches of a condition; [] of a plain operation."""
    found = []
    for value in equation.params.values():
        for item in value if isinstance(value, tuple | list) else (value,):
            if isinstance(item, jex_core.ClosedJaxpr):
                found.append(item.jaxpr)
            elif isinstance(item, jex_core.Jaxpr):
                found.append(item)
    return found
