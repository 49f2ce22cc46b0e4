"""Attention U-Net (Oktay et al. 2018, arXiv 1804.03999): skip connections with a gate.

The coarse level knows roughly where the object is. At each skip connection but the
finest it decides, cell by cell, how much of the detail passes. Left out of the paper's
network: the transform of the gated features and deep supervision.
"""

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .blocks import Up, initialise
from .unet import UNet


class AttentionUNet(UNet):
    """`UNet` with gated skip connections, all but the finest, as in the paper."""

    def __init__(self, in_channels: int, classes: int, **unet: Any):
        super().__init__(in_channels, classes, **unet)
        # `expanding` goes from the coarsest level to the finest, which has no gate.
        for i, up in enumerate(self.expanding[:-1]):
            self.expanding[i] = GatedUp(up)


class GatedUp(nn.Module):
    """`Up` whose skip connection passes a gate first."""

    def __init__(self, up: Up):
        super().__init__()
        self.cin, self.cskip, self.cout = up.cin, up.cskip, up.cout
        self.gate = AttentionGate(up.cin, up.cskip)
        self.up = up

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch {self.cin} height width"],
        skip: Float[Tensor, "batch {self.cskip} 2*height 2*width"],
    ) -> Float[Tensor, "batch {self.cout} 2*height 2*width"]:
        """Gate `skip` by `x`, then merge the two."""
        return self.up(x, self.gate(x, skip))


class AttentionGate(nn.Module):
    """Additive attention of a coarse signal g over a skip connection x (eqs. 1 and 2).

    q = psi^T relu(W_x x + W_g g + b_g) + b_psi on the grid of g, alpha = sigmoid(q)
    interpolated to the grid of x, output alpha x. W_x is a 2x2 convolution of stride 2,
    which brings x to that grid; half as many inner channels as x has is our choice.
    """

    def __init__(self, cgate: int, cskip: int):
        super().__init__()
        self.cgate, self.cskip = cgate, cskip
        inner = max(1, cskip // 2)
        self.w_x = nn.Conv2d(cskip, inner, 2, stride=2, bias=False)
        self.w_g = nn.Conv2d(cgate, inner, 1)
        self.psi = nn.Conv2d(inner, 1, 1)
        initialise(self)
        # Open at the start, so that it begins as a U-Net: sigmoid(3) = 0.95.
        nn.init.normal_(self.psi.weight, std=0.01)
        nn.init.constant_(self.psi.bias, 3.0)

    @contract
    def forward(
        self,
        g: Float[Tensor, "batch {self.cgate} height width"],
        x: Float[Tensor, "batch {self.cskip} 2*height 2*width"],
    ) -> Float[Tensor, "batch {self.cskip} 2*height 2*width"]:
        """Return `x` times the coefficients."""
        return x * self.coefficients(g, x)

    @contract
    def coefficients(
        self,
        g: Float[Tensor, "batch {self.cgate} height width"],
        x: Float[Tensor, "batch {self.cskip} 2*height 2*width"],
    ) -> Float[Tensor, "batch 1 2*height 2*width"]:
        """Return alpha in (0, 1), one number a cell."""
        alpha = self.psi(F.relu(self.w_x(x) + self.w_g(g))).sigmoid()
        return F.interpolate(alpha, x.shape[-2:], mode="bilinear")
