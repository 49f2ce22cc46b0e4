"""The sum of CIF over pieces, O(T + U), with its gradient derived by hand.

Frame ends S_t and token ends u, merged in order, cut S into T + U pieces. A piece lies
in one frame and one token, and its length is the weight of the one in the other.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Pieces(NamedTuple):
    weights: Tensor  # (B * (T + U),) float64
    frames: Tensor  # the row of each piece in hidden, flat
    tokens: Tensor  # the row of each piece in the embeddings, flat
    frame_starts: Tensor  # (B * T,) the first piece of each frame
    token_starts: Tensor  # (B * U,) the first piece of each token


class GatherPieces(torch.autograd.Function):
    """c_u = sum of w_i h_t(i) over the pieces i of token u.

    dL/dh_t = sum of w_i g_u(i) over the pieces of frame t. Moving S_t to the right
    gives to frame t what it takes from t + 1, in the token u that S_t lies in, so
    dL/dS_t = g_u . (h_t - h_{t+1}); behind the last frame h is 0.
    """

    @staticmethod
    def forward(ctx, h: Tensor, S: Tensor, tokens: int) -> Tensor:
        pieces = cut(S, tokens)
        ctx.save_for_backward(h, S, *pieces)
        c = _sum_pieces(h, pieces.weights, pieces.frames, pieces.token_starts)
        return c.view(len(h), tokens, -1)

    @staticmethod
    def backward(ctx, g: Tensor):
        h, S, *rest = ctx.saved_tensors
        pieces = Pieces(*rest)
        U = g.shape[1]
        dh = dS = None
        if ctx.needs_input_grad[0]:
            dh = _sum_pieces(g, pieces.weights, pieces.tokens, pieces.frame_starts)
            dh = dh.view_as(h)
        if ctx.needs_input_grad[1]:
            u = S.nan_to_num(U).floor().long()
            rows = u.clamp(max=U - 1) + _row_starts(len(S), U, S.device)
            at = g.flatten(0, 1).index_select(0, rows.flatten()).view_as(h)
            dS = torch.cat([h[:, :-1] - h[:, 1:], h[:, -1:]], dim=1).mul_(at).sum(-1)
            dS = torch.where(u < U, dS, 0).to(S.dtype)
        return dh, dS, None


def cut(S: Tensor, tokens: int) -> Pieces:
    """The pieces of each row, left to right; 0 behind the last frame and token."""
    (B, T), U = S.shape, tokens
    size = T + U
    K = S.nan_to_num(U, U).contiguous()
    t = torch.arange(T, device=S.device)
    u = torch.arange(1, U + 1, device=S.device, dtype=S.dtype).expand(B, -1)
    # Where a frame and a token end together, the token's end comes first.
    frame_ends = t + K.floor().long().clamp(0, U)
    token_ends = torch.searchsorted(K, u.contiguous()) + torch.arange(
        U, device=S.device
    )
    ends = S.new_empty(B, size).scatter_(1, frame_ends, S).scatter_(1, token_ends, u)
    # A token that S does not reach ends where S does.
    ends = torch.minimum(ends, S[:, -1:])
    weights = ends.diff(dim=1, prepend=S.new_zeros(B, 1))
    is_frame = torch.zeros(B, size, dtype=torch.long, device=S.device)
    is_frame.scatter_(1, frame_ends, 1)
    frames = is_frame.cumsum(1) - is_frame
    of_token = torch.arange(size, device=S.device) - frames
    return Pieces(
        weights.flatten(),
        (frames.clamp(max=T - 1) + _row_starts(B, T, S.device)).flatten(),
        (of_token.clamp(max=U - 1) + _row_starts(B, U, S.device)).flatten(),
        _starts(frame_ends, size),
        _starts(token_ends, size),
    )


def _sum_pieces(rows: Tensor, weights: Tensor, which: Tensor, starts: Tensor) -> Tensor:
    rows = rows.flatten(0, 1).contiguous()
    weights = weights.to(rows.dtype)
    return F.embedding_bag(which, rows, starts, mode="sum", per_sample_weights=weights)


def _starts(ends: Tensor, size: int) -> Tensor:
    starts = F.pad(ends[:, :-1] + 1, (1, 0))
    return (starts + _row_starts(len(ends), size, ends.device)).flatten()


def _row_starts(rows: int, width: int, device: torch.device) -> Tensor:
    return torch.arange(0, rows * width, width, device=device)[:, None]
