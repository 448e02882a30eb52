"""The one comparison of a step on several devices with what a single device computes."""

import jax
import numpy as np

# Of a leaf's largest entry. The devices' sums are the one device's in another order, which float32 rounds differently:
# measured, by 2e-6 in statistics, metrics and SGD's weights, and by 2.4e-5 at most in a GAN's gradients, where one
# number is left over from many that cancel. A wrong step shows from 0.08 on: the metrics of batch norm by replica.
TOLERANCE = 1e-4


def disagreements(got, want):
    """Paths of the leaves of which any replica holds something else than one device does.

    Args:
      got: From a step spread over devices; read shard by shard, whatever it claims.
      want: Same structure, on one device or the host.
    """
    return [
        jax.tree_util.keystr(path)
        for (path, leaf), expected in zip(jax.tree_util.tree_leaves_with_path(got), jax.tree.leaves(want), strict=True)
        if not all(_close(np.asarray(shard.data), np.asarray(expected)) for shard in leaf.addressable_shards)
    ]


def gan_evidence(state, metrics):
    """What a GAN's first step shows of its gradients, statistics and metrics.

    Adam's update hides the scale of a gradient, and makes noise of those that are almost zero. Its first moment
    is, after one step, the gradient times 1 - beta1.
    """
    networks = state.networks
    return {
        "gradient": {name: network.opt_state[0].mu for name, network in networks.items()},
        "batch_stats": {name: network.batch_stats for name, network in networks.items()},
        "metrics": metrics,
    }


def _close(got, want):
    return got.shape == want.shape and bool(np.max(np.abs(got - want)) <= TOLERANCE * np.max(np.abs(want)))
