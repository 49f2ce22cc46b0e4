"""Convolutional networks of one path: LeNet-5 and a stack of normalised blocks."""

from jaxtyping import Float

from .. import functional as F
from .. import nn
from ..engine.tensor import Tensor
from ..utils.contracts import contract


class LeNet(nn.Module):
    """LeNet-5 (LeCun et al. 1998, figure 2) with relu and max pooling."""

    def __init__(self, in_channels: int, side: int, classes: int) -> None:
        super().__init__()
        self.in_channels, self.side, self.classes = in_channels, side, classes
        self.conv1 = nn.Conv2d(in_channels, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        last = (side // 2 - 4) // 2
        if last < 1:
            raise ValueError(f"LeNet wants sides of 12 and more, not {side}")
        self.fc1 = nn.Linear(16 * last * last, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_channels} {self.side} {self.side}"]
    ) -> Float[Tensor, "batch {self.classes}"]:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))


class ConvBlock(nn.Module):
    """3x3 convolution, 2x2 max pooling, batch norm, relu: the last two on a quarter."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_channels} height width"]
    ) -> Float[Tensor, "batch {self.out_channels} height//2 width//2"]:
        return F.relu(self.norm(F.max_pool2d(self.conv(x), 2)))


class CNN(nn.Module):
    """Blocks that halve the sides, then one linear layer on what remains."""

    def __init__(
        self,
        in_channels: int,
        side: int,
        widths: tuple[int, ...],
        classes: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.in_channels, self.side, self.classes = in_channels, side, classes
        self.dropout = dropout
        last = side >> len(widths)
        if last < 1:
            raise ValueError(
                f"widths {list(widths)} halve a side of {side} below one pixel"
            )
        channels = (in_channels, *widths)
        self.blocks = nn.Sequential(
            *(
                ConvBlock(cin, cout)
                for cin, cout in zip(channels[:-1], channels[1:], strict=True)
            )
        )
        self.head = nn.Linear(channels[-1] * last * last, classes)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.in_channels} {self.side} {self.side}"]
    ) -> Float[Tensor, "batch {self.classes}"]:
        x = self.blocks(x).flatten(1)
        return self.head(F.dropout(x, self.dropout, training=self.training))
