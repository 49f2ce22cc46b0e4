"""Convolution, pooling, softmax and dropout (MiniTorch's module 4)."""

import math

import numpy as np
from jaxtyping import Float

from ..utils.contracts import contract
from .functions import Conv2d
from .indexing import check_dim
from .tensor import Tensor, tensor


@contract
def conv1d(
    x: Float[Tensor, "batch channel length"],
    weight: Float[Tensor, "out_channel channel window"],
) -> Float[Tensor, "batch out_channel length"]:
    """out[b, o, i] = sum over c, u of x[b, c, i + u] weight[o, c, u].

    As long as x: the window starts at i, and x is zero beyond its end (torch's conv1d
    after F.pad(x, (0, window - 1))).
    """
    return Conv2d.apply(x[:, :, None], weight[:, :, None])[:, :, 0]


@contract
def conv2d(
    x: Float[Tensor, "batch channel height width"],
    weight: Float[Tensor, "out_channel channel rows columns"],
) -> Float[Tensor, "batch out_channel height width"]:
    """out[b, o, i, j] = sum over c, u, v of x[b, c, i + u, j + v] weight[o, c, u, v].

    As large as x: the window starts at (i, j), and x is zero below and to the right.
    """
    return Conv2d.apply(x, weight)


@contract
def avgpool2d(
    x: Float[Tensor, "batch channel height width"], kernel: tuple[int, int]
) -> Float[Tensor, "batch channel rows columns"]:
    """The mean of each tile of size `kernel`; ValueError if the tiles do not fit."""
    return _tile(x, kernel, "avgpool2d").mean(-1)


@contract
def maxpool2d(
    x: Float[Tensor, "batch channel height width"], kernel: tuple[int, int]
) -> Float[Tensor, "batch channel rows columns"]:
    """The largest value of each tile; equal ones share the gradient evenly."""
    return _tile(x, kernel, "maxpool2d").max(-1)


@contract
def softmax(
    x: Float[Tensor, "*others length"], dim: int
) -> Float[Tensor, "*others length"]:
    """exp(x) over its sum along `dim`, shifted by the maximum: nothing overflows."""
    powers = (x - _peak(x, dim, "softmax")).exp()
    return powers / powers.sum(dim, keepdim=True)


@contract
def logsoftmax(
    x: Float[Tensor, "*others length"], dim: int
) -> Float[Tensor, "*others length"]:
    """The logarithm of `softmax`, exact also where that rounds to zero."""
    shifted = x - _peak(x, dim, "logsoftmax")
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


@contract
def dropout(
    x: Float[Tensor, "*shape"],
    rate: float,
    ignore: bool = False,
    *,
    generator: np.random.Generator | None = None,
) -> Float[Tensor, "*shape"]:
    """Zero each element with probability `rate`, divide the others by 1 - rate.

    `ignore` gives x back, as in evaluation.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"dropout: rate {rate} is not in 0 to 1")
    if ignore or rate == 0:
        return x
    generator = generator or np.random.default_rng()
    kept = generator.random(x.shape) >= rate
    scale = 0.0 if rate == 1 else 1 / (1 - rate)
    return x * tensor(kept * scale, backend=x.backend)


def _peak(x: Tensor, dim: int, op: str) -> Tensor:
    """The maximum as a constant: the shift cancels, and so does its gradient."""
    check_dim(dim, x.ndim, op)
    return x.detach().max(dim, keepdim=True)


def _tile(x: Tensor, kernel: tuple[int, int], op: str) -> Tensor:
    """(batch, channels, rows, columns, pixels of a tile)."""
    batch, channels, height, width = x.shape
    high, wide = kernel
    if high < 1 or wide < 1 or height % high or width % wide:
        raise ValueError(
            f"{op}: tiles of {high} x {wide} do not fit into {height} x {width}"
        )
    rows, columns = height // high, width // wide
    tiles = x.contiguous().view(batch, channels, rows, high, columns, wide)
    tiles = tiles.permute(0, 1, 2, 4, 3, 5).contiguous()
    return tiles.view(batch, channels, rows, columns, math.prod(kernel))
