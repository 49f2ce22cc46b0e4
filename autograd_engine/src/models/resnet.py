"""Residual networks for small images (He et al. 2016, 1512.03385, section 4.2)."""

from jaxtyping import Float

from .. import functional as F
from .. import nn
from ..engine.tensor import Tensor
from ..utils.contracts import contract


class Residual(nn.Module):
    """relu(x + f(x)), f two 3x3 convolutions; x passes a 1x1 where f changes shape."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.stride = stride
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_channels} height width"]
    ) -> Float[Tensor, "batch {self.out_channels} out_height out_width"]:
        f = F.relu(self.norm1(self.conv1(x)))
        f = self.norm2(self.conv2(f))
        return F.relu(self.shortcut(x) + f)


class ResNet(nn.Module):
    """Three stages of `depth` blocks; width doubles and sides halve between them."""

    def __init__(self, in_channels: int, width: int, depth: int, classes: int) -> None:
        super().__init__()
        self.in_channels, self.classes = in_channels, classes
        self.stem = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        blocks, channels = [], width
        for stage in range(3):
            for i in range(depth):
                wide, stride = width << stage, 2 if stage and i == 0 else 1
                blocks.append(Residual(channels, wide, stride))
                channels = wide
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(channels, classes)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_channels} height width"]
    ) -> Float[Tensor, "batch {self.classes}"]:
        x = F.relu(self.norm(self.stem(x)))
        return self.head(self.blocks(x).mean((2, 3)))
