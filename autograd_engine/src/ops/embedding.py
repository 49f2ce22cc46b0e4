"""Rows of a table by their numbers."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .fused import constant, refuse


class Embedding(Function):
    """weight[index]; backward adds the gradients of repeated rows."""

    @staticmethod
    def forward(ctx: Function, weight: Tensor, index: Any, padding: int | None):
        ctx.index, ctx.padding, ctx.rows = index, padding, weight.shape[0]
        return weight.data.take(index, axis=0)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        columns = grad.shape[-1]
        index = ctx.index.reshape(-1)
        flat = grad.data.reshape(index.size, columns)
        gw = add_rows(flat, index, ctx.rows)
        if ctx.padding is not None:
            gw[ctx.padding] = 0
        return gw, None, None

    @staticmethod
    def plain(weight: Tensor, index: Any, padding: int | None) -> Tensor:
        xp = array_module(weight.data)
        chosen = xp.zeros((index.size, weight.shape[0]), weight.dtype)
        chosen[xp.arange(index.size), index.reshape(-1)] = 1
        if padding is not None:
            held = xp.zeros_like(chosen)
            held[:, padding] = chosen[:, padding]
            chosen[:, padding] = 0
            out = constant(chosen) @ weight + constant(held @ weight.data)
        else:
            out = constant(chosen) @ weight
        return out.reshape(*index.shape, weight.shape[1])


def add_rows(rows: Any, index: Any, length: int) -> Any:
    """A matrix of `length` rows: row i is the sum of `rows` where index is i.

    Few distinct rows: a product with the one-hot matrix, which BLAS does. Else sort
    and add runs.
    """
    xp = array_module(rows)
    if length <= 256:
        chosen = xp.zeros((length, index.size), rows.dtype)
        chosen[index, xp.arange(index.size)] = 1
        return xp.matmul(chosen, rows)
    out = xp.zeros((length, rows.shape[1]), rows.dtype)
    if xp is not np:
        xp.add.at(out, index, rows)
    elif index.size:
        order = np.argsort(index, kind="stable")
        ranked = index[order]
        starts = np.flatnonzero(np.diff(ranked, prepend=ranked[0] - 1))
        out[ranked[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return out


@contract
def embedding(
    input: Int[Tensor, "..."],
    weight: Float[Tensor, "vocab width"],
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Float[Tensor, "... width"]:
    """The rows of `weight` that `input` names; row `padding_idx` gets no gradient."""
    refuse(
        "embedding",
        max_norm=max_norm,
        scale_grad_by_freq=scale_grad_by_freq,
        sparse=sparse,
    )
    rows = weight.shape[0]
    index = input.data
    if index.size and not (0 <= index.min() and index.max() < rows):
        bad = index[(index < 0) | (index >= rows)].reshape(-1)[0]
        raise IndexError(f"embedding: row {int(bad)} of a table of {rows} rows")
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise RuntimeError(
            f"embedding: padding_idx {padding_idx} for a table of {rows} rows"
        )
    padding = None if padding_idx is None else padding_idx % rows
    if weight.requires_grad:
        index = index.copy()  # the backward needs it as it is now
    return Embedding.apply(weight, index, padding)
