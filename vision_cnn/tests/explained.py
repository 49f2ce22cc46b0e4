"""Small networks to explain, and what an explanation must leave as it was."""

import torch
from torch import nn


def relu_net(*, inplace: bool = True, channels: int = 3, classes: int = 5):
    """Untrained, with in-place ReLUs, moments that matter and two maps of 5x5."""
    torch.manual_seed(3)
    norm = nn.BatchNorm2d(4)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1),
        norm,
        nn.ReLU(inplace=inplace),
        nn.Conv2d(4, 6, 3, 2),
        nn.ReLU(inplace=inplace),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(6 * 5 * 5, classes),
    )


def images(count: int = 2, channels: int = 3):
    """Images of 12x11 for `relu_net`, each with its class."""
    generator = torch.Generator().manual_seed(1)
    image = torch.randn(count, channels, 12, 11, generator=generator)
    return image, torch.arange(count) + 1


class Corners(nn.Module):
    """Class k sees how red corner k is: what a right map must be is known."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 4, 4, bias=False)
        nn.init.zeros_(self.conv.weight)
        self.conv.weight.data[0, 0] = 1 / 16
        self.relu = nn.ReLU(inplace=True)

    def forward(self, image):
        cells = self.relu(self.conv(image))[:, 0]
        corners = [cells[:, i, j] for i in (0, -1) for j in (0, -1)]
        return torch.stack(corners, 1)


def state_of(model: nn.Module):
    """Everything about a model that explaining must not change."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    return [
        (
            name,
            module.training,
            [len(getattr(module, kind)) for kind in kinds],
            [parameter.grad for parameter in module.parameters()],
            [parameter.requires_grad for parameter in module.parameters()],
        )
        for name, module in model.named_modules()
    ], {name: value.clone() for name, value in model.state_dict().items()}


def same_state(before, after) -> bool:
    """Whether two results of `state_of` are the same."""
    (modules, values), (modules_now, values_now) = before, after
    return modules == modules_now and all(
        torch.equal(value, values_now[name]) for name, value in values.items()
    )
