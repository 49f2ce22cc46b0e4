"""Random zeros, drawn from the engine's generator; what is left is scaled to keep sums.

In evaluation (`training=False`) each returns its input.
"""

import math
from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.random import generator
from ..engine.tensor import Tensor
from .fused import constant, refuse, want_floating


SELU_LOW = -1.7580993408473766  # -scale * alpha of selu: what alpha_dropout puts in


class Masked(Function):
    """x times a constant that broadcasts, which backward needs and nothing else."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, mask: Any) -> Any:
        ctx.mask = mask
        return x.data * mask

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return grad.data * ctx.mask, None

    @staticmethod
    def plain(x: Tensor, mask: Any) -> Tensor:
        return x * constant(mask)


def draw_mask(shape: tuple[int, ...], p: float, like: Any) -> Any:
    """1 / (1 - p) where an element stays, with probability 1 - p, and 0 elsewhere.

    One random 16-bit number for each element, so that p is met to 1 / 65536.
    """
    size = math.prod(shape)
    bits = generator().integers(0, 1 << 64, (size + 3) // 4, np.uint64)
    bits = bits.view(np.uint16)[:size].reshape(shape)
    limit = round(p * 65536)
    if limit >= 65536 or p == 1:
        mask = np.zeros(shape, like.dtype)
    else:
        mask = (bits >= limit).astype(like.dtype)
        mask *= 1 / (1 - p)
    return array_module(like).asarray(mask)


def dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Each element becomes 0 with probability p, else it is divided by 1 - p."""
    return _drop("dropout", input, p, training, inplace, input.shape)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels become 0: (batch, channel, length) or (channel, length)."""
    return _drop_channels("dropout1d", input, p, training, inplace, 1)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels become 0: (batch, channel, height, width); 3-d as PyTorch's."""
    if input.ndim == 3:  # torch takes the first two axes for batch and channel
        return _drop("dropout2d", input, p, training, inplace, (*input.shape[:2], 1))
    return _drop_channels("dropout2d", input, p, training, inplace, 2)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels become 0: (batch, channel, depth, height, width)."""
    return _drop_channels("dropout3d", input, p, training, inplace, 3)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout that keeps mean and variance after selu (Klambauer et al. 2017)."""
    return _alpha("alpha_dropout", input, p, training, inplace, input.shape)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels."""
    shape = (*input.shape[:2], *[1] * (input.ndim - 2))
    return _alpha("feature_alpha_dropout", input, p, training, inplace, shape)


def _drop_channels(name, x: Tensor, p, training, inplace, spatial: int) -> Tensor:
    if x.ndim not in (spatial + 1, spatial + 2):
        raise RuntimeError(
            f"{name}: an input of {spatial + 1} or {spatial + 2} axes is wanted, "
            f"got shape {x.shape}"
        )
    shape = (*x.shape[: x.ndim - spatial], *[1] * spatial)
    return _drop(name, x, p, training, inplace, shape)


def _drop(name, x: Tensor, p, training, inplace, shape) -> Tensor:
    _check(name, x, p, inplace)
    if not training or p == 0:
        return x
    return Masked.apply(x, draw_mask(shape, p, x.data))


def _alpha(name, x: Tensor, p, training, inplace, shape) -> Tensor:
    _check(name, x, p, inplace)
    if not training or p == 0:
        return x
    keep = draw_mask(shape, p, x.data) != 0
    if p == 1:
        return x * 0.0
    scale = ((1 - p) * (1 + p * SELU_LOW**2)) ** -0.5
    shift = -scale * SELU_LOW * p
    xp = array_module(x.data)
    floor = xp.where(keep, shift, scale * SELU_LOW + shift).astype(x.dtype)
    return x * constant((keep * scale).astype(x.dtype)) + constant(floor)


def _check(name: str, x: Tensor, p: float, inplace: bool) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is a probability from 0 to 1, not {p}")
    refuse(name, inplace=inplace)
    want_floating(name, x)
