"""Normalisation over the last axes: layer norm and RMS norm as one operation.

For a row of D numbers: xhat = (x - mean) / sqrt(var + eps), y = w xhat + b. With
h = g w the gradient is (h - mean(h) - xhat mean(h xhat)) / sqrt(var + eps).
"""

import math
from typing import Any

from jaxtyping import Float

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .fused import want_same_dtype
from .linear import column_sums


class LayerNorm(Function):
    """Rows of the last axes; `centred` False is RMSNorm: no mean is taken away."""

    @staticmethod
    def forward(ctx: Function, x, weight, bias, size: int, eps: float, centred: bool):
        flat = x.data.reshape(math.prod(x.shape) // max(size, 1), size)
        ctx.hat, ctx.scale = normalized(flat, eps, centred)
        ctx.centred = centred
        ctx.save_for_backward(weight)
        if weight is None:
            out = ctx.hat.copy()
        else:
            out = ctx.hat * weight.data.reshape(-1)
        if bias is not None:
            out += bias.data.reshape(-1)
        return out.reshape(x.shape)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        (weight,) = ctx.saved_tensors
        g, hat = grad.data.reshape(ctx.hat.shape), ctx.hat
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        gx = gw = gb = None
        if needs_bias:
            gb = owned(column_sums(g), ctx.edges[2].shape)
        product = g * hat
        if needs_weight:
            gw = owned(column_sums(product), ctx.edges[1].shape)
        if needs_x:
            w = None if weight is None else weight.data.reshape(-1)
            gx = array_module(g).empty(grad.shape, g.dtype)
            out = gx.reshape(g.shape)
            rows_gradient(g, product, w, hat, ctx.scale, ctx.centred, out)
        return gx, gw, gb, None, None, None

    @staticmethod
    def plain(x, weight, bias, size: int, eps: float, centred: bool) -> Tensor:
        rows = x.reshape(math.prod(x.shape) // max(size, 1), size)
        if centred:
            rows = rows - rows.sum(-1, keepdim=True) / size
        power = (rows * rows).sum(-1, keepdim=True) / size
        out = (rows / (power + eps).sqrt()).reshape(x.shape)
        out = out if weight is None else out * weight
        return out if bias is None else out + bias


def normalized(rows: Any, eps: float, centred: bool = True) -> tuple[Any, Any]:
    """xhat and 1 / sqrt(var + eps) of each row of a matrix."""
    xp, size = array_module(rows), max(rows.shape[1], 1)
    if centred:
        hat = rows - row_means(rows)
        power = row_dots(hat, hat)
    else:
        hat, power = rows, row_dots(rows, rows)
    power /= size
    power += eps
    scale = xp.divide(1, xp.sqrt(power, out=power), out=power)
    hat = xp.multiply(hat, scale, out=hat if centred else None)
    return hat, scale


def rows_gradient(g, product, w, hat, scale, centred: bool, out) -> None:
    """The gradient of the rows into `out`; `product` = g hat is used up as scratch."""
    xp, size = array_module(g), max(g.shape[1], 1)
    w = xp.ones(g.shape[1], g.dtype) if w is None else w
    # mean(g w hat) and mean(g w) as matrix-vector products.
    mean = xp.matmul(g, w)[:, None] / size if centred else None
    correlation = xp.matmul(product, w)[:, None] / size
    xp.multiply(g, w, out=out)
    xp.multiply(hat, correlation, out=product)
    out -= product
    if centred:
        out -= mean
    out *= scale


def row_means(rows: Any) -> Any:
    """The mean of each row, kept as an axis; a product with 1 / n is the quickest."""
    xp, size = array_module(rows), max(rows.shape[1], 1)
    return xp.matmul(rows, xp.full((rows.shape[1], 1), 1 / size, rows.dtype))


def row_dots(a: Any, b: Any) -> Any:
    """The scalar product of each row of `a` with that of `b`, kept as an axis."""
    xp = array_module(a)
    if hasattr(xp, "vecdot"):
        return xp.vecdot(a, b)[..., None]
    return (a * b).sum(-1, keepdims=True)


def owned(fresh: Any, shape: tuple[int, ...]) -> Any:
    """`fresh` in another shape as memory of its own: a view would count as shared."""
    return fresh if fresh.shape == shape else fresh.reshape(shape).copy()


@contract
def layer_norm(
    input: Float[Tensor, "..."],
    normalized_shape: tuple[int, ...] | list[int],
    weight: Float[Tensor, "..."] | None = None,
    bias: Float[Tensor, "..."] | None = None,
    eps: float = 1e-5,
) -> Float[Tensor, "..."]:
    """Mean 0 and variance 1 over the last axes, then a scale and a shift."""
    size = _check_shape("layer_norm", input, normalized_shape, weight, bias)
    return LayerNorm.apply(input, weight, bias, size, eps, True)


@contract
def rms_norm(
    input: Float[Tensor, "..."],
    normalized_shape: tuple[int, ...] | list[int],
    weight: Float[Tensor, "..."] | None = None,
    eps: float | None = None,
) -> Float[Tensor, "..."]:
    """x / sqrt(mean of x^2 + eps) over the last axes (Zhang & Sennrich 2019).

    `eps` defaults to the machine epsilon of the dtype.
    """
    size = _check_shape("rms_norm", input, normalized_shape, weight, None)
    if eps is None:
        eps = float(array_module(input.data).finfo(input.dtype).eps)
    return LayerNorm.apply(input, weight, None, size, eps, False)


def _check_shape(name: str, x: Tensor, wanted, weight, bias) -> int:
    wanted = tuple(wanted)
    if not wanted or x.shape[-len(wanted) :] != wanted:
        raise RuntimeError(
            f"{name}: normalized_shape {wanted} are not the last axes of an input of "
            f"shape {x.shape}"
        )
    for label, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor.shape != wanted:
            raise RuntimeError(
                f"{name}: a {label} of shape {tensor.shape} for normalized_shape "
                f"{wanted}"
            )
    want_same_dtype(name, x, weight, bias)
    return math.prod(wanted)
