"""Where a token is: codes that are added to it, for a grid of any height and width."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract


class LearnedPosition(nn.Module):
    """One learned code for each cell of a square grid, interpolated to other grids.

    So a cell's code says where it is as a share of the image's sides.
    """

    def __init__(self, d_model: int, grid: int):
        super().__init__()
        self.d_model, self.grid = d_model, grid
        self.codes = nn.Parameter(torch.zeros(1, d_model, grid, grid))
        nn.init.trunc_normal_(self.codes, std=0.02)

    @contract
    def forward(
        self, height: int, width: int
    ) -> Float[Tensor, "{height}*{width} {self.d_model}"]:
        """Return the codes row by row; on the learned grid they are the parameters."""
        codes = self.codes
        if (height, width) != (self.grid, self.grid):
            codes = F.interpolate(codes, (height, width), mode="bilinear")
        return codes[0].flatten(1).T


class SinePosition(nn.Module):
    """Fixed codes: half of the channels for the row, half for the column.

    So the codes of two cells differ by their distance in cells, at any size of image.
    """

    def __init__(self, d_model: int):
        super().__init__()
        if d_model % 4:
            raise ValueError(f"d_model {d_model} is not a multiple of 4, as sine needs")
        self.d_model = d_model
        # Not saved: the formula gives it back.
        exponents = torch.arange(d_model // 4) / (d_model // 4)
        self.register_buffer("rates", 10000.0**-exponents, persistent=False)

    @contract
    def forward(
        self, height: int, width: int
    ) -> Float[Tensor, "{height}*{width} {self.d_model}"]:
        """sin(p / 10000^(4i/d)), then cosines (Vaswani et al. 2017, section 3.5)."""
        rows = self._code(height)[:, None].expand(-1, width, -1)
        columns = self._code(width)[None].expand(height, -1, -1)
        return torch.cat([rows, columns], dim=-1).flatten(0, 1)

    def _code(self, length: int) -> Tensor:
        places = torch.arange(length, device=self.rates.device, dtype=self.rates.dtype)
        angles = places[:, None] * self.rates
        return torch.cat([angles.sin(), angles.cos()], dim=-1)
