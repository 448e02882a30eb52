"""Traces a function once and repeats it from then on, wherever it is called.

JAX traces a step anew for everything that is made of it: to find how much memory it takes, for each training that
a program holds, for each packing. Running the Python of two networks and of their derivatives takes a second.
"""

from collections.abc import Callable
from typing import Any

import jax
from jax.extend import core as jex_core


def traced_once(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that does the same.

    Args:
      function: Pure function of trees of arrays; not to be differentiated: a `custom_vjp` in it is gone.

    Returns:
      The same signature. Other shapes and dtypes are traced anew; other settings of JAX, such as its default
      precision, are not, and a mapped axis cannot be used.
    """
    known: dict[Any, tuple[Callable[..., Any], Any]] = {}

    def repeat(*arguments: Any) -> Any:
        leaves, tree = jax.tree.flatten(arguments)
        shapes = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in leaves)
        if (tree, shapes) not in known:
            # Without a mesh: what is traced within pmap's could be used on that number of devices only.
            with jax.sharding.use_abstract_mesh(jax.sharding.AbstractMesh((), ())):
                traced, result = jax.make_jaxpr(function, return_shape=True)(*jax.tree.unflatten(tree, shapes))
            # Compiled as one function, which a program may call many times and holds once until XLA inlines it.
            known[tree, shapes] = jax.jit(jex_core.jaxpr_as_fun(traced)), jax.tree.structure(result)
        run, result_tree = known[tree, shapes]
        return jax.tree.unflatten(result_tree, run(*leaves))

    return repeat
