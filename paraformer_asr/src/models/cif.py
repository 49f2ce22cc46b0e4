"""Continuous integrate-and-fire (Dong & Xu 2020, arXiv 1905.11235, section 3.1).

Token u owns the interval (u-1, u] of the cumulative weight S; its embedding is the part
of each frame that falls inside it. Written so that the last token cannot be lost to
rounding: S is float64, and where it is scaled its last value is the count exactly.
"""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor
from torch.nn import functional as F

from ..utils.contracts import contract
from ..utils.lengths import length_mask
from .cif_pieces import SumPieces


Form = Literal["clip", "scatter", "gather"]


class CifOutput(NamedTuple):
    """What was integrated; rows and times behind `lengths` are 0."""

    embeds: Float[Tensor, "batch tokens d_model"]
    lengths: Int[Tensor, " batch"]
    """Tokens of each utterance."""
    counts: Float[Tensor, " batch"]
    """n, the sum of the weights as they came in: what the quantity loss reads."""
    alphas: Float[Tensor, "batch time"]
    """The weights as they were used: scaled in training."""
    boundaries: Float[Tensor, "batch tokens"]
    """When each token is complete, in encoder frames; frame t lasts from t to t + 1."""


@contract
def cif(
    hidden: Float[Tensor, "batch time d_model"],
    alphas: Float[Tensor, "batch time"],
    token_lengths: Int[Tensor, " batch"] | None = None,
    *,
    size: int | None = None,
    tail: float = 0.45,
    form: Form = "gather",
) -> CifOutput:
    """One embedding for each unit of weight; `alphas` are >= 0, and 0 at padding.

    With `token_lengths` U (training) the weights are scaled to S_t = U A_t / A_T, where
    A is their cumulative sum. Without, N = floor(n + tail), as if a frame of zeros with
    that weight followed: a rest of 1 - tail or more is a token, and its embedding is
    divided by the rest. Weights that are all 0 cannot be scaled and give zeros. `size`
    sets the number of rows that come back, else it is that of the longest utterance.
    """
    if not 0 <= tail <= 1:
        raise ValueError(f"tail = {tail}: must be in [0, 1]")
    if hidden.is_mps:
        return _on_cpu(hidden, alphas, token_lengths, size=size, tail=tail, form=form)
    A = alphas.double().cumsum(1)
    n = F.pad(A, (1, 0))[:, -1]
    if token_lengths is not None:
        lengths = token_lengths.long()
        # n / n is 1 and U times 1 is U: the last token ends where the weights do.
        S = A / torch.where(n > 0, n, 1)[:, None] * lengths[:, None]
    else:
        lengths = (n.detach() + tail).nan_to_num(0, 0).long()
        S = A
    longest = int(lengths.max()) if size is None and len(lengths) else 0
    tokens = longest if size is None else size
    until = lengths.clamp(max=tokens)[:, None]
    embeds = integrate(hidden, S.minimum(until), tokens, form)
    if token_lengths is None:
        embeds = _fill_last(embeds, lengths, n)
    plain = torch.promote_types(alphas.dtype, torch.float32)
    used = S.diff(dim=1, prepend=S.new_zeros(len(S), 1))
    times = token_ends(S.detach(), lengths, tokens)
    return CifOutput(embeds, lengths, n.to(plain), used.to(plain), times.to(plain))


@contract
def integrate(
    hidden: Float[Tensor, "batch time d_model"],
    S: Float64[Tensor, "batch time"],
    tokens: int,
    form: Form = "gather",
) -> Float[Tensor, "batch {tokens} d_model"]:
    """c_u = sum_t w_ut h_t, with the weights of `cif_weights`, in one of three forms.

    `clip` is the definition, O(T U); `scatter` adds each frame to its tokens; `gather`
    cuts S at each frame and token and sums the pieces with a hand-derived gradient,
    O(T + U): the fastest in tests/benchmarks/benchmark_cif.py, but for single short
    utterances, where all are alike. Half types are summed in float32.
    """
    if tokens == 0 or S.shape[1] == 0:  # nothing to sum: zeros with a gradient of 0
        return hidden.sum(1, keepdim=True).expand(-1, tokens, -1) * 0
    h = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
    if form == "clip":
        c = cif_weights(S, tokens).to(h.dtype) @ h
    elif form == "scatter":
        c = _scatter(h, S, tokens)
    else:
        c = SumPieces.apply(h, S, tokens)
    return c.to(hidden.dtype)


@contract
def cif_weights(
    S: Float64[Tensor, "batch time"], tokens: int
) -> Float64[Tensor, "batch {tokens} time"]:
    """w_ut = max(0, min(S_t, u) - max(S_{t-1}, u-1)), u = 1..tokens: the definition."""
    u = torch.arange(1, tokens + 1, dtype=S.dtype, device=S.device)[:, None]
    start = F.pad(S, (1, 0))[:, None, :-1]
    return (S[:, None].minimum(u) - start.maximum(u - 1)).clamp(min=0)


@contract
def token_ends(
    S: Float64[Tensor, "batch time"], lengths: Int[Tensor, " batch"], tokens: int
) -> Float64[Tensor, "batch {tokens}"]:
    """When S reaches u, in frames: t_u + 1 - (S_{t_u} - u) / alpha_{t_u}, t_u from 0.

    A token that S does not reach, that of the tail, ends where the last weight does.
    """
    if S.shape[1] == 0:
        return S.new_zeros(len(S), tokens)
    u = torch.arange(1, tokens + 1, device=S.device)
    goal = torch.minimum(u, S[:, -1:])
    frame = torch.searchsorted(S, goal).clamp(max=S.shape[1] - 1)
    before = F.pad(S, (1, 0)).gather(1, frame)
    alpha = S.gather(1, frame) - before
    time = frame + (goal - before) / torch.where(alpha > 0, alpha, 1)
    return torch.where(u <= lengths[:, None], time, 0)


def _on_cpu(hidden: Tensor, *given: Tensor | None, **options) -> CifOutput:
    """For devices without float64."""
    host = [None if part is None else part.cpu() for part in given]
    output = cif(hidden.cpu(), *host, **options)
    return CifOutput(*(part.to(hidden.device) for part in output))


def _fill_last(embeds: Tensor, lengths: Tensor, n: Tensor) -> Tensor:
    """Divide a last embedding by its weight, where that is a rest below 1."""
    rest = n - (lengths - 1)
    last = torch.arange(embeds.shape[1], device=n.device) == lengths[:, None] - 1
    short = (0 < rest) & (rest < 1)
    weight = torch.where(last & short[:, None], rest[:, None], 1)
    return embeds / weight[..., None].to(embeds.dtype)


def _scatter(h: Tensor, S: Tensor, tokens: int) -> Tensor:
    """Adds to token floor(S_{t-1}) + k, k from 0 to where the widest frame ends."""
    start = F.pad(S, (1, 0))[:, :-1]
    first = start.detach().floor()
    furthest = int((S.detach() - first).nan_to_num(1).max().ceil())
    c = h.new_zeros(len(h), tokens + 1, h.shape[2])  # what lies behind the last token
    for k in range(max(1, furthest)):
        u = first + k
        w = (S.minimum(u + 1) - start.maximum(u)).clamp(min=0)
        rows = u.nan_to_num(tokens).long().clamp(max=tokens)
        part = w[..., None].to(h.dtype) * h
        c = c.scatter_add(1, rows[..., None].expand_as(part), part)
    return c[:, :tokens]


class Fired(NamedTuple):
    """The tokens that a chunk completed; rows and times behind `lengths` are 0."""

    embeds: Float[Tensor, "batch tokens d_model"]
    lengths: Int[Tensor, " batch"]
    boundaries: Float[Tensor, "batch tokens"]
    """In encoder frames from the start of the stream."""


class CifStream:
    """`cif` on sound that comes in chunks: together they fire what the whole fires.

    The state between two chunks is S, and the sum of the token that is not complete.
    """

    def __init__(self, d_model: int, batch: int = 1, *, tail: float = 0.45):
        self.d_model, self.batch, self.tail, self.frames = d_model, batch, tail, 0
        self.S = torch.zeros(batch, 1, dtype=torch.float64)
        self.end = self.S  # of the last frame that weighed anything
        self.partial = torch.zeros(batch, d_model)
        self.like = self.partial  # of the type and the device that were pushed

    @contract
    def push(
        self,
        hidden: Float[Tensor, "{self.batch} time {self.d_model}"],
        alphas: Float[Tensor, "{self.batch} time"],
    ) -> Fired:
        """Take the next frames; give the tokens that they complete."""
        self.like, hidden, alphas = hidden.new_empty(0), hidden.cpu(), alphas.cpu()
        # From the sum so far on, in the order of the whole: the same to the last bit.
        A = torch.cat([self.S, alphas.double()], 1).cumsum(1)
        S = A - self.S.floor()
        lengths = S[:, -1].long()
        tokens = int(lengths.max())
        # A frame of zeros stands for what was before; its part of the sum is known.
        wide = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
        c = integrate(F.pad(wide, (0, 0, 1, 0)), S, tokens + 1)
        c[:, 0] += self.partial
        self.partial = c[torch.arange(self.batch), lengths]
        done = length_mask(lengths, tokens)
        ends = token_ends(S, lengths, tokens) + (self.frames - 1)
        grown = torch.searchsorted(A, A[:, -1:].contiguous())
        self.end = torch.where(grown > 0, self.frames + grown, self.end)
        self.S, self.frames = A[:, -1:], self.frames + hidden.shape[1]
        embeds = torch.where(done[..., None], c[:, :tokens], 0)
        return Fired(embeds.to(self.like), lengths, torch.where(done, ends, 0))

    @contract
    def finish(self) -> Fired:
        """The token of the rest, where it is large enough; ends the stream."""
        lengths = (self.S[:, 0] + self.tail).long() - self.S[:, 0].long()
        tokens = int(lengths.max())
        rest = (self.S - self.S.floor())[..., None]
        c = self.partial[:, None] / torch.where(rest > 0, rest, 1)
        done = length_mask(lengths, tokens)
        embeds = torch.where(done[..., None], c[:, :tokens], 0)
        return Fired(
            embeds.to(self.like), lengths, torch.where(done, self.end[:, :tokens], 0)
        )
