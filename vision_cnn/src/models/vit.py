"""Vision Transformer (Dosovitskiy et al. 2020, arXiv 2010.11929, eqs. 1 to 4).

An image is a sequence of patches; a token for the class joins them and collects what
the head needs. `vit_tiny` is the ViT-Ti of Touvron et al. 2020 (DeiT, arXiv
2012.12877): 12 layers, 3 heads, 192 numbers a token.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from .blocks import DropPath, drop_path_rates, scale_width
from .classifier import Classifier
from .initialise import initialise_truncated


class VisionTransformer(Classifier):
    """`patch` pixels a side become one token (the paper: 16); sides are its multiples.

    `size` is the image that the position codes are made for; for another one they are
    interpolated (section 3.2). A head for each 64 of the `d_model` numbers.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        size: tuple[int, int],
        layers: int = 12,
        base: int = 192,
        patch: int = 4,
        width: float = 1.0,
        drop_path: float = 0.0,
    ):
        super().__init__(in_channels, classes)
        self.side_multiple = patch
        self.check_size(*size)
        d_model = scale_width(base, width)
        heads = max(1, d_model // 64)
        rates = drop_path_rates(drop_path, layers)
        self.grid = size[0] // patch, size[1] // patch
        self.patches = nn.Conv2d(in_channels, d_model, patch, patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, d_model))
        tokens = self.grid[0] * self.grid[1] + 1
        self.position = nn.Parameter(torch.empty(1, tokens, d_model))
        self.layers = nn.Sequential(
            *(TransformerLayer(d_model, heads, rate) for rate in rates)
        )
        self.norm = nn.LayerNorm(d_model, eps=1e-6)
        self.head = nn.Linear(d_model, classes)
        initialise_truncated(self)
        nn.init.trunc_normal_(self.position, std=0.02, a=-0.04, b=0.04)

    def _embed(self, image: Tensor) -> Tensor:
        x = self.patches(image)
        position = self._position(x.shape[2], x.shape[3])
        x = x.flatten(2).mT  # (batch, tokens, d_model)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], dim=1) + position
        return self.norm(self.layers(x)[:, 0])  # eq. 4

    def _position(self, rows: int, columns: int) -> Tensor:
        """The codes for a grid; that of the class token has no place in it."""
        if (rows, columns) == self.grid:
            return self.position
        own, rest = self.position[:, :1], self.position[:, 1:]
        known = rest.mT.unflatten(2, self.grid)
        wanted = F.interpolate(known, (rows, columns), mode="bicubic")
        return torch.cat([own, wanted.flatten(2).mT], dim=1)


class TransformerLayer(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)) (eqs. 2 and 3)."""

    def __init__(self, d_model: int, heads: int, drop_path: float = 0.0):
        super().__init__()
        self.d_model = d_model
        self.norm1 = nn.LayerNorm(d_model, eps=1e-6)
        self.attend = SelfAttention(d_model, heads)
        self.norm2 = nn.LayerNorm(d_model, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model)
        )
        self.drop_path = DropPath(drop_path)

    @contract
    def forward(
        self, x: Float[Tensor, "batch tokens {self.d_model}"]
    ) -> Float[Tensor, "batch tokens {self.d_model}"]:
        """Mix across tokens, then within each token."""
        x = x + self.drop_path(self.attend(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class SelfAttention(nn.Module):
    """Multi-head self-attention (appendix A, eqs. 5 to 8)."""

    def __init__(self, d_model: int, heads: int):
        super().__init__()
        if d_model % heads:
            raise ValueError(f"d_model {d_model} is not a multiple of heads {heads}")
        self.d_model, self.heads = d_model, heads
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.out = nn.Linear(d_model, d_model)

    @contract
    def forward(
        self, x: Float[Tensor, "batch tokens {self.d_model}"]
    ) -> Float[Tensor, "batch tokens {self.d_model}"]:
        """Let each token take from all tokens what it asks for."""
        qkv = self.qkv(x).unflatten(2, (3, self.heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind()  # 3 x (batch heads tokens dim)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).flatten(2))
