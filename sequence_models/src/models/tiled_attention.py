"""Attention in memory linear in the length: tiles and the online softmax, written out.

Milakov & Gimelshein 2018 (arXiv 1805.02867), Rabe & Staats 2021 (arXiv 2112.05682) and
FlashAttention-2 (Dao 2023, arXiv 2307.08691, algorithms 1 and 2). For the queries of a
tile, with S the scores of one tile of keys at a time:

    m' = max(m, rowmax S)        P = exp(S - m')
    l  = exp(m - m') l + rowsum P
    O  = exp(m - m') O + P V     at the end O / l, and L = m + log l is kept

Backward, from dO, makes each P anew as exp(S - L), with D = rowsum(dO * O):

    dV = P' dO     dP = dO V'     dS = P * (dP - D)     dQ = dS K     dK = dS' Q

Only Q, K, V, O and L are kept in between; no table of time x total ever exists.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..utils.contracts import contract
from .masks import EVERYTHING, Mask


@contract
def tiled_attention(
    q: Float[Tensor, "batch heads time head_dim"],
    k: Float[Tensor, "batch kv_heads total head_dim"],
    v: Float[Tensor, "batch kv_heads total head_dim"],
    mask: Mask = EVERYTHING,
    *,
    tile: int = 128,
) -> Float[Tensor, "batch heads time head_dim"]:
    """The same as `attention_explicit`, `tile` queries and keys at a time.

    Can be differentiated once.
    """
    return _TiledAttention.apply(q, k, v, mask, tile)


class _TiledAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v, mask, size):
        out = torch.empty_like(q)
        log_sums = q.new_empty(q.shape[:3])
        tiles = _Tiles(q, k, v, mask, size)
        for rows in tiles.rows():
            m = q.new_full((*q.shape[:2], _length(rows), 1), torch.finfo(q.dtype).min)
            l = torch.zeros_like(m)  # noqa: E741 (the paper's letter)
            o = torch.zeros_like(q[:, :, rows])
            for columns in tiles.columns(rows):
                s = tiles.scores(rows, columns)
                larger = torch.maximum(m, s.amax(-1, keepdim=True))
                shrink = torch.exp(m - larger)
                p = s.sub_(larger).exp_()
                l = shrink * l + p.sum(-1, keepdim=True)  # noqa: E741
                o = o.mul_(shrink).add_(p @ tiles.of_heads(v, columns))
                m = larger
            out[:, :, rows] = torch.where(l > 0, o / l, 0)
            # Infinite where nothing is seen, so that exp(S - L) is zero there, not NaN.
            log_sums[:, :, rows] = torch.where(l > 0, m + l.log(), torch.inf)[..., 0]
        ctx.save_for_backward(q, k, v, out, log_sums)
        ctx.settings = mask, size
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out):
        q, k, v, out, log_sums = ctx.saved_tensors
        tiles = _Tiles(q, k, v, *ctx.settings)
        dq, dk, dv = (torch.zeros_like(x) for x in (q, k, v))
        for rows in tiles.rows():
            do, q_rows = d_out[:, :, rows], q[:, :, rows]
            d = (do * out[:, :, rows]).sum(-1, keepdim=True)
            for columns in tiles.columns(rows):
                s = tiles.scores(rows, columns)
                p = s.sub_(log_sums[:, :, rows, None]).exp_()
                dv[:, :, columns] += tiles.of_groups(p.mT @ do)
                ds = (do @ tiles.of_heads(v, columns).mT).sub_(d).mul_(p)
                ds *= tiles.scale
                dq[:, :, rows] += ds @ tiles.of_heads(k, columns)
                dk[:, :, columns] += tiles.of_groups(ds.mT @ q_rows)
        return dq, dk, dv, None, None


class _Tiles:
    """The tiles of the table of scores that hold something visible, made on demand."""

    def __init__(self, q: Tensor, k: Tensor, v: Tensor, mask: Mask, size: int):
        self.q, self.k, self.mask, self.size = q, k, mask, size
        self.time, self.total = q.shape[2], k.shape[2]
        self.groups = q.shape[1] // k.shape[1]
        self.scale = q.shape[3] ** -0.5

    def rows(self) -> Iterator[slice]:
        return _cut(0, self.time, self.size)

    def columns(self, rows: slice) -> Iterator[slice]:
        """The tiles of keys within the reach of these queries."""
        return _cut(*self.mask.reach(self.time, self.total, rows), self.size)

    def scores(self, rows: slice, columns: slice) -> Tensor:
        """Q K' / sqrt(head_dim) with the bias, and -inf at what is hidden."""
        keys = self.of_heads(self.k, columns)
        s = (self.q[:, :, rows] @ keys.mT).mul_(self.scale)
        place = self.time, self.total, rows, columns
        bias = self.mask.bias(*place, s)
        if bias is not None:
            s += bias
        visible = self.mask.visible(*place, s.device)
        return s if visible is None else s.masked_fill_(~visible, -torch.inf)

    def of_heads(self, x: Tensor, columns: slice) -> Tensor:
        """A tile of keys or values, for each head of queries."""
        x = x[:, :, columns]
        return x if self.groups == 1 else x.repeat_interleave(self.groups, 1)

    def of_groups(self, x: Tensor) -> Tensor:
        """The transpose of `of_heads`: the sum over the heads that share a key head."""
        return x if self.groups == 1 else x.unflatten(1, (-1, self.groups)).sum(2)


def _cut(begin: int, end: int, size: int) -> Iterator[slice]:
    return (slice(i, min(i + size, end)) for i in range(begin, end, size))


def _length(part: slice) -> int:
    return part.stop - part.start
