"""Deep residual networks (He, Zhang, Ren & Sun 2015, arXiv 1512.03385).

A block learns what to add to its input (eq. 1), so that a hundred layers train. Two
families of the paper: for ImageNet (table 1: 18, 34 and 50 layers, four stages from 64
channels) and for CIFAR-10 (section 4.2: 6n+2 layers, three stages from 16 channels).
Departures: the bottleneck has its stride in the 3x3 convolution, as all do since
Goyal et al. 2017; the ImageNet family also comes with a stem for small images.
"""

from collections.abc import Sequence
from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .blocks import ConvNorm, DropPath, SqueezeExcite, drop_path_rates, scale_width
from .classifier import Classifier
from .initialise import initialise_relu


Stem = Literal["cifar", "imagenet"]


class ResNet(Classifier):
    """A stage for each entry of `depths`; each further one has half the sides.

    `base` channels in the first stage, twice as many in each further one. The stem
    `imagenet` divides the sides by 4 before the first stage, `cifar` keeps them.
    `identity_shortcuts`: no weights in a shortcut (option A of section 3.3), else a 1x1
    convolution where the shape changes (option B).
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        depths: Sequence[int],
        bottleneck: bool = False,
        base: int = 64,
        identity_shortcuts: bool = False,
        stem: Stem = "cifar",
        width: float = 1.0,
        squeeze_excite: bool = False,
        drop_path: float = 0.0,
    ):
        super().__init__(in_channels, classes)
        block = Bottleneck if bottleneck else BasicBlock
        rates = iter(drop_path_rates(drop_path, sum(depths)))
        cin = scale_width(base, width)
        self.stem = make_stem(in_channels, cin, stem)
        self.stages = nn.Sequential()
        for stage, depth in enumerate(depths):
            channels, blocks = scale_width(base * 2**stage, width), []
            for i in range(depth):
                made = block(
                    cin,
                    channels,
                    stride=2 if stage > 0 and i == 0 else 1,
                    identity_shortcut=identity_shortcuts,
                    squeeze_excite=squeeze_excite,
                    drop_path=next(rates),
                )
                blocks.append(made)
                cin = made.cout
            self.stages.append(nn.Sequential(*blocks))
        self.head = nn.Linear(cin, classes)
        initialise_relu(self)

    def _embed(self, image: Tensor) -> Tensor:
        return self.stages(self.stem(image)).mean((2, 3))


class ResidualBlock(nn.Module):
    """y = relu(F(x) + x), eq. 1; what F is, `residual`, a subclass says."""

    residual: nn.Module

    def __init__(self, cin: int, cout: int, stride: int, identity_shortcut: bool):
        super().__init__()
        self.cin, self.cout, self.stride = cin, cout, stride
        self.shortcut = make_shortcut(cin, cout, stride, identity_shortcut)
        self.relu = nn.ReLU(inplace=True)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.cin} height width"]
    ) -> Float[
        Tensor,
        "batch {self.cout} (height-1)//{self.stride}+1 (width-1)//{self.stride}+1",
    ]:
        """Add to the shortcut what the residual function has learned."""
        return self.relu(self.residual(x) + self.shortcut(x))


class BasicBlock(ResidualBlock):
    """F is two 3x3 convolutions (figure 5, left)."""

    def __init__(
        self,
        cin: int,
        channels: int,
        *,
        stride: int = 1,
        identity_shortcut: bool = False,
        squeeze_excite: bool = False,
        drop_path: float = 0.0,
    ):
        super().__init__(cin, channels, stride, identity_shortcut)
        self.residual = nn.Sequential(
            ConvNorm(cin, channels, stride=stride, activation=nn.ReLU(inplace=True)),
            ConvNorm(channels, channels),
            *_options(channels, squeeze_excite, drop_path),
        )


class Bottleneck(ResidualBlock):
    """F is 1x1, 3x3, 1x1, which reduce, mix and restore the channels (figure 5)."""

    def __init__(
        self,
        cin: int,
        channels: int,
        *,
        stride: int = 1,
        identity_shortcut: bool = False,
        squeeze_excite: bool = False,
        drop_path: float = 0.0,
    ):
        cout = 4 * channels
        super().__init__(cin, cout, stride, identity_shortcut)
        self.residual = nn.Sequential(
            ConvNorm(cin, channels, 1, activation=nn.ReLU(inplace=True)),
            ConvNorm(channels, channels, stride=stride, activation=nn.ReLU(True)),
            ConvNorm(channels, cout, 1),
            *_options(cout, squeeze_excite, drop_path),
        )


class PaddedShortcut(nn.Module):
    """The identity where the shape changes: skip pixels, add channels of zeros."""

    def __init__(self, cin: int, cout: int, stride: int):
        super().__init__()
        self.cin, self.cout, self.stride = cin, cout, stride

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.cin} height width"]
    ) -> Float[
        Tensor,
        "batch {self.cout} (height-1)//{self.stride}+1 (width-1)//{self.stride}+1",
    ]:
        """Keep each `stride`-th pixel of each row and column."""
        kept = x[:, :, :: self.stride, :: self.stride]
        return F.pad(kept, (0, 0, 0, 0, 0, self.cout - self.cin))


def make_shortcut(cin: int, cout: int, stride: int, identity: bool) -> nn.Module:
    """Option A or B of section 3.3; nothing to do where the shape stays."""
    if stride == 1 and cin == cout:
        return nn.Identity()
    if identity:
        return PaddedShortcut(cin, cout, stride)
    return ConvNorm(cin, cout, 1, stride=stride)


def make_stem(in_channels: int, cout: int, stem: Stem) -> nn.Sequential:
    """`imagenet`: 7x7 and a maximum, a quarter of the sides; `cifar`: 3x3."""
    relu = nn.ReLU(inplace=True)
    if stem == "cifar":
        return nn.Sequential(ConvNorm(in_channels, cout, activation=relu))
    if stem == "imagenet":
        return nn.Sequential(
            ConvNorm(in_channels, cout, 7, stride=2, activation=relu),
            nn.MaxPool2d(3, 2, 1),
        )
    raise ValueError(f"stem {stem!r} is not cifar or imagenet")


def _options(channels: int, squeeze_excite: bool, rate: float) -> list[nn.Module]:
    excite = [SqueezeExcite(channels)] if squeeze_excite else []
    return [*excite, DropPath(rate)] if rate else [*excite]
