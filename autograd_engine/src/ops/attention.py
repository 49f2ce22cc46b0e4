"""Scaled dot-product attention (Vaswani et al. 2017) as one operation.

With E = exp(s Q K^T) and the row sums Z: O = (E V) / Z. The probabilities E / Z are
never formed: with G' = G / Z, dV = E^T G', dE = G' V^T and dS = E (dE - rowsum(G' O)),
so that every division is by rows of Q's size. Causal attention works on blocks of query
rows, each with the keys up to its end: what is masked is mostly not computed.
"""

import functools
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .dropout import draw_mask
from .fused import constant, refuse, want_same_dtype
from .norms import row_dots
from .softmax import Softmax, is_tame, sums


BLOCK = 64  # query rows of a causal block


class Attention(Function):
    """softmax(scale Q K^T + mask) V; `mask` and `dropped` are arrays or None."""

    @staticmethod
    def forward(ctx, q, k, v, mask, dropped, causal: bool, scale: float):
        xp = array_module(q.data)
        scaled, keys = q.data * q.dtype.type(scale), turned(k.data)
        out = merged_heads((*q.shape[:-1], v.shape[-1]), q.data)
        ctx.total = xp.empty((*q.shape[:-1], 1), q.dtype)
        ctx.spans = spans(q.shape[-2], k.shape[-2], causal)
        ctx.powers = []
        for rows, end in ctx.spans:
            scores = xp.matmul(scaled[..., rows, :], keys[..., :end])
            if mask is not None:
                scores += mask[..., rows, :end]
            powers = exponentials(scores, rows.start if causal else None)
            ctx.total[..., rows, :] = sums(powers, -1)
            ctx.powers.append(powers)
            if dropped is not None:
                powers = powers * dropped[..., rows, :end]
            xp.matmul(powers, v.data[..., :end, :], out=out[..., rows, :])
        # A row without any key answers 0, as PyTorch's does.
        ctx.total[ctx.total == 0] = 1
        out /= ctx.total
        ctx.scaled, ctx.dropped, ctx.factor = scaled, dropped, scale
        ctx.save_for_backward(k, v, out)
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        k, v, out = (t.data for t in ctx.saved_tensors)
        xp = array_module(k)
        g = grad.data / ctx.total
        slant = row_dots(g, out)
        gq = merged_heads(ctx.scaled.shape, g)
        gk, gv = merged_heads(k.shape, g), merged_heads(v.shape, g)
        values, last = turned(v), ctx.spans[-1][1]
        gk[..., last:, :] = gv[..., last:, :] = 0
        blocks = list(zip(ctx.spans, ctx.powers, strict=True))
        for turn, ((rows, end), powers) in enumerate(reversed(blocks)):
            part, drop = g[..., rows, :], None
            if ctx.dropped is not None:
                drop = ctx.dropped[..., rows, :end]
            kept = powers if drop is None else powers * drop
            _collect(gv[..., :end, :], kept, part, first=turn == 0)
            slopes = xp.matmul(part, values[..., :end])
            if drop is not None:
                slopes *= drop
            slopes -= slant[..., rows, :]
            slopes *= powers
            xp.matmul(slopes, k[..., :end, :], out=gq[..., rows, :])
            queries = ctx.scaled[..., rows, :]
            _collect(gk[..., :end, :], slopes, queries, first=turn == 0)
        gq *= gq.dtype.type(ctx.factor)
        return gq, gk, gv, None, None, None, None

    @staticmethod
    def plain(q, k, v, mask, dropped, causal: bool, scale: float) -> Tensor:
        scores = (q @ k.swapaxes(-1, -2)) * scale
        xp = array_module(q.data)
        lowest = xp.zeros(scores.shape, q.dtype)
        lowest = lowest if mask is None else lowest + mask
        if causal:
            above = ~xp.tri(*scores.shape[-2:], dtype=bool)
            lowest = xp.where(above, -xp.inf, lowest).astype(q.dtype)
        empty = (lowest == -xp.inf).all(-1, keepdims=True)
        lowest = xp.where(empty, 0, lowest).astype(q.dtype)
        weights = Softmax.apply(scores + constant(lowest), scores.ndim - 1)
        weights = weights * constant((~empty).astype(q.dtype))
        weights = weights if dropped is None else weights * constant(dropped)
        return weights @ v


def spans(queries: int, keys: int, causal: bool) -> list[tuple[slice, int]]:
    """Blocks of query rows, each with the end of the keys that it sees."""
    if not causal:
        return [(slice(0, queries), keys)]
    starts = range(0, max(queries, 1), BLOCK)
    ends = [min(start + BLOCK, queries) for start in starts]
    return [(slice(a, b), min(b, keys)) for a, b in zip(starts, ends, strict=True)]


def exponentials(scores: Any, start: int | None) -> Any:
    """e^scores in place, up to a factor of each row; `start`: row i sees start + i."""
    xp = array_module(scores)
    tame = is_tame(scores)
    diagonal = None
    if start is not None and start < scores.shape[-1]:
        diagonal = scores[..., start:]
        allowed = triangle(xp, scores.shape[-2], diagonal.shape[-1], scores.dtype.char)
    if not tame:
        if diagonal is not None:
            diagonal[..., allowed == 0] = -xp.inf
        top = scores.max(-1, keepdims=True) if scores.shape[-1] else 0
        scores -= xp.where(top == -xp.inf, 0, top)
    xp.exp(scores, out=scores)
    if tame and diagonal is not None:
        diagonal *= allowed
    return scores


@functools.lru_cache(maxsize=16)
def triangle(xp: Any, rows: int, columns: int, dtype: str) -> Any:
    """1 on and below the diagonal, 0 above."""
    return xp.tri(rows, columns, dtype=dtype)


def merged_heads(shape: tuple[int, ...], like: Any) -> Any:
    """An empty (..., heads, tokens, width), in memory (..., tokens, heads, width).

    Joining the heads again is then a view.
    """
    xp = array_module(like)
    if len(shape) < 3:
        return xp.empty(shape, like.dtype)
    *batch, heads, tokens, width = shape
    return xp.empty((*batch, tokens, heads, width), like.dtype).swapaxes(-2, -3)


def turned(x: Any) -> Any:
    """The transposed matrices, copied: OpenBLAS is up to five times faster on them."""
    return array_module(x).ascontiguousarray(x.swapaxes(-1, -2))


def _collect(total: Any, weights: Any, rows: Any, first: bool) -> None:
    """Add weights^T rows to `total`, which has no value yet if `first`."""
    xp = array_module(rows)
    if first:
        xp.matmul(weights.swapaxes(-1, -2), rows, out=total)
    else:
        total += xp.matmul(weights.swapaxes(-1, -2), rows)


@contract
def scaled_dot_product_attention(
    query: Float[Tensor, "*batch tokens head_dim"],
    key: Float[Tensor, "*others keys head_dim"],
    value: Float[Tensor, "*others keys width"],
    attn_mask: Shaped[Tensor, "..."] | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Float[Tensor, "*any tokens width"]:
    """softmax(scale Q K^T + mask) V; scale is 1 / sqrt(head_dim) by default.

    A boolean mask says which keys a query sees, a floating one is added; a query that
    sees none answers 0. `is_causal`: query i sees keys 0 to i.
    """
    name = "scaled_dot_product_attention"
    want_same_dtype(name, query, key, value)
    if is_causal and attn_mask is not None:
        raise RuntimeError(f"{name}: pass attn_mask or is_causal=True, not both")
    if not 0 <= dropout_p <= 1:
        raise ValueError(f"{name}: dropout_p is from 0 to 1, not {dropout_p}")
    if enable_gqa:
        key, value = (_repeat_heads(name, t, query) for t in (key, value))
    query, key, value = _same_batch(name, query, key, value)
    shape = (*query.shape[:-1], key.shape[-2])
    mask = None if attn_mask is None else _added(name, attn_mask, shape, query)
    dropped = draw_mask(shape, dropout_p, query.data) if dropout_p else None
    if scale is None:
        scale = query.shape[-1] ** -0.5 if query.shape[-1] else 1.0
    return Attention.apply(query, key, value, mask, dropped, is_causal, float(scale))


def _added(name: str, mask: Tensor, shape: tuple[int, ...], query: Tensor) -> Any:
    """The mask as an array that is added to the scores."""
    refuse(name, attn_mask=mask.requires_grad and "a tensor that requires gradients")
    xp, array = array_module(mask.data), mask.data
    if array.dtype == bool:
        array = xp.where(array, 0, -xp.inf).astype(query.dtype)
    elif array.dtype != query.dtype:
        raise RuntimeError(f"{name}: attn_mask is {mask.dtype}, query {query.dtype}")
    try:
        return xp.broadcast_to(array, shape)
    except ValueError:
        raise RuntimeError(
            f"{name}: attn_mask of shape {mask.shape} does not broadcast to the "
            f"scores of shape {shape}"
        ) from None


def _same_batch(name: str, *tensors: Tensor) -> list[Tensor]:
    batches = [t.shape[:-2] for t in tensors]
    if batches.count(batches[0]) == len(batches):
        return list(tensors)
    try:
        shape = np.broadcast_shapes(*batches)
    except ValueError:
        told = ", ".join(str(t.shape) for t in tensors)
        raise RuntimeError(
            f"{name}: the leading axes of query, key and value of shapes {told} do "
            "not broadcast; grouped heads need enable_gqa=True"
        ) from None
    return [t.expand(*shape, *t.shape[-2:]) for t in tensors]


def _repeat_heads(name: str, x: Tensor, query: Tensor) -> Tensor:
    """Each head of keys or values as often as query heads share it."""
    if x.ndim < 3 or query.shape[-3] % x.shape[-3]:
        raise RuntimeError(
            f"{name}: query of shape {query.shape} has no whole number of heads for "
            f"each of shape {x.shape}"
        )
    *batch, heads, tokens, width = x.shape
    times = query.shape[-3] // heads
    x = x.reshape(*batch, heads, 1, tokens, width)
    x = x.expand(*batch, heads, times, tokens, width)
    return x.reshape(*batch, heads * times, tokens, width)
