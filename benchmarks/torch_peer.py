"""The same trainings in PyTorch: the networks of `lesion_jax.models`, the losses and the optimizers, step for step.

Activations are channels_last, which its CPU and GPU convolutions prefer; Adam is the fused one.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

WINDOW = (-160.0, 240.0)
LATENT_SIZE = 100
NUM_CLASSES = 3


class Generator(nn.Module):
    """`lesion_jax.models.dcgan.Generator`."""

    def __init__(self, width: int, image_size: int):
        """Makes the layers of widths 8W .. W."""
        super().__init__()
        self.side, self.width = image_size // 16, 8 * width
        self.layout = torch.channels_last
        self.dense = nn.Linear(LATENT_SIZE, self.side**2 * self.width, bias=False)
        widths = (8 * width, 4 * width, 2 * width, width)
        self.norms = nn.ModuleList(nn.BatchNorm2d(features) for features in widths)
        pairs = zip(widths, (*widths[1:], 1), strict=True)
        self.convs = nn.ModuleList(
            nn.ConvTranspose2d(i, o, 5, stride=2, padding=2, output_padding=1, bias=o == 1) for i, o in pairs
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """float32 [B, latents] -> [B, 1, H, H] in [-1, 1]."""
        h = self.dense(z).view(-1, self.width, self.side, self.side).contiguous(memory_format=self.layout)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            h = conv(functional.relu(norm(h)))
        return torch.tanh(h.float())


class Discriminator(nn.Module):
    """`lesion_jax.models.dcgan.Discriminator`."""

    def __init__(self, width: int, image_size: int):
        """Makes the layers of widths W .. 8W."""
        super().__init__()
        widths = (1, width, 2 * width, 4 * width, 8 * width)
        pairs = zip(widths, widths[1:], strict=False)
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 5, stride=2, padding=2, bias=i == 1) for i, o in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(features) for features in widths[2:])
        self.head = nn.Linear((image_size // 16) ** 2 * 8 * width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 [B, 1, H, H] -> logits [B]."""
        h = functional.leaky_relu(self.convs[0](x), 0.2)
        for norm, conv in zip(self.norms, list(self.convs)[1:], strict=True):
            h = functional.leaky_relu(norm(conv(h)), 0.2)
        return self.head(h.flatten(1).float())[:, 0]


class Classifier(nn.Module):
    """`lesion_jax.models.cnn.Classifier`."""

    def __init__(self, width: int, image_size: int):
        """Makes the layers of widths W, 2W, 4W and the two dense ones."""
        super().__init__()
        widths = (1, width, 2 * width, 4 * width)
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3) for i, o in zip(widths, widths[1:], strict=False))
        side = image_size
        for _ in self.convs:
            side = (side - 2) // 2
        self.dense = nn.Linear(side**2 * 4 * width, 8 * width)
        self.head = nn.Linear(8 * width, NUM_CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 [B, 1, H, H] -> logits [B, 3]."""
        h = x
        for conv in self.convs:
            h = functional.relu(functional.max_pool2d(conv(h), 2))
        return self.head(functional.dropout(functional.relu(self.dense(h.flatten(1))), 0.5).float())


def gan_step(
    width: int,
    batch_size: int,
    image_size: int,
    *,
    discriminator_width: int | None = None,
    compiled: bool = False,
    device: str = "cpu",
    bfloat16: bool = False,
) -> Callable[..., None]:
    """A call that takes one step of a DCGAN: one forward pass, two gradients, two updates, as `train.gan_step`.

    Args:
      width: W of both networks.
      batch_size: Real images, and as many fake ones.
      image_size: Side.
      discriminator_width: W of the discriminator, where it is another.
      compiled: By torch.compile; on a GPU with CUDA graphs.
      device: "cpu" or "cuda".
      bfloat16: Whether convolutions compute in it.
    """
    generator, discriminator = (
        net(width, image_size).to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        for net in (Generator, Discriminator)
    )
    adams = [
        torch.optim.Adam(net.parameters(), 2e-4, betas=(0.5, 0.999), fused=True) for net in (generator, discriminator)
    ]
    pixels, _ = made_up_images(batch_size, image_size, device)
    low, high = WINDOW

    def gradients(pixels: torch.Tensor) -> tuple:
        with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
            real = ((pixels.float() - low) / (high - low)).clamp(0, 1)[:, None] * 2 - 1
            fake = generator(torch.rand(batch_size, LATENT_SIZE, device=device) * 2 - 1)
            on_real, on_fake = discriminator(real), discriminator(fake)
        loss_d = functional.softplus(-on_real).mean() + functional.softplus(on_fake).mean()
        loss_g = functional.softplus(-on_fake).mean()
        grads_d = torch.autograd.grad(loss_d, list(discriminator.parameters()), retain_graph=True)
        return torch.autograd.grad(loss_g, list(generator.parameters())), grads_d

    return step_of(gradients, (generator, discriminator), adams, (pixels,), compiled, device)


def classifier_step(
    width: int, batch_size: int, image_size: int, *, compiled: bool = False, device: str = "cpu", bfloat16: bool = False
) -> Callable[..., None]:
    """A call that takes one step of the paper's CNN, as `train.classifier_step`; see `gan_step`."""
    net = Classifier(width, image_size).to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    sgd = torch.optim.SGD(net.parameters(), 1e-3, momentum=0.9, nesterov=True, fused=True)
    pixels, labels = made_up_images(batch_size, image_size, device)
    low, high = WINDOW

    def gradients(pixels: torch.Tensor, labels: torch.Tensor) -> tuple:
        with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
            logits = net(((pixels.float() - low) / (high - low)).clamp(0, 1)[:, None] - 0.4)
        loss = functional.cross_entropy(logits, labels)
        return (torch.autograd.grad(loss, list(net.parameters())),)

    return step_of(gradients, (net,), [sgd], (pixels, labels), compiled, device)


def step_of(
    gradients: Callable, nets: tuple, optimizers: list, inputs: tuple, compiled: bool, device: str
) -> Callable[..., None]:
    """A call that computes gradients, one tuple for each network, updates, and waits for a GPU.

    It takes a batch, of the shapes of `inputs`, which are its batch where none is given.
    """
    if compiled:
        gradients = torch.compile(gradients, mode="reduce-overhead" if device == "cuda" else None)

    def step(*batch: torch.Tensor) -> None:
        for net, optimizer, grads in zip(nets, optimizers, gradients(*(batch or inputs)), strict=True):
            for parameter, grad in zip(net.parameters(), grads, strict=True):
                parameter.grad = grad
            optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return step


def made_up_images(batch_size: int, image_size: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """(int16 [B, H, H], int64 [B]) on the device."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(-200, 300, (batch_size, image_size, image_size)).astype(np.int16)
    labels = generator.integers(0, NUM_CLASSES, batch_size)
    return torch.from_numpy(pixels).to(device), torch.from_numpy(labels).to(device)
