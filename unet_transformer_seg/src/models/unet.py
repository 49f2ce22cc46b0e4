"""U-Net (Ronneberger, Fischer & Brox 2015, arXiv 1505.04597).

A contracting path that sees ever more of the image at ever lower resolution, an expanding path
that brings it back, and at each resolution a skip connection that carries the edges across.
Three departures from the paper, usual today: padded convolutions, so that the logits have the size
of the image; a normalisation after each convolution; free depth and width.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .blocks import (
    MIN_SIDE,
    DoubleConv,
    Norm,
    Up,
    Upsample,
    crop_sides,
    initialise,
    pad_sides,
)


class UNet(nn.Module):
    """Channels double and sides halve `depth` times, from `width` channels at full size."""

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        width: int = 32,
        depth: int = 4,
        norm: Norm = "batch",
        upsample: Upsample = "transposed",
        dropout: float = 0.0,
        checkpointing: bool = False,
    ):
        super().__init__()
        self.in_channels, self.classes = in_channels, classes
        self.stride = 2**depth
        self.checkpointing = checkpointing
        widths = [width * 2**level for level in range(depth + 1)]
        if upsample == "bilinear":
            widths[-1] //= 2

        self.contracting = nn.ModuleList(
            DoubleConv(cin, cout, norm=norm)
            for cin, cout in zip([in_channels, *widths], widths[:-1], strict=False)
        )
        self.bottleneck = DoubleConv(widths[-2], widths[-1], norm=norm)
        self.dropout = nn.Dropout(dropout)
        self.bridge = nn.Identity()
        self.expanding = nn.ModuleList()
        cin = widths[-1]
        for level in reversed(range(depth)):
            halved = upsample == "bilinear" and level > 0
            cout = widths[level] // 2 if halved else widths[level]
            self.expanding.append(
                Up(cin, widths[level], cout, norm=norm, upsample=upsample)
            )
            cin = cout
        self.head = nn.Conv2d(width, classes, 1)
        initialise(self)

    @contract
    def forward(
        self, image: Float[Tensor, "batch {self.in_channels} height width"]
    ) -> Float[Tensor, "batch {self.classes} height width"]:
        """Give each pixel one logit a class; ValueError if a side is below 16."""
        height, width = image.shape[-2:]
        x, skips = self.contract_path(image)
        x = self.bridge(x)
        for up in self.expanding:
            x = self._run(up, x, skips.pop())
        return crop_sides(self.head(x), height, width)

    def contract_path(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the bottleneck's features and the skip connections, finest first."""
        height, width = image.shape[-2:]
        if min(height, width) < MIN_SIDE:
            raise ValueError(
                f"image is {height} x {width}; both sides must be at least {MIN_SIDE}"
            )
        x, skips = pad_sides(image, self.stride), []
        for block in self.contracting:
            skips.append(self._run(block, x))
            x = F.max_pool2d(skips[-1], 2)
        # Drop-out at the end of the contracting path, as in the paper.
        return self.dropout(self._run(self.bottleneck, x)), skips

    def _run(self, block: nn.Module, *inputs: Tensor) -> Tensor:
        return block(*inputs)
