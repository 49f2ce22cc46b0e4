"""The operations: each computed from `map`, `zip` and `reduce`, and its gradient.

A gradient is written for the broadcast shape; `autodiff.expand` sums the copies once,
in the loop. Comparisons have no gradient: their results are constants.
"""

import math

from . import operators
from .autodiff import Context, Function
from .tensor_data import TensorData


class Add(Function):
    def forward(ctx: Context, a, b) -> TensorData:
        return ctx.ops.zip(operators.add)(a.data, b.data)

    def backward(ctx: Context, grad):
        return grad, grad


class Sub(Function):
    def forward(ctx: Context, a, b) -> TensorData:
        return ctx.ops.zip(operators.sub)(a.data, b.data)

    def backward(ctx: Context, grad):
        return grad, -grad if ctx.needs[1] else None


class Mul(Function):
    def forward(ctx: Context, a, b) -> TensorData:
        ctx.save_for_backward(a, b)
        return ctx.ops.zip(operators.mul)(a.data, b.data)

    def backward(ctx: Context, grad):
        a, b = ctx.saved
        return (
            grad * b if ctx.needs[0] else None,
            grad * a if ctx.needs[1] else None,
        )


class Div(Function):
    def forward(ctx: Context, a, b) -> TensorData:
        ctx.save_for_backward(a, b)
        return ctx.ops.zip(operators.div)(a.data, b.data)

    def backward(ctx: Context, grad):
        a, b = ctx.saved
        return grad / b, -grad * (a / b) / b if ctx.needs[1] else None


class Pow(Function):
    """A constant exponent: `exponent` is a number."""

    def forward(ctx: Context, a, exponent: float) -> TensorData:
        ctx.save_for_backward(a)
        ctx.exponent = exponent
        return ctx.ops.zip(operators.power)(a.data, a.constant(exponent).data)

    def backward(ctx: Context, grad):
        (a,) = ctx.saved
        if ctx.exponent == 0:
            return grad * 0.0
        return grad * (ctx.exponent * a ** (ctx.exponent - 1))


class Neg(Function):
    def forward(ctx: Context, a) -> TensorData:
        return ctx.ops.map(operators.neg)(a.data)

    def backward(ctx: Context, grad):
        return -grad


class Exp(Function):
    def forward(ctx: Context, a) -> TensorData:
        out = ctx.ops.map(operators.exp)(a.data)
        ctx.save_for_backward(a.derived(out))
        return out

    def backward(ctx: Context, grad):
        (out,) = ctx.saved
        return grad * out


class Log(Function):
    def forward(ctx: Context, a) -> TensorData:
        ctx.save_for_backward(a)
        return ctx.ops.map(operators.log)(a.data)

    def backward(ctx: Context, grad):
        (a,) = ctx.saved
        return grad / a


class Softplus(Function):
    """log(1 + exp(x)); its derivative is the sigmoid."""

    def forward(ctx: Context, a) -> TensorData:
        ctx.save_for_backward(a)
        return ctx.ops.map(operators.softplus)(a.data)

    def backward(ctx: Context, grad):
        (a,) = ctx.saved
        return grad * a.sigmoid()


class Relu(Function):
    def forward(ctx: Context, a) -> TensorData:
        ctx.save_for_backward(a)
        return ctx.ops.map(operators.relu)(a.data)

    def backward(ctx: Context, grad):
        (a,) = ctx.saved
        return grad.derived(ctx.ops.zip(operators.relu_back)(a.data, grad.data))


class _FromOutput(Function):
    """An operation whose derivative is a rule of its own result."""

    rule = rule_back = staticmethod(operators.identity)

    @classmethod
    def forward(cls, ctx: Context, a) -> TensorData:
        out = ctx.ops.map(cls.rule)(a.data)
        ctx.save_for_backward(a.derived(out))
        return out

    @classmethod
    def backward(cls, ctx: Context, grad):
        (out,) = ctx.saved
        return grad.derived(ctx.ops.zip(cls.rule_back)(out.data, grad.data))


class Inv(_FromOutput):
    rule = staticmethod(operators.inv)
    rule_back = staticmethod(operators.inv_back)


class Sigmoid(_FromOutput):
    rule = staticmethod(operators.sigmoid)
    rule_back = staticmethod(operators.sigmoid_back)


class Tanh(_FromOutput):
    rule = staticmethod(operators.tanh)
    rule_back = staticmethod(operators.tanh_back)


class Compare(Function):
    """1 where the rule holds and 0 elsewhere; a constant."""

    differentiable = False

    def forward(ctx: Context, a, b, rule) -> TensorData:
        return ctx.ops.zip(rule)(a.data, b.data)


class All(Function):
    """1 if no element along `dim` is zero; a constant. Keeps the axis with size 1."""

    differentiable = False

    def forward(ctx: Context, a, dim: int) -> TensorData:
        return ctx.ops.reduce(operators.both, 1.0)(a.data, dim)


class Sum(Function):
    """Along `dim`, which stays with size 1."""

    def forward(ctx: Context, a, dim: int) -> TensorData:
        ctx.shape = a.shape
        return ctx.ops.reduce(operators.add, 0.0)(a.data, dim)

    def backward(ctx: Context, grad):
        return grad.expand(ctx.shape)


class Max(Function):
    """Along `dim`, which stays with size 1. Equal maxima share the gradient evenly."""

    def forward(ctx: Context, a, dim: int) -> TensorData:
        if a.shape[dim] == 0:
            raise RuntimeError(f"max: axis {dim} of shape {a.shape} is empty")
        out = ctx.ops.reduce(operators.maximum, -math.inf)(a.data, dim)
        ctx.dim = dim
        ctx.save_for_backward(a, a.derived(out))
        return out

    def backward(ctx: Context, grad):
        a, out = ctx.saved
        hit = a == out
        return grad * hit / hit.sum(ctx.dim, keepdim=True)


class MatMul(Function):
    """Of tensors with two axes or more; the axes before the last two broadcast."""

    def forward(ctx: Context, a, b) -> TensorData:
        ctx.save_for_backward(a, b)
        return ctx.ops.matrix_multiply(a.data, b.data)

    def backward(ctx: Context, grad):
        a, b = ctx.saved
        return (
            grad @ b.transpose(-1, -2) if ctx.needs[0] else None,
            a.transpose(-1, -2) @ grad if ctx.needs[1] else None,
        )


class Conv2d(Function):
    """The window starts at each pixel; zeros beyond the right and the lower edge."""

    def forward(ctx: Context, x, weight) -> TensorData:
        ctx.save_for_backward(x, weight)
        return ctx.ops.convolve(x.data, weight.data, x.shape[2:], False)

    def backward(ctx: Context, grad):
        x, weight = ctx.saved
        swapped = (1, 0, 2, 3)
        size, window = x.shape[2:], weight.shape[2:]
        to_x = ctx.ops.convolve(grad.data, weight.data.permute(swapped), size, True)
        to_weight = ctx.ops.convolve(
            x.data.permute(swapped), grad.data.permute(swapped), window, False
        )
        return grad.derived(to_x), grad.derived(to_weight.permute(swapped))
