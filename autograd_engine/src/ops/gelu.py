"""relu and gelu, the two activations whose speed a training step feels.

gelu(x) = x Phi(x) with the normal distribution Phi. In float32 Phi comes from one tanh:
Phi(x) = (1 + tanh(x P(x^2))) / 2, P of degree 6 fitted on |x| <= 5.5 (weighted least
squares, reweighted towards equal errors): 3e-8 from the truth, less than the rounding.
"""

import math
from typing import Any

import numpy as np

from ..engine.backend import array_module
from ..engine.dtypes import is_floating
from ..engine.function import Function
from ..engine.tensor import Tensor
from .fused import constant, pieces, refuse, want_floating
from .special import erf_array


FIT = (
    7.97884941e-01,
    3.63330844e-02,
    -3.25947446e-05,
    -5.53063167e-05,
    3.96477313e-06,
    -1.32266276e-07,
    1.75627733e-09,
)
TANH_INNER, TANH_CUBE = math.sqrt(2 / math.pi), 0.044715


class Relu(Function):
    """max(x, 0); keeps its result, which the next layer keeps anyway."""

    @staticmethod
    def forward(ctx: Function, x: Tensor):
        xp = array_module(x.data)
        # clip is several times faster than maximum with a number.
        top = xp.inf if is_floating(x.dtype) else None
        out = xp.asarray(xp.clip(x.data, 0, top))
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor):
        (out,) = ctx.saved_tensors
        return grad.data * (out.data > 0)

    @staticmethod
    def plain(x: Tensor) -> Tensor:
        return x * constant((x.data > 0).astype(x.dtype))


class Gelu(Function):
    """x Phi(x); the slope Phi(x) + x phi(x) is made where Phi is at hand."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, tanh: bool):
        xp, array = array_module(x.data), x.data
        out = xp.empty(array.shape, array.dtype)
        ctx.slope = xp.empty_like(out) if ctx.needs_input_grad[0] else None
        flats = array.reshape(-1), out.reshape(-1)
        slopes = None if ctx.slope is None else ctx.slope.reshape(-1)
        rule = tanh_gelu if tanh else exact_gelu
        for piece in pieces(flats[1]):
            slope = None if slopes is None else slopes[piece]
            rule(flats[0][piece], flats[1][piece], slope)
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return grad.data * ctx.slope, None

    @staticmethod
    def plain(x: Tensor, tanh: bool) -> Tensor:
        if tanh:
            inner = (x + x * x * x * TANH_CUBE) * TANH_INNER
            return x * 0.5 * (inner.tanh() + 1)
        return x * 0.5 * ((x * math.sqrt(0.5)).erf() + 1)


def exact_gelu(x: Any, out: Any, slope: Any | None) -> None:
    """Fill `out` with x Phi(x), and `slope` with Phi(x) + x phi(x)."""
    xp = array_module(x)
    phi = normal_distribution(x)
    xp.multiply(x, phi, out=out)
    if slope is not None:
        xp.multiply(x, x, out=slope)
        slope *= -0.5
        xp.exp(slope, out=slope)
        slope *= x
        slope *= 1 / math.sqrt(2 * math.pi)
        slope += phi


def normal_distribution(x: Any) -> Any:
    """Phi(x) = (1 + erf(x / sqrt 2)) / 2."""
    xp = array_module(x)
    if x.dtype == np.float64:
        p = erf_array(x * math.sqrt(0.5))
    else:
        z = xp.clip(x, -5.5, 5.5)
        square = z * z
        p = square * FIT[-1]
        for coefficient in FIT[-2:0:-1]:
            p += coefficient
            p *= square
        p += FIT[0]
        p *= z
        xp.tanh(p, out=p)
    p *= 0.5
    p += 0.5
    return p


def tanh_gelu(x: Any, out: Any, slope: Any | None) -> None:
    """x (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3)."""
    xp = array_module(x)
    square = x * x
    square *= TANH_INNER * TANH_CUBE
    t = square + TANH_INNER
    t *= x
    xp.tanh(t, out=t)
    if slope is not None:
        # 1/2 (1 + t) + x/2 (1 - t^2) u'
        xp.multiply(square, 3, out=slope)
        slope += TANH_INNER
        slope *= x
        slope *= 1 - t * t
        slope += t
        slope += 1
        slope *= 0.5
    t += 1
    t *= 0.5
    xp.multiply(x, t, out=out)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    refuse("relu", inplace=inplace)
    return Relu.apply(input)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x times the normal distribution at x; `tanh` approximates it (Hendrycks 2016)."""
    want_floating("gelu", input)
    if approximate not in ("none", "tanh"):
        raise RuntimeError(
            f"gelu: approximate is 'none' or 'tanh', not {approximate!r}"
        )
    return Gelu.apply(input, approximate == "tanh")
