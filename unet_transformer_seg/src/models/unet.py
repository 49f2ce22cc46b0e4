"""U-Net (Ronneberger, Fischer & Brox 2015, arXiv 1505.04597).

A contracting path sees ever more of the image at ever lower resolution, an expanding
path brings it back, and at each resolution a skip connection carries the edges across.
Departures from the paper, all usual today: padded convolutions, so that the logits have
the size of the image; a normalisation after each convolution; free depth and width.
"""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .blocks import DoubleConv, Norm, Up, Upsample, initialise
from .padding import MIN_SIDE, crop_sides, pad_sides
from .recompute import recompute


class UNet(nn.Module):
    """`width` channels at full size; `depth` times half the sides, twice the channels.

    The hybrid puts a Transformer into `bridge`; the attention U-Net gates `expanding`.
    """

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
        # Bilinear up-sampling does not halve the channels, so the level below does.
        half = 2 if upsample == "bilinear" else 1
        widths = [width * 2**level for level in range(depth + 1)]
        widths[depth] //= half

        self.contracting = nn.ModuleList(
            DoubleConv(cin, cout, norm=norm)
            for cin, cout in zip([in_channels, *widths], widths[:depth], strict=False)
        )
        self.bottleneck = DoubleConv(widths[depth - 1], widths[depth], norm=norm)
        # Drop-out at the end of the contracting path, as in the paper.
        self.dropout = nn.Dropout(dropout)
        self.bridge: nn.Module = nn.Identity()
        self.expanding = nn.ModuleList()
        cin = widths[depth]
        for level in reversed(range(depth)):
            cout = widths[level] // (half if level > 0 else 1)
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
        """Give each pixel one logit a class.

        ValueError if a side is below 16.
        """
        x, skips = self.encode(image)
        x = self.bridge(x)
        for up in self.expanding:
            x = self._run(up, x, skips.pop())
        return crop_sides(self.head(x), *image.shape[-2:])

    def encode(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the bottleneck's features and the skip connections, finest first."""
        height, width = image.shape[-2:]
        if min(height, width) < MIN_SIDE:
            raise ValueError(
                f"image is {height} x {width}; each side must be at least {MIN_SIDE}"
            )
        x, skips = pad_sides(image, self.stride), []
        for level in self.contracting:
            skips.append(self._run(level, x))
            x = F.max_pool2d(skips[-1], 2)
        return self.dropout(self._run(self.bottleneck, x)), skips

    def _run(self, module: nn.Module, *inputs: Tensor) -> Tensor:
        if self.checkpointing and self.training:
            return recompute(module, *inputs)
        return module(*inputs)
