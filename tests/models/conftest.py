import functools

import jax
import jax.numpy as jnp


def num_parameters(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def shapes(module, *args, **kwargs):
    """Abstract variables and outputs: paper-width networks are checked without computing them."""
    return jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), *args, **kwargs))


def create(module, *args, **kwargs):
    """Initial variables, compiled as one program: op by op it takes seconds."""
    return _create(module, args, *_sorted(kwargs))


def run(module, variables, *args, mutable=(), **kwargs):
    """`Module.apply`, compiled."""
    return _run(module, tuple(mutable), variables, args, *_sorted(kwargs))


# Tests that ask for the same network and shapes share what is compiled.
@functools.partial(jax.jit, static_argnums=(0, 2))
def _create(module, args, flags, arrays):
    return module.init(jax.random.key(1), *args, **dict(flags), **arrays)


@functools.partial(jax.jit, static_argnums=(0, 1, 4))
def _run(module, mutable, variables, args, flags, arrays):
    return module.apply(variables, *args, mutable=list(mutable) or False, **dict(flags), **arrays)


def _sorted(kwargs):
    """(flags, arrays)."""
    flags = {name: value for name, value in kwargs.items() if isinstance(value, bool)}
    return tuple(flags.items()), {name: value for name, value in kwargs.items() if name not in flags}


def layer_shapes(module, *args, **kwargs):
    """Shape of every layer's output, in order of the calls."""

    def trace():
        variables = module.init(jax.random.key(0), *args, **kwargs)
        _, state = module.apply(
            variables, *args, capture_intermediates=True, mutable=["intermediates", "batch_stats"], **kwargs
        )
        return state["intermediates"]

    return {
        jax.tree_util.keystr(path, simple=True, separator="/").removesuffix("/__call__/0"): leaf.shape
        for path, leaf in jax.tree_util.tree_leaves_with_path(jax.eval_shape(trace))
    }


def dtypes(tree):
    return {leaf.dtype for leaf in jax.tree.leaves(tree)}


FLOAT32 = {jnp.dtype(jnp.float32)}
