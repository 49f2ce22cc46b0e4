"""Affine maps: `linear` as one operation, `bilinear` from matrix products."""

import math

from jaxtyping import Float

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .fused import want_same_dtype


class Linear(Function):
    """x W^T + b; backward: G W, G^T x and the column sums of G."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, weight: Tensor, bias: Tensor | None):
        ctx.save_for_backward(x, weight)
        rows, columns = math.prod(x.shape[:-1]), weight.shape[0]
        out = array_module(x.data).empty((*x.shape[:-1], columns), x.dtype)
        flat = out.reshape(rows, columns)
        array_module(x.data).matmul(
            x.data.reshape(rows, x.shape[-1]), weight.data.T, out=flat
        )
        if bias is not None:
            flat += bias.data
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        x, weight = ctx.saved_tensors
        xp, (columns, inner) = array_module(x.data), weight.shape
        rows = math.prod(x.shape[:-1])
        flat = grad.data.reshape(rows, columns)
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        gx = gw = gb = None
        if needs_x:
            gx = xp.empty(x.shape, x.dtype)
            xp.matmul(flat, weight.data, out=gx.reshape(rows, inner))
        if needs_weight:
            gw = xp.matmul(flat.T, x.data.reshape(rows, inner))
        if needs_bias:
            gb = column_sums(flat)
        return gx, gw, gb

    @staticmethod
    def plain(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        out = x @ weight.T
        return out if bias is None else out + bias


def column_sums(matrix):
    """The sum over rows, as a matrix-vector product: faster than numpy's sum."""
    xp = array_module(matrix)
    return xp.matmul(xp.ones(matrix.shape[0], matrix.dtype), matrix)


@contract
def linear(
    input: Float[Tensor, "*batch in_features"],
    weight: Float[Tensor, "out_features in_features"],
    bias: Float[Tensor, " out_features"] | None = None,
) -> Float[Tensor, "*batch out_features"]:
    """input W^T + b on the last axis."""
    want_same_dtype("linear", input, weight, bias)
    _check_linear(input, weight, bias)
    return Linear.apply(input, weight, bias)


@contract
def bilinear(
    input1: Float[Tensor, "*batch in1"],
    input2: Float[Tensor, "*batch in2"],
    weight: Float[Tensor, "out_features in1 in2"],
    bias: Float[Tensor, " out_features"] | None = None,
) -> Float[Tensor, "*batch out_features"]:
    """y_o = input1^T W_o input2 + b_o."""
    want_same_dtype("bilinear", input1, input2, weight, bias)
    out_features, in1, in2 = weight.shape
    table = weight.permute(1, 0, 2).reshape(in1, out_features * in2)
    mixed = (input1 @ table).reshape(*input1.shape[:-1], out_features, in2)
    out = (mixed * input2.reshape(*input2.shape[:-1], 1, in2)).sum(-1)
    return out if bias is None else out + bias


def _check_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if x.ndim < 1 or weight.ndim != 2 or x.shape[-1] != weight.shape[1]:
        raise RuntimeError(
            f"linear: the last axis of an input of shape {x.shape} and the last axis "
            f"of a weight of shape {weight.shape} (out_features, in_features) differ"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(
            f"linear: a bias of shape {bias.shape} for a weight of shape {weight.shape}"
        )
