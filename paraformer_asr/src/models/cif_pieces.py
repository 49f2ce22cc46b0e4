"""The sum of integrate-and-fire over pieces, with its gradient derived by hand.

The ends of the frames, S_t, and of the tokens, u, merged in their order, cut the
cumulative weight into T + U pieces. A piece lies in one frame and in one token, and its
length is the weight of the one in the other: nothing of size T times U is ever made.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


class SumPieces(torch.autograd.Function):
    """c_u = sum of w_i h_t(i) over the pieces i of token u; S must not exceed `tokens`.

    dL/dh_t is the sum of w_i g_u(i) over the pieces of frame t. To move S_t right gives
    frame t what frame t+1 loses, in the token u that S_t lies in: dL/dS_t is
    g_u . (h_t - h_{t+1}), with h = 0 behind the last frame and g = 0 behind the last
    token. Where S_t is a whole number this is the derivative to the right.
    """

    @staticmethod
    def forward(ctx, h: Tensor, S: Tensor, tokens: int) -> Tensor:
        pieces = _cut(S, tokens)
        ctx.save_for_backward(h, S, *pieces)
        c = _sum(h, pieces.frames, pieces.weights, pieces.token_starts)
        return c.view(len(h), tokens, -1)

    @staticmethod
    @once_differentiable
    def backward(ctx, g: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        h, S, *saved = ctx.saved_tensors
        pieces, U = Pieces(*saved), g.shape[1]
        dh = dS = None
        if ctx.needs_input_grad[0]:
            dh = _sum(g, pieces.tokens, pieces.weights, pieces.frame_starts).view_as(h)
        if ctx.needs_input_grad[1]:
            u = S.nan_to_num(U).long()  # counted from 0: S_t lies in (u, u + 1]
            rows = (u.clamp(max=U - 1) + _row_starts(len(S), U, S.device)).flatten()
            gains = torch.cat([h[:, :-1] - h[:, 1:], h[:, -1:]], dim=1)
            gains.mul_(g.flatten(0, 1).index_select(0, rows).view_as(h))
            dS = torch.where(u < U, gains.sum(-1), 0).to(S.dtype)
        return dh, dS, None


class Pieces(NamedTuple):
    """All rows of a batch one after the other, T + U pieces each."""

    weights: Tensor
    frames: Tensor  # where the frame of each piece is, in all frames of the batch
    tokens: Tensor  # where its token is, in all tokens of the batch
    frame_starts: Tensor  # the first piece of each frame
    token_starts: Tensor  # the first piece of each token


def _cut(S: Tensor, tokens: int) -> Pieces:
    """The pieces in their order; those behind the last frame or token weigh 0."""
    (B, T), U, device = S.shape, tokens, S.device
    order = S.nan_to_num(U, U)  # a NaN stays in the weights, and out of the places
    t = torch.arange(T, device=device)
    u = torch.arange(1, U + 1, dtype=S.dtype, device=device).expand(B, U).contiguous()
    # A frame's place: the frames and the tokens that end before it. Of two that end
    # together the token is first.
    frame_ends = t + order.long().clamp(max=U)
    token_ends = torch.searchsorted(order, u) + torch.arange(U, device=device)
    ends = S.new_empty(B, T + U).scatter_(1, frame_ends, S).scatter_(1, token_ends, u)
    ends = ends.minimum(S[:, -1:])  # a token that S does not reach ends where S does
    is_frame = torch.zeros_like(ends, dtype=torch.long).scatter_(1, frame_ends, 1)
    frame = is_frame.cumsum(1) - is_frame
    token = torch.arange(T + U, device=device) - frame
    return Pieces(
        ends.diff(dim=1, prepend=ends.new_zeros(B, 1)).flatten(),
        (frame.clamp(max=T - 1) + _row_starts(B, T, device)).flatten(),
        (token.clamp(max=U - 1) + _row_starts(B, U, device)).flatten(),
        _starts(frame_ends, T + U),
        _starts(token_ends, T + U),
    )


def _sum(rows: Tensor, which: Tensor, weights: Tensor, starts: Tensor) -> Tensor:
    """Weighted sums of rows in one pass: what an embedding bag does."""
    rows, weights = rows.flatten(0, 1).contiguous(), weights.to(rows.dtype)
    return F.embedding_bag(which, rows, starts, mode="sum", per_sample_weights=weights)


def _starts(ends: Tensor, size: int) -> Tensor:
    """The first begins with its row, each other behind the end of the one before."""
    starts = F.pad(ends[:, :-1] + 1, (1, 0))
    return (starts + _row_starts(len(ends), size, ends.device)).flatten()


def _row_starts(rows: int, width: int, device: torch.device) -> Tensor:
    return torch.arange(rows, device=device)[:, None] * width
