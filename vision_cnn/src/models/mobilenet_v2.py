"""MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381, table 2).

Inverted residuals: a 1x1 convolution widens, a 3x3 one mixes each channel alone, a 1x1
one narrows again without an activation, for ReLU loses information where channels are
few (section 3.2). The shortcut joins the narrow ends.
"""

from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .blocks import ConvNorm
from .classifier import Classifier
from .initialise import initialise_relu


TABLE = (  # expansion t, channels c, blocks n, stride s (table 2)
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
CIFAR_STRIDES = (1, 1, 2, 2, 1, 2, 1)


class MobileNetV2(Classifier):
    """`imagenet` divides the sides by 32, `cifar` by 8.

    `width` is the paper's multiplier; as in its code the numbers of channels are
    rounded to multiples of 8, and the last layer never has fewer than 1280.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        stem: Literal["cifar", "imagenet"] = "cifar",
        width: float = 1.0,
        dropout: float = 0.0,
    ):
        super().__init__(in_channels, classes)
        if stem not in ("cifar", "imagenet"):
            raise ValueError(f"stem {stem!r} is not cifar or imagenet")
        small = stem == "cifar"
        cin, last = round_to_8(32 * width), round_to_8(1280 * max(1.0, width))
        self.stem = ConvNorm(
            in_channels, cin, stride=1 if small else 2, activation=nn.ReLU6(True)
        )
        self.blocks = nn.Sequential()
        for row, (expansion, channels, count, stride) in enumerate(TABLE):
            stride = CIFAR_STRIDES[row] if small else stride
            cout = round_to_8(channels * width)
            for i in range(count):
                step = stride if i == 0 else 1
                self.blocks.append(InvertedResidual(cin, cout, step, expansion))
                cin = cout
        self.last = ConvNorm(cin, last, 1, activation=nn.ReLU6(True))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(last, classes)
        initialise_relu(self)

    def _embed(self, image: Tensor) -> Tensor:
        x = self.last(self.blocks(self.stem(image)))
        return self.dropout(x.mean((2, 3)))


class InvertedResidual(nn.Module):
    """Widen `expansion` times, mix each channel alone, narrow (figure 4d)."""

    def __init__(self, cin: int, cout: int, stride: int, expansion: int):
        super().__init__()
        self.cin, self.cout, self.stride = cin, cout, stride
        hidden = cin * expansion
        self.residual = nn.Sequential()
        if expansion != 1:
            self.residual.append(ConvNorm(cin, hidden, 1, activation=nn.ReLU6(True)))
        self.residual.append(
            ConvNorm(
                hidden, hidden, stride=stride, groups=hidden, activation=nn.ReLU6(True)
            )
        )
        self.residual.append(ConvNorm(hidden, cout, 1))
        self.has_shortcut = stride == 1 and cin == cout

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.cin} height width"]
    ) -> Float[
        Tensor,
        "batch {self.cout} (height-1)//{self.stride}+1 (width-1)//{self.stride}+1",
    ]:
        """Add the input where the shape stays."""
        return x + self.residual(x) if self.has_shortcut else self.residual(x)


def round_to_8(channels: float) -> int:
    """The nearest multiple of 8, at least 8, and never less than 90 % of `channels`."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
