"""PyTorch's own ways to train several networks at once: fused into grouped convolutions, and vmapped.

"grouped": HFTA (Wang et al. 2021, arXiv 2102.02344): the channels of all networks side by side, so that their
convolutions are one grouped convolution, their batch norms one batch norm and their dense layers one batched product.
"vmap": `torch.func.vmap` over stacked parameters. The networks are those of `torch_peer`.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn import functional
from torch_peer import LATENT_SIZE, NUM_CLASSES, WINDOW, Classifier, Discriminator, Generator, made_up_images, step_of

WAYS = ("grouped", "vmap")


class _Dense(nn.Module):
    """Dense layers of all networks: [B, M, I] -> [B, M, O]."""

    def __init__(self, members: int, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(members, inputs, outputs) / inputs**0.5)
        self.bias = nn.Parameter(torch.zeros(members, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.einsum("bmi,mio->bmo", x, self.weight.to(x.dtype)) + self.bias.to(x.dtype)


class _Generators(nn.Module):
    def __init__(self, members: int, width: int, image_size: int):
        super().__init__()
        self.members, self.side, self.width = members, image_size // 16, 8 * width
        self.dense = _Dense(members, LATENT_SIZE, self.side**2 * self.width)
        widths = (8 * width, 4 * width, 2 * width, width, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(members * features) for features in widths[:-1])
        self.convs = nn.ModuleList(
            nn.ConvTranspose2d(
                members * i, members * o, 5, stride=2, padding=2, output_padding=1, bias=o == 1, groups=members
            )
            for i, o in zip(widths, widths[1:], strict=False)
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """[B, M, latents] -> [B, M, H, H]."""
        h = self.dense(z).reshape(len(z), self.members * self.width, self.side, self.side)
        h = h.contiguous(memory_format=torch.channels_last)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            h = conv(functional.relu(norm(h)))
        return torch.tanh(h.float())


class _Discriminators(nn.Module):
    def __init__(self, members: int, width: int, image_size: int):
        super().__init__()
        self.members = members
        widths = (1, width, 2 * width, 4 * width, 8 * width)
        self.convs = nn.ModuleList(
            nn.Conv2d(members * i, members * o, 5, stride=2, padding=2, bias=i == 1, groups=members)
            for i, o in zip(widths, widths[1:], strict=False)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(members * features) for features in widths[2:])
        self.head = _Dense(members, (image_size // 16) ** 2 * 8 * width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, M, H, H] -> logits [B, M]."""
        h = functional.leaky_relu(self.convs[0](x), 0.2)
        for norm, conv in zip(self.norms, list(self.convs)[1:], strict=True):
            h = functional.leaky_relu(norm(conv(h)), 0.2)
        return self.head(h.reshape(len(x), self.members, -1).float())[..., 0]


class _Classifiers(nn.Module):
    def __init__(self, members: int, width: int, image_size: int):
        super().__init__()
        self.members = members
        widths = (1, width, 2 * width, 4 * width)
        self.convs = nn.ModuleList(
            nn.Conv2d(members * i, members * o, 3, groups=members) for i, o in zip(widths, widths[1:], strict=False)
        )
        side = image_size
        for _ in self.convs:
            side = (side - 2) // 2
        self.dense = _Dense(members, side**2 * 4 * width, 8 * width)
        self.head = _Dense(members, 8 * width, NUM_CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, M, H, H] -> logits [B, M, 3]."""
        h = x
        for conv in self.convs:
            h = functional.relu(functional.max_pool2d(conv(h), 2))
        h = functional.relu(self.dense(h.reshape(len(x), self.members, -1)))
        return self.head(functional.dropout(h, 0.5).float())


def gan_population_step(
    way: str,
    members: int,
    width: int,
    batch_size: int,
    image_size: int,
    *,
    discriminator_width: int,
    device: str,
    bfloat16: bool,
) -> Callable[[], None]:
    """A call that takes a step of every DCGAN; arguments as of `torch_peer.gan_step`, way one of `WAYS`."""
    pixels = made_up_images(batch_size * members, image_size, device)[0].view(batch_size, members, image_size, -1)

    def losses(on_real: torch.Tensor, on_fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Of each network the mean over its batch; their sum has the gradients of all."""
        on_d = functional.softplus(-on_real) + functional.softplus(on_fake)
        return on_d.mean(0).sum(), functional.softplus(-on_fake).mean(0).sum()

    if way == "grouped":
        generator = _channels_last(_Generators(members, width, image_size), device)
        discriminator = _channels_last(_Discriminators(members, discriminator_width, image_size), device)

        def gradients(pixels: torch.Tensor) -> tuple:
            with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
                fake = generator(torch.rand(batch_size, members, LATENT_SIZE, device=device) * 2 - 1)
                on_d, on_g = losses(discriminator(_unit(pixels) * 2 - 1), discriminator(fake))
            grads_d = torch.autograd.grad(on_d, list(discriminator.parameters()), retain_graph=True)
            return torch.autograd.grad(on_g, list(generator.parameters())), grads_d

        return _trained(gradients, (generator, discriminator), (pixels,), device)
    state_g, call_g = _stacked(lambda: Generator(width, image_size), members, device)
    state_d, call_d = _stacked(lambda: Discriminator(discriminator_width, image_size), members, device)

    def each(g: Any, d: Any, z: torch.Tensor, real: torch.Tensor) -> tuple:
        def loss_d(d: Any, fake: torch.Tensor) -> torch.Tensor:
            return losses(call_d(d, real), call_d(d, fake))[0]

        def loss_g(g: Any) -> tuple[torch.Tensor, torch.Tensor]:
            fake = call_g(g, z)
            on_fake = call_d(d, fake)
            return losses(on_fake, on_fake)[1], fake

        grads_g, fake = grad(loss_g, has_aux=True)(g)
        return tuple(grads_g.values()), tuple(grad(loss_d)(d, fake.detach()).values())

    def gradients_by_vmap(pixels: torch.Tensor) -> tuple:
        with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
            z = torch.rand(members, batch_size, LATENT_SIZE, device=device) * 2 - 1
            real = (_unit(pixels) * 2 - 1).transpose(0, 1)[:, :, None]
            return vmap(each, randomness="different")(state_g, state_d, z, real)

    return _trained(gradients_by_vmap, (_Holder(state_g), _Holder(state_d)), (pixels,), device)


def classifier_population_step(
    way: str, members: int, width: int, batch_size: int, image_size: int, *, device: str, bfloat16: bool
) -> Callable[[], None]:
    """A call that takes a step of every CNN; see `gan_population_step`."""
    pixels, labels = made_up_images(batch_size * members, image_size, device)
    pixels, labels = pixels.view(batch_size, members, image_size, -1), labels.view(batch_size, members)

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        found = functional.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="sum")
        return found / batch_size

    if way == "grouped":
        net = _channels_last(_Classifiers(members, width, image_size), device)

        def gradients(pixels: torch.Tensor, labels: torch.Tensor) -> tuple:
            with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
                logits = net(_unit(pixels) - 0.4)
            return (torch.autograd.grad(loss(logits, labels), list(net.parameters())),)

        return _trained(gradients, (net,), (pixels, labels), device, is_adam=False)
    state, call = _stacked(lambda: Classifier(width, image_size), members, device)

    def each(state: Any, images: torch.Tensor, labels: torch.Tensor) -> tuple:
        return tuple(grad(lambda state: loss(call(state, images), labels))(state).values())

    def gradients_by_vmap(pixels: torch.Tensor, labels: torch.Tensor) -> tuple:
        with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
            images = (_unit(pixels) - 0.4).transpose(0, 1)[:, :, None]
            return (vmap(each, randomness="different")(state, images, labels.transpose(0, 1)),)

    return _trained(gradients_by_vmap, (_Holder(state),), (pixels, labels), device, is_adam=False)


class _Holder:
    """Stacked parameters, as a module would hold them."""

    def __init__(self, state: dict[str, torch.Tensor]):
        self._state = state

    def parameters(self) -> list[torch.Tensor]:
        """In the order of the gradients."""
        return list(self._state.values())


def _stacked(make: Callable[[], nn.Module], members: int, device: str) -> tuple[dict[str, Any], Callable]:
    nets = []
    for _ in range(members):
        net = make().to(device)
        # vmap knows no other layout.
        net.layout = torch.contiguous_format  # pyright: ignore[reportArgumentType]
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                # vmap cannot update running statistics in place; that work is left out, in PyTorch's favour.
                module.track_running_stats = False
                module.running_mean = module.running_var = module.num_batches_tracked = None
                # Vmapped, it takes no bfloat16 beside its float32 scale.
                module.register_forward_pre_hook(lambda _, given: (given[0].float(),))
        nets.append(net.train())
    params, buffers = stack_module_state(nets)
    base = nets[0].to("meta")
    return params, lambda state, x: functional_call(base, (state, {n: b[0] for n, b in buffers.items()}), (x,))


def _channels_last(net: nn.Module, device: str) -> Any:
    return net.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _unit(pixels: torch.Tensor) -> torch.Tensor:
    low, high = WINDOW
    return ((pixels.float() - low) / (high - low)).clamp(0, 1)


def _trained(
    gradients: Callable, nets: tuple, inputs: tuple, device: str, *, is_adam: bool = True
) -> Callable[[], None]:
    if is_adam:
        optimizers: list = [torch.optim.Adam(net.parameters(), 2e-4, betas=(0.5, 0.999), fused=True) for net in nets]
    else:
        optimizers = [torch.optim.SGD(net.parameters(), 1e-3, momentum=0.9, nesterov=True, fused=True) for net in nets]
    return step_of(gradients, nets, optimizers, inputs, False, device)
