"""Rows of a table by their numbers."""

from typing import Any

from jaxtyping import Float, Int

from ..engine.function import Function
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .choices import where
from .fused import constant, refuse
from .places import read_at
from .rows import scatter_add_rows


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
        gw = scatter_add_rows(flat, index, ctx.rows)
        if ctx.padding is not None:
            gw[ctx.padding] = 0
        return gw, None, None

    @staticmethod
    def plain(weight: Tensor, index: Any, padding: int | None) -> Tensor:
        rows = read_at(weight, (index,))
        if padding is None:
            return rows
        return where(constant((index != padding)[..., None]), rows, rows.detach())


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
