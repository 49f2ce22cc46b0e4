"""Activation functions, each one operation with its slope written by hand.

A value rule fills `out` from `x`; a slope rule fills `out` with g f'(x). Both work on
pieces that stay in the cache, so that their scratch arrays cost nothing.
"""

from collections.abc import Callable
from typing import Any

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.random import generator
from ..engine.tensor import Tensor
from . import activation_rules as rules
from .fused import constant, mapped, piecewise_linear, refuse, want_floating
from .reductions import normalize_dim


def activation(value: Callable, slope: Callable, plain: Callable | None = None) -> type:
    """The Function of one activation; without `plain` it is piecewise linear."""

    class Activation(Function):
        @staticmethod
        def forward(ctx: Function, x: Tensor, *options: Any) -> Any:
            ctx.save_for_backward(x)
            ctx.options = options
            return mapped(value, (x.data,), options)

        @staticmethod
        def backward(ctx: Function, grad: Tensor) -> tuple:
            (x,) = ctx.saved_tensors
            gx = mapped(slope, (x.data, grad.data), ctx.options)
            return gx, *[None] * len(ctx.options)

    Activation.plain = staticmethod(plain or piecewise_linear(value, slope))
    Activation.__name__ = value.__name__
    return Activation


LeakyRelu = activation(rules.leaky, rules.leaky_slope)
Hardtanh = activation(rules.hardtanh, rules.hardtanh_slope)
Hardsigmoid = activation(rules.hardsigmoid, rules.hardsigmoid_slope)
Softshrink = activation(rules.softshrink, rules.shrink_slope)
Hardshrink = activation(rules.hardshrink, rules.shrink_slope)
Threshold = activation(rules.threshold, rules.threshold_slope)
Elu = activation(rules.elu, rules.elu_slope, rules.elu_plain)
Silu = activation(rules.silu, rules.silu_slope, rules.silu_plain)
Mish = activation(rules.mish, rules.mish_slope, rules.mish_plain)
Softplus = activation(rules.softplus, rules.softplus_slope, rules.softplus_plain)
Softsign = activation(rules.softsign, rules.softsign_slope, rules.softsign_plain)
Tanhshrink = activation(
    rules.tanhshrink, rules.tanhshrink_slope, lambda x: x - x.tanh()
)
Logsigmoid = activation(
    rules.logsigmoid, rules.logsigmoid_slope, rules.logsigmoid_plain
)
Hardswish = activation(
    rules.hardswish, rules.hardswish_slope, lambda x: x * Hardsigmoid.plain(x)
)


def _simple(name: str, operation: type, text: str) -> Callable:
    """The public function of an activation without options."""

    def call(input: Tensor, inplace: bool = False) -> Tensor:
        refuse(name, inplace=inplace)
        want_floating(name, input)
        return operation.apply(input)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = text
    return call


silu = _simple("silu", Silu, "x sigmoid(x), also called swish.")
mish = _simple("mish", Mish, "x tanh(softplus(x)) (Misra 2019).")
hardswish = _simple("hardswish", Hardswish, "x relu6(x + 3) / 6.")
hardsigmoid = _simple("hardsigmoid", Hardsigmoid, "relu6(x + 3) / 6.")
swish = silu


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    want_floating("softsign", input)
    return Softsign.apply(input)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    want_floating("tanhshrink", input)
    return Tanhshrink.apply(input)


def logsigmoid(input: Tensor) -> Tensor:
    """log(1 / (1 + e^-x)), finite for every finite x."""
    want_floating("logsigmoid", input)
    return Logsigmoid.apply(input)


def leaky_relu(
    input: Tensor, negative_slope: float = 0.01, inplace: bool = False
) -> Tensor:
    """x above 0, negative_slope x below."""
    refuse("leaky_relu", inplace=inplace)
    want_floating("leaky_relu", input)
    return LeakyRelu.apply(input, negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha (e^x - 1) below."""
    refuse("elu", inplace=inplace)
    want_floating("elu", input)
    return Elu.apply(input, alpha, 1.0, 1.0)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha (e^(x / alpha) - 1) below."""
    refuse("celu", inplace=inplace)
    want_floating("celu", input)
    if alpha == 0:
        raise RuntimeError("celu: alpha 0 divides by zero")
    return Elu.apply(input, alpha, 1.0, 1.0 / alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """The elu that keeps mean 0 and variance 1 (Klambauer et al. 2017)."""
    refuse("selu", inplace=inplace)
    want_floating("selu", input)
    return Elu.apply(input, 1.6732632423543772, 1.0507009873554805, 1.0)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + e^(beta x)) / beta; x itself where beta x > threshold."""
    want_floating("softplus", input)
    return Softplus.apply(input, beta, threshold)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """x held between min_val and max_val."""
    refuse("hardtanh", inplace=inplace)
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val {min_val} is above max_val {max_val}")
    return Hardtanh.apply(input, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """x held between 0 and 6."""
    refuse("relu6", inplace=inplace)
    return Hardtanh.apply(input, 0, 6)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by lambd, not beyond."""
    want_floating("softshrink", input)
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambd must not be negative, got {lambd}")
    return Softshrink.apply(input, lambd)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x where |x| > lambd, else 0."""
    want_floating("hardshrink", input)
    return Hardshrink.apply(input, lambd)


def threshold(
    input: Tensor, threshold: float, value: float, inplace: bool = False
) -> Tensor:
    """x where it is above `threshold`, else `value`."""
    refuse("threshold", inplace=inplace)
    return Threshold.apply(input, threshold, value)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """leaky_relu with a random slope for each element; the mean one in evaluation."""
    refuse("rrelu", inplace=inplace)
    want_floating("rrelu", input)
    if lower > upper:
        raise RuntimeError(f"rrelu: lower {lower} is above upper {upper}")
    if not training:
        return LeakyRelu.apply(input, (lower + upper) / 2)
    xp = array_module(input.data)
    drawn = xp.asarray(generator().uniform(lower, upper, input.shape))
    slope = xp.where(input.data < 0, drawn, 1).astype(input.dtype)
    return input * constant(slope)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """leaky_relu with a learnt slope: one for all, or one a channel (axis 1)."""
    want_floating("prelu", input)
    channels = 1 if input.ndim < 2 else input.shape[1]
    if weight.ndim > 1 or weight.numel() not in (1, channels):
        raise RuntimeError(
            f"prelu: a weight of shape {weight.shape} for {channels} channels of an "
            f"input of shape {input.shape}"
        )
    weight = weight.reshape(-1, *[1] * max(input.ndim - 2, 0))
    weight = weight if input.ndim else weight.reshape(())
    xp, negative = array_module(input.data), input.data < 0
    low = constant(negative.astype(input.dtype))
    high = constant(xp.logical_not(negative).astype(input.dtype))
    return input * high + weight * (input * low)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a sigmoid(b) of the two halves of `input` along `dim`."""
    axis = normalize_dim("glu", dim, input.ndim)
    if input.ndim == 0 or input.shape[axis] % 2:
        raise RuntimeError(
            f"glu: axis {dim} of shape {input.shape} has no two equal halves"
        )
    half = input.shape[axis] // 2
    front = (slice(None),) * axis
    a, b = input[(*front, slice(0, half))], input[(*front, slice(half, None))]
    return a * ((b * 0.5).tanh() * 0.5 + 0.5)
