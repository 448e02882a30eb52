"""One of two processes with two CPU devices each: python one_of_two_processes.py PORT INDEX.

Takes steps over all four devices and prints what it sees, as JSON.
"""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.errors import ConfigError
from lesion_jax.models.layers import batch_norm
from lesion_jax.runtime import parallel
from tests.families.agreement import disagreements


def main(port, index):
    jax.config.update("jax_num_cpu_devices", 2)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(f"localhost:{port}", 2, index, initialization_timeout=60)
    devices = parallel.choose_devices(0, 8)
    found = {
        "owners": [device.process_index for device in devices],
        "plain": plain_steps(devices),
        "normalised": normalised_step(devices),
    }
    try:
        parallel.choose_devices(2, 8)
    except ConfigError as error:
        found["refused"] = str(error)
    print(json.dumps(found))


def plain_steps(devices):
    """Two steps that add the mean of 0 .. 7 to zero, with the average and without."""
    found = {}
    for average in (parallel.average_replicas, parallel.alone):

        def step(state, batch, key, average=average):
            mean = average(jnp.mean(batch["x"]))
            return state + mean, {"mean": mean, "drawn": jax.random.uniform(key)}

        spread = parallel.over_devices(step, devices)
        state = parallel.replicate(np.zeros(3, np.float32), devices)
        batch = parallel.shard_batch({"x": np.arange(8, dtype=np.float32)}, devices)
        for _ in range(2):
            state, metrics = spread(state, batch, jax.random.key(0))
        found[average.__name__] = {
            "state": [np.asarray(shard.data).tolist() for shard in state.addressable_shards],
            "metrics": {name: float(value) for name, value in metrics.items()},
            "first": float(parallel.first_replica(state)[0]),
            "checksums": parallel.replica_checksums(state, devices).tolist(),
            "checksums_at_start": parallel.replica_checksums(
                parallel.replicate(np.zeros(3, np.float32), devices), devices
            ).tolist(),
        }
    return found


def normalised_step(devices):
    """A layer with synchronised batch norm and SGD over both processes, beside one device of this process.

    In place of a GAN, which takes a minute to compile in two processes on two cores that are busy.
    """
    generator = np.random.default_rng(0)
    batch = {name: generator.normal(size=(8, 3)).astype(np.float32) for name in ("x", "y")}
    norm = {name: batch_norm(train=True, dtype=jnp.float32, axis_name=name) for name in (None, parallel.AXIS)}
    variables = norm[None].init(jax.random.key(0), batch["x"])

    def make(axis_name, average):
        def loss(params, stats, batch):
            variables = {"params": params, "batch_stats": stats}
            y, updated = norm[axis_name].apply(variables, batch["x"], mutable=["batch_stats"])
            return jnp.mean((y - batch["y"]) ** 2), updated["batch_stats"]

        def step(state, batch, key):
            (value, stats), grads = jax.value_and_grad(loss, has_aux=True)(state["params"], state["batch_stats"], batch)
            grads, stats, value = average((grads, stats, value))
            params = jax.tree.map(lambda p, g: p - 0.1 * g, state["params"], grads)
            return {"params": params, "batch_stats": stats, "gradient": grads}, {"loss": value}

        return step

    key, start = jax.random.key(0), {**variables, "gradient": variables["params"]}
    want = jax.device_get(jax.jit(make(None, parallel.alone))(start, batch, key))
    spread = parallel.over_devices(make(parallel.AXIS, parallel.average_replicas), devices)
    got = spread(parallel.replicate(start, devices), parallel.shard_batch(batch, devices), key)
    return {"disagreements": disagreements(got, want), "checksums": parallel.replica_checksums(got, devices).tolist()}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
