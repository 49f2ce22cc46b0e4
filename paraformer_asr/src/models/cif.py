"""Continuous integrate-and-fire (Dong & Xu 2020, arXiv 1905.11235, section 3.1).

Token u owns the interval (u-1, u] of the cumulative weight S; its embedding is the part
of each frame that falls inside it. Written so that the last token cannot be lost to
rounding: S is float64, and where it is scaled its last value is the count exactly.
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from ..utils.contracts import contract
from .cif_pieces import GatherPieces


Form = Literal["clip", "scatter", "gather"]


class CifOutput(NamedTuple):
    """What came out of the integration; rows behind `lengths` are 0."""

    embeds: Float[Tensor, "batch tokens d_model"]
    lengths: Int[Tensor, " batch"]  # tokens fired
    counts: Float[Tensor, " batch"]  # n, the sum of the alphas as they came in
    alphas: Float[Tensor, "batch time"]  # as used: scaled in training
    boundaries: Float[Tensor, "batch tokens"]  # when each is complete, encoder frames


@contract
def cif(
    hidden: Float[Tensor, "batch time d_model"],
    alphas: Float[Tensor, "batch time"],
    token_lengths: Int[Tensor, " batch"] | None = None,
    *,
    tail: float = 0.45,
    form: Form = "gather",
) -> CifOutput:
    """Integrate the frames by their weights and give an embedding per unit of weight.

    `alphas` are >= 0, and 0 at padding. With `token_lengths` (training) they are scaled
    to sum to exactly that: S_t = U A_t / A_T, A the cumulative sum as it came in.
    Without, N = floor(n + tail): a rest of at least 1 - tail is a token too, and its
    embedding is divided by its weight. A row whose weights are all 0 gives zeros.
    """
    if not 0 <= tail < 1:
        raise ValueError(f"tail = {tail}: must be in [0, 1)")
    A = alphas.double().cumsum(1)
    n = A[:, -1] if A.shape[1] else A.sum(1)
    if token_lengths is not None:
        lengths = token_lengths.long()
        share = A / torch.where(n > 0, n, 1)[:, None]
        S = share * lengths[:, None]  # n / n is 1: S ends at U, whatever the rounding
    else:
        lengths = (n.detach() + tail).nan_to_num(0, 0, 0).floor().long()
        S = torch.minimum(A, lengths[:, None].double())
    tokens = int(lengths.max()) if len(lengths) else 0
    embeds = integrate(hidden, S, tokens, form)
    if token_lengths is None:
        rest = n - (lengths - 1)
        last = torch.arange(tokens, device=n.device) == lengths[:, None] - 1
        whole = torch.where(last & (rest < 1)[:, None], rest[:, None], 1)
        embeds = embeds / whole[..., None].to(embeds.dtype)
    plain = torch.promote_types(alphas.dtype, torch.float32)
    used = S.diff(dim=1, prepend=S.new_zeros(len(S), 1))
    times = boundaries(S.detach(), lengths, tokens)
    return CifOutput(embeds, lengths, n.to(plain), used.to(plain), times.to(plain))


@contract
def integrate(
    hidden: Float[Tensor, "batch time d_model"],
    S: Float64[Tensor, "batch time"],
    tokens: int,
    form: Form = "gather",
) -> Float[Tensor, "batch tokens d_model"]:
    """c_u = sum_t w_ut h_t, with the weights of `cif_weights`, in one of three forms.

    `clip` builds all weights, O(T U); `scatter` adds each frame to its tokens; `gather`
    cuts S at every frame and token and sums the pieces, O(T + U).
    """
    if tokens == 0 or S.shape[1] == 0:
        return hidden.new_zeros(len(hidden), tokens, hidden.shape[2])
    wide = torch.promote_types(hidden.dtype, torch.float32)
    h = hidden.to(wide)
    if form == "clip":
        c = cif_weights(S, tokens).to(wide) @ h
    elif form == "scatter":
        c = _scatter(h, S, tokens)
    else:
        c = GatherPieces.apply(h, S, tokens)
    return c.to(hidden.dtype)


@contract
def cif_weights(
    S: Float64[Tensor, "batch time"], tokens: int
) -> Float64[Tensor, "batch tokens time"]:
    """w_ut = max(0, min(S_t, u) - max(S_{t-1}, u - 1)): the definition."""
    u = torch.arange(1, tokens + 1, device=S.device)[:, None]
    end = S[:, None]
    start = torch.nn.functional.pad(S, (1, 0))[:, None, :-1]
    return (end.clamp(max=u) - start.clamp(min=u - 1)).clamp(min=0)


@contract
def boundaries(
    S: Float64[Tensor, "batch time"], lengths: Int[Tensor, " batch"], tokens: int
) -> Float64[Tensor, "batch tokens"]:
    """When S reaches u, in frames: t_u - (S_{t_u} - u) / alpha_{t_u}; 0 at padding.

    The token of the tail ends where the last weight does.
    """
    if S.shape[1] == 0:
        return S.new_zeros(len(S), tokens)
    u = torch.arange(1, tokens + 1, device=S.device)
    goal = torch.minimum(u.double().expand(len(S), -1), S[:, -1:])
    frame = torch.searchsorted(S, goal).clamp(max=S.shape[1] - 1)
    before = torch.nn.functional.pad(S, (1, 0)).gather(1, frame)
    alpha = S.gather(1, frame) - before
    time = frame + (goal - before) / torch.where(alpha > 0, alpha, 1)
    return torch.where(u <= lengths[:, None], time, 0)


def _scatter(h: Tensor, S: Tensor, tokens: int) -> Tensor:
    """O(T) over the frames, as often as the longest frame has tokens."""
    start = torch.nn.functional.pad(S, (1, 0))[:, :-1]
    first = start.floor()
    c = h.new_zeros(len(h), tokens + 1, h.shape[2])
    most = int((S.detach() - first.detach()).nan_to_num(0).max().ceil())
    for k in range(max(most, 1)):
        low = first + k
        w = (torch.minimum(S, low + 1) - torch.maximum(start, low)).clamp(min=0)
        u = low.detach().nan_to_num(0).long().clamp(max=tokens)
        part = w[..., None].to(h.dtype) * h
        c = c.scatter_add(1, u[..., None].expand_as(part), part)
    return c[:, :tokens]
