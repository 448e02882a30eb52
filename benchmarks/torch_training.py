"""The plain loop in PyTorch that `training_throughput.py` times: shuffled batches of images in memory, and steps.

python benchmarks/torch_training.py IMAGES.npy NETWORK W BATCH STEPS
"""

import itertools
import sys
from collections.abc import Iterator

import numpy as np
import torch
import torch_peer


def train(path: str, network: str, width: int, batch_size: int, num_steps: int) -> None:
    """Takes the steps, eagerly, on the CPU.

    Args:
      path: int16 [N, H, H] of numpy.
      network: "DCGAN" or "classifier".
      width: W.
      batch_size: Images of a step; the last ones of an epoch are left out.
      num_steps: How many.
    """
    images = torch.from_numpy(np.load(path))
    labels = torch.arange(len(images)) % torch_peer.NUM_CLASSES
    make = {"DCGAN": torch_peer.gan_step, "classifier": torch_peer.classifier_step}[network]
    step = make(width, batch_size, images.shape[1])
    for chosen in itertools.islice(_batches(len(images), batch_size), num_steps):
        step(images[chosen], *([labels[chosen]] if network == "classifier" else []))


def _batches(num_images: int, batch_size: int) -> Iterator[torch.Tensor]:
    while True:
        yield from torch.randperm(num_images)[: num_images // batch_size * batch_size].split(batch_size)


if __name__ == "__main__":
    train(sys.argv[1], sys.argv[2], *(int(number) for number in sys.argv[3:]))
