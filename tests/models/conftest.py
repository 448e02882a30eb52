import jax
import jax.numpy as jnp


def num_parameters(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def shapes(module, *args, **kwargs):
    """Abstract variables and outputs: paper-width networks are checked without computing them."""
    return jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), *args, **kwargs))


def create(module, *args, **kwargs):
    """Initial variables, compiled as one program: op by op it takes seconds."""
    return jax.jit(lambda: module.init(jax.random.key(1), *args, **kwargs))()


def run(module, variables, *args, mutable=False, **kwargs):
    """`Module.apply`, compiled."""
    return jax.jit(lambda v: module.apply(v, *args, mutable=mutable, **kwargs))(variables)


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
