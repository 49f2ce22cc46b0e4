"""Where a token stands: learned, sinusoidal, rotary and linear-bias positions.

The first two are added to the embeddings; the rotary ones turn queries and keys in each
layer; ALiBi needs only a slope per head, which the `Mask` of the attention takes.
All tables are read by an index: `slice(past, past + time)` for the tokens that follow
`past` others, or a tensor of positions, as `restart` gives it for packed documents.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract


Index = slice | Int[Tensor, "batch time"]


class LearnedPositions(nn.Module):
    """A trained vector for each of `length` places (Gehring et al. 2017; GPT)."""

    def __init__(self, length: int, d_model: int):
        super().__init__()
        self.length, self.d_model = length, d_model
        self.weight = nn.Parameter(torch.empty(length, d_model))
        nn.init.normal_(self.weight, std=0.02)

    @contract
    def forward(self, index: Index) -> Float[Tensor, "... time {self.d_model}"]:
        """The vectors of the places; ValueError beyond `length`."""
        return _read(self.weight, index)


class SinusoidalPositions(nn.Module):
    """PE(p, 2i) = sin(p / 10000^(2i / d_model)), PE(p, 2i+1) = cos (Vaswani 2017).

    Section 3.5: sine and cosine take turns, each pair with a wavelength of its own.
    """

    def __init__(self, length: int, d_model: int):
        super().__init__()
        self.length, self.d_model = length, d_model
        angles = _angles(length, d_model, 10000.0)
        pairs = torch.stack((angles.sin(), angles.cos()), dim=2).flatten(1)
        table = pairs[:, :d_model].to(torch.get_default_dtype())
        self.register_buffer("table", table, persistent=False)

    @contract
    def forward(self, index: Index) -> Float[Tensor, "... time {self.d_model}"]:
        """The vectors of the places; ValueError beyond `length`."""
        return _read(self.table, index)


class RotaryPositions(nn.Module):
    """Rotary embedding (Su et al. 2021, arXiv 2104.09864, eq. 34), halves paired.

    Component i turns together with i + head_dim/2, as in Llama of `transformers`; the
    paper and Meta's own code pair 2i with 2i + 1. The weights of one layout give the
    other after a permutation of the rows of q and k.
    """

    def __init__(self, length: int, head_dim: int, base: float = 10000.0):
        super().__init__()
        if head_dim % 2:
            raise ValueError(f"head_dim {head_dim} is odd: rotary positions need pairs")
        self.length, self.head_dim = length, head_dim
        angles = _angles(length, head_dim, base).repeat(1, 2)
        sign = torch.ones(head_dim)
        sign[: head_dim // 2] = -1
        tables = torch.stack((angles.cos(), angles.sin() * sign))[:, :, None]
        tables = tables.to(torch.get_default_dtype())  # (2, length, 1, head_dim)
        self.register_buffer("cos", tables[0], persistent=False)
        self.register_buffer("signed_sin", tables[1], persistent=False)

    @contract
    def forward(
        self, index: Index
    ) -> tuple[
        Float[Tensor, "... time 1 {self.head_dim}"],
        Float[Tensor, "... time 1 {self.head_dim}"],
    ]:
        """Cosines and sines for `rotate`; ValueError beyond `length`."""
        return _read(self.cos, index), _read(self.signed_sin, index)


Rotation = tuple[
    Float[Tensor, "... time 1 head_dim"], Float[Tensor, "... time 1 head_dim"]
]


@contract
def rotate(
    x: Float[Tensor, "batch time heads head_dim"], rotation: Rotation
) -> Float[Tensor, "batch time heads head_dim"]:
    """Turn each pair (x_i, x_{i + head_dim/2}) by its token's angle.

    The sines of the first half carry the minus, so that one roll does both halves.
    """
    cos, signed_sin = rotation
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), signed_sin)


@contract
def alibi_slopes(heads: int) -> Float[Tensor, " heads"]:
    """2^(-8/n), 2^(-16/n), ... for n heads (Press et al. 2021, arXiv 2108.12409).

    Where n is no power of two, the paper's code takes the slopes of the power below,
    and then every second one of the power above.
    """
    below = 1 << (heads.bit_length() - 1)
    slopes = [2 ** (-8 * (i + 1) / below) for i in range(below)]
    between = [2 ** (-4 * (i + 1) / below) for i in range(0, 2 * below, 2)]
    return torch.tensor((slopes + between)[:heads])


@contract
def restart(document: Int[Tensor, "batch time"]) -> Int[Tensor, "batch time"]:
    """The place of each token within its document: 0 where the id changes."""
    place = torch.arange(document.shape[1], device=document.device)
    begins = torch.zeros_like(document, dtype=torch.bool)
    begins[:, 1:] = document[:, 1:] != document[:, :-1]
    return place - (place * begins).cummax(1).values


def _angles(length: int, features: int, base: float) -> Tensor:
    """p / base^(2i / features), in float64: (length, features / 2)."""
    rates = base ** (-torch.arange(0, features, 2, dtype=torch.float64) / features)
    return torch.outer(torch.arange(length, dtype=torch.float64), rates)


def _read(table: Tensor, index: Index) -> Tensor:
    # A slice beyond the end would silently be shorter; a tensor raises by itself.
    if isinstance(index, slice) and index.stop > len(table):
        raise ValueError(f"position {index.stop - 1}: there are only {len(table)}")
    return table[index]
