"""ConvNeXt (Liu et al. 2022, arXiv 2201.03545, figures 3 and 4, appendix A).

A residual network with the habits of a Transformer: patches at the entrance, one 7x7
convolution of each channel alone, a perceptron of two layers at each pixel, layer
normalisation, GELU. `tiny` has 3, 3, 9, 3 blocks of 96, 192, 384, 768 channels.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .blocks import DropPath, drop_path_rates, scale_width
from .classifier import Classifier
from .initialise import initialise_truncated


class ConvNeXt(Classifier):
    """`patch` pixels a side become one cell (the paper: 4); three halvings follow."""

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        depths: Sequence[int] = (3, 3, 9, 3),
        base: int = 96,
        patch: int = 2,
        width: float = 1.0,
        drop_path: float = 0.0,
    ):
        super().__init__(in_channels, classes)
        self.least_side = patch * 2 ** (len(depths) - 1)
        rates = iter(drop_path_rates(drop_path, sum(depths)))
        cin = scale_width(base, width)
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, cin, patch, patch), PixelNorm(cin)
        )
        self.stages = nn.Sequential()
        for stage, depth in enumerate(depths):
            cout, parts = scale_width(base * 2**stage, width), []
            if stage > 0:
                parts += [PixelNorm(cin), nn.Conv2d(cin, cout, 2, 2)]
            parts += [ConvNeXtBlock(cout, next(rates)) for _ in range(depth)]
            self.stages.append(nn.Sequential(*parts))
            cin = cout
        self.norm = nn.LayerNorm(cin, eps=1e-6)
        self.head = nn.Linear(cin, classes)
        initialise_truncated(self)

    def _embed(self, image: Tensor) -> Tensor:
        return self.norm(self.stages(self.stem(image)).mean((2, 3)))


class ConvNeXtBlock(nn.Module):
    """Mix the neighbours of each channel, then the channels of each pixel.

    `scale` is a number for each channel of the branch (Touvron et al. 2021, CaiT), at
    first 1e-6, so that the block begins as the identity.
    """

    def __init__(self, channels: int, drop_path: float = 0.0):
        super().__init__()
        self.channels = channels
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.widen = nn.Linear(channels, 4 * channels)
        self.gelu = nn.GELU()
        self.narrow = nn.Linear(4 * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), 1e-6))
        self.drop_path = DropPath(drop_path)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.channels} height width"]
    ) -> Float[Tensor, "batch {self.channels} height width"]:
        """Add the branch to the input."""
        pixels = self.depthwise(x).permute(0, 2, 3, 1)  # (batch, height, width, c)
        pixels = self.narrow(self.gelu(self.widen(self.norm(pixels))))
        branch = (pixels * self.scale).permute(0, 3, 1, 2)
        return x + self.drop_path(branch)


class PixelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel."""

    def __init__(self, channels: int):
        super().__init__(channels, eps=1e-6)
        self.channels = channels

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.channels} height width"]
    ) -> Float[Tensor, "batch {self.channels} height width"]:
        """Give the channels of a pixel mean 0 and variance 1, then scale and shift."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
