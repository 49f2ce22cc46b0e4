"""Connectionist temporal classification (Graves et al. 2006), without torch's own."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def ctc_loss(
    log_probs: Float[Tensor, "batch time vocab"],
    time_lengths: Int[Tensor, " batch"],
    tokens: Int[Tensor, "batch tokens"],
    token_lengths: Int[Tensor, " batch"],
    *,
    blank: int = 0,
    zero_infinity: bool = False,
) -> Float[Tensor, " batch"]:
    """-log P(tokens | log_probs), summed over all alignments, of each row.

    A row too short for its tokens costs infinity, or 0 with `zero_infinity`; its
    gradient is 0.
    """
    return Ctc.apply(
        log_probs, time_lengths, tokens, token_lengths, blank, zero_infinity
    )


class Ctc(torch.autograd.Function):
    """With states s: a blank, y_1, a blank, ..., y_U, a blank.

    alpha_t(s) sums the paths that are in s at t, beta_t(s) those that go on from it;
    dL/dlog p_t(k) = -sum over the states s of k of alpha_t(s) beta_t(s) / P.
    """

    @staticmethod
    def forward(ctx, log_probs, time_lengths, tokens, token_lengths, blank, zero):
        B, T, V = log_probs.shape
        S = 2 * tokens.shape[1] + 1
        wide = torch.promote_types(log_probs.dtype, torch.float32)
        lp = log_probs.detach().to(wide)
        states = tokens.new_full((B, S), blank)
        states[:, 1::2] = tokens
        skip = torch.zeros(B, S, dtype=torch.bool, device=lp.device)
        skip[:, 3::2] = tokens[:, 1:] != tokens[:, :-1]
        emit = lp.gather(2, states[:, None].expand(B, T, S))
        alpha = _forward(emit, skip)
        at = torch.arange(B, device=lp.device)
        ends = 2 * token_lengths
        last = (time_lengths - 1).clamp(min=0)
        final = torch.logaddexp(
            alpha[at, last, ends],
            torch.where(
                token_lengths > 0,
                alpha[at, last, (ends - 1).clamp(min=0)],
                -torch.inf,
            ),
        )
        final = torch.where(
            time_lengths > 0, final, torch.where(token_lengths > 0, -torch.inf, 0.0)
        )
        ctx.save_for_backward(
            emit, skip, alpha, states, final, time_lengths, token_lengths
        )
        ctx.size = V, log_probs.dtype
        loss = -final
        if zero:
            loss = loss.masked_fill(loss.isinf(), 0)
        return loss.to(log_probs.dtype)

    @staticmethod
    def backward(ctx, g):
        emit, skip, alpha, states, final, time_lengths, token_lengths = (
            ctx.saved_tensors
        )
        V, dtype = ctx.size
        B, T, S = emit.shape
        beta = _backward(emit, skip, time_lengths, token_lengths)
        shift = torch.where(final.isinf(), torch.inf, final)
        share = (alpha + beta - shift[:, None, None]).exp()
        grad = emit.new_zeros(B, T, V)
        grad.scatter_add_(2, states[:, None].expand(B, T, S), share)
        return (-g[:, None, None] * grad).to(dtype), None, None, None, None, None


def _forward(emit: Tensor, skip: Tensor) -> Tensor:
    B, T, S = emit.shape
    alpha = torch.full_like(emit, -torch.inf)
    if T == 0:
        return alpha.new_full((B, 1, S), -torch.inf)
    alpha[:, 0, :2] = emit[:, 0, :2]
    for t in range(1, T):
        before = alpha[:, t - 1]
        one = torch.nn.functional.pad(before, (1, 0), value=-torch.inf)[:, :-1]
        two = torch.nn.functional.pad(before, (2, 0), value=-torch.inf)[:, :-2]
        two = two.masked_fill(~skip, -torch.inf)
        alpha[:, t] = torch.logsumexp(torch.stack([before, one, two]), 0) + emit[:, t]
    return alpha


def _backward(emit, skip, time_lengths, token_lengths) -> Tensor:
    B, T, S = emit.shape
    beta = torch.full_like(emit, -torch.inf)
    s = torch.arange(S, device=emit.device)
    end = (s == 2 * token_lengths[:, None]) | (s == 2 * token_lengths[:, None] - 1)
    final = torch.where(end, 0.0, -torch.inf).to(emit.dtype)
    after = torch.full_like(emit[:, 0], -torch.inf) if T else None
    jump = torch.nn.functional.pad(skip, (0, 2))[:, 2:]
    for t in reversed(range(T)):
        if t + 1 < T:
            x = after + emit[:, t + 1]
            one = torch.nn.functional.pad(x, (0, 1), value=-torch.inf)[:, 1:]
            two = torch.nn.functional.pad(x, (0, 2), value=-torch.inf)[:, 2:]
            two = two.masked_fill(~jump, -torch.inf)
            after = torch.logsumexp(torch.stack([x, one, two]), 0)
        after = torch.where((t == time_lengths - 1)[:, None], final, after)
        beta[:, t] = after
    return beta
