"""The parts of a U-Net (Ronneberger, Fischer & Brox 2015, arXiv 1505.04597, figure 1)."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract

Norm = Literal["batch", "group", "instance", "none"]
Upsample = Literal["transposed", "bilinear"]

MIN_SIDE = 16
"""Smallest height or width of an image that a model takes."""


def make_norm(kind: Norm, channels: int) -> nn.Module:
    """Build the normalisation layer; `group` makes 8 groups, or as many as divide `channels`."""
    match kind:
        case "batch":
            return nn.BatchNorm2d(channels)
        case "group":
            return nn.GroupNorm(math.gcd(8, channels), channels)
        case "instance":
            return nn.InstanceNorm2d(channels, affine=True)
        case "none":
            return nn.Identity()
    raise ValueError(f"norm {kind!r} is not one of batch, group, instance, none")


class DoubleConv(nn.Module):
    """Twice: convolution 3x3, normalisation, ReLU.

    The convolution has no bias where a normalisation follows: it would be subtracted again.
    """

    def __init__(
        self, cin: int, cout: int, *, norm: Norm = "batch", mid: int | None = None
    ):
        super().__init__()
        self.cin, self.cout = cin, cout
        mid = mid or cout
        bias = norm == "none"
        self.conv1 = nn.Conv2d(cin, mid, 3, padding=1, bias=bias)
        self.norm1 = make_norm(norm, mid)
        self.conv2 = nn.Conv2d(mid, cout, 3, padding=1, bias=bias)
        self.norm2 = make_norm(norm, cout)

    @contract
    def forward(
        self, x: Float[Tensor, "batch {self.cin} height width"]
    ) -> Float[Tensor, "batch {self.cout} height width"]:
        """Mix a neighbourhood of 5x5 pixels."""
        x = F.relu(self.norm1(self.conv1(x)), inplace=True)
        return F.relu(self.norm2(self.conv2(x)), inplace=True)


class Up(nn.Module):
    """Double the sides, append the skip connection, double convolution.

    `transposed` learns the doubling and halves the channels; `bilinear` has no weights and
    leaves the halving to the first convolution.
    """

    def __init__(
        self,
        cin: int,
        cskip: int,
        cout: int,
        *,
        norm: Norm = "batch",
        upsample: Upsample = "transposed",
    ):
        super().__init__()
        self.cin, self.cskip, self.cout = cin, cskip, cout
        if upsample == "transposed":
            self.enlarge = nn.ConvTranspose2d(cin, cskip, 2, stride=2)
            self.convs = DoubleConv(2 * cskip, cout, norm=norm)
        elif upsample == "bilinear":
            self.enlarge = nn.Upsample(
                scale_factor=2, mode="bilinear", align_corners=True
            )
            both = cin + cskip
            self.convs = DoubleConv(both, cout, norm=norm, mid=both // 2)
        else:
            raise ValueError(
                f"upsample {upsample!r} is not one of transposed, bilinear"
            )

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch {self.cin} height width"],
        skip: Float[Tensor, "batch {self.cskip} 2*height 2*width"],
    ) -> Float[Tensor, "batch {self.cout} 2*height 2*width"]:
        """Bring what the coarse level knows to the resolution of `skip`."""
        return self.convs(torch.cat([skip, self.enlarge(x)], dim=1))


@contract
def pad_sides(
    image: Float[Tensor, "batch channel height width"], stride: int
) -> Float[Tensor, "batch channel padded_height padded_width"]:
    """Pad both sides to a multiple of `stride`, and to no less than two strides.

    With one cell left at the bottleneck, batch norm of one image and instance norm are not
    defined. Mirrors the image where the padding is shorter than the image, else repeats its edge.
    """
    height, width = image.shape[-2:]
    pads = []
    for side in (width, height):
        total = max(2, -(-side // stride)) * stride - side
        pads += [total // 2, total - total // 2]
    if not any(pads):
        return image
    mirrored = max(pads[:2]) < width and max(pads[2:]) < height
    return F.pad(image, pads, mode="reflect" if mirrored else "replicate")


@contract
def crop_sides(
    padded: Float[Tensor, "batch channel padded_height padded_width"],
    height: int,
    width: int,
) -> Float[Tensor, "batch channel {height} {width}"]:
    """Undo `pad_sides`."""
    top = (padded.shape[-2] - height) // 2
    left = (padded.shape[-1] - width) // 2
    return padded[..., top : top + height, left : left + width]


def initialise(model: nn.Module) -> None:
    """Draw weights so that every unit starts at variance one (Ronneberger 2015, section 3).

    N(0, 2/N), N inputs of a unit, before a ReLU; 1/N where none follows, as after a doubling.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=module.in_channels**-0.5)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
