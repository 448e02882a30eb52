"""The smallest networks that a GAN's step takes, for questions about the step: compiled in no time."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from lesion_jax.models.layers import batch_norm

SIDE = 16


class Painter(nn.Module):
    """A generator with a batch norm."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, z, labels, *, train):
        hidden = nn.Dense(6, use_bias=False)(jnp.concatenate([z, jax.nn.one_hot(labels, 3)], -1))
        hidden = batch_norm(train=train, dtype=jnp.float32, axis_name=self.axis_name)(hidden)
        return jnp.tanh(nn.Dense(SIDE * SIDE)(jnp.tanh(hidden))).reshape(-1, SIDE, SIDE, 1)


class Critic(nn.Module):
    """A discriminator with a batch norm and a class output."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, images, *, train):
        hidden = nn.Dense(6, use_bias=False)(images.reshape(len(images), -1))
        hidden = jnp.tanh(batch_norm(train=train, dtype=jnp.float32, axis_name=self.axis_name)(hidden))
        return nn.Dense(1)(hidden)[:, 0], nn.Dense(3)(hidden)


TOYS = Painter(), Critic()
