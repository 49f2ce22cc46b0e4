"""Connectionist temporal classification (Graves et al. 2006), its gradient by hand."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ..models.ctc_align import ctc_states
from ..utils.contracts import contract
from ..utils.lengths import length_mask


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
    """-log of the probability of all paths that read as the tokens, row by row.

    A row with too few frames for its tokens has no path: infinity, or 0 where
    `zero_infinity`, and in both cases with a gradient of 0. At least float32.
    """
    loss = _Ctc.apply(log_probs, time_lengths, tokens, token_lengths, blank)
    return torch.where(loss == torch.inf, 0, loss) if zero_infinity else loss


class _Ctc(torch.autograd.Function):
    """dL/dlog p_t(k) = -gamma_t(k), the share of the paths that say k at t (eq. 15).

    alpha_t(s) sums the paths up to state s at t (eq. 6), beta_t(s) those from there on
    (eq. 10), the emission at t in both. beta is the alpha of the row read backwards, so
    one loop over time gives the two. In float64: gamma is the exponential of a small
    difference of logarithms that for long rows are some thousands.
    """

    @staticmethod
    def forward(ctx, log_probs, time_lengths, tokens, token_lengths, blank):
        states, leap = ctc_states(tokens, blank)
        T, S, ends = log_probs.shape[1], states.shape[1], 2 * token_lengths + 1
        index = states.expand(T, -1, -1)
        wide = torch.float32 if log_probs.is_mps else torch.float64
        emit = log_probs.transpose(0, 1).gather(2, index).to(wide)
        start, end = _at(torch.zeros_like(ends), S), _at(ends - 1, S)
        real = length_mask(time_lengths, T).T[..., None]
        if ctx.needs_input_grad[0]:
            back = _hold(emit, real, end).flip(0, 2)
            leap_back = F.pad(leap.flip(1), (2, 0))[:, :S]
            both = torch.cat([emit, back], 1), torch.cat([leap, leap_back])
            alpha, beta = _walk(*both, torch.cat([start, end.flip(1)])).chunk(2, 1)
        else:
            alpha = _walk(emit, leap, start)
        row = torch.arange(len(ends), device=ends.device)
        read = alpha[time_lengths, row]
        before_end = _at(ends - 2, S)
        log_p = (read + torch.logaddexp(end, before_end)).logsumexp(1)
        if ctx.needs_input_grad[0]:
            gamma = alpha[1:] + beta[1:].flip(0, 2)
            gamma.sub_(emit).sub_(log_p[:, None]).exp_()
            none = ~real | (log_p == -torch.inf)[:, None] | (emit == -torch.inf)
            ctx.save_for_backward(gamma.masked_fill_(none, 0), index)
            ctx.vocab, ctx.dtype = log_probs.shape[2], log_probs.dtype
        return (-log_p).to(torch.promote_types(log_probs.dtype, torch.float32))

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        gamma, index = ctx.saved_tensors
        share = (-g[:, None] * gamma).to(ctx.dtype)
        grad = share.new_zeros(*share.shape[:2], ctx.vocab)
        grad = grad.scatter_add_(2, index, share).transpose(0, 1)
        return grad, None, None, None, None


def _walk(emit: Tensor, leap: Tensor, start: Tensor) -> Tensor:
    """log alpha_t(s) for t = 0..T, time first; before the first frame it is `start`."""
    T, rows, S = emit.shape
    leap = torch.zeros_like(start).masked_fill_(~leap, -torch.inf)
    alpha = emit.new_full((T + 1, rows, S + 2), -torch.inf)  # two states nobody is in
    alpha[0, :, 2:] = start
    for t in range(T):
        stay, step, over = (alpha[t, :, k : k + S] for k in (2, 1, 0))
        paths = torch.logaddexp(torch.logaddexp(stay, step), over + leap)
        torch.add(paths, emit[t], out=alpha[t + 1, :, 2:])
    return alpha[..., 2:]


def _hold(emit: Tensor, real: Tensor, end: Tensor) -> Tensor:
    """Read backwards, a row waits at its end until its own last frame comes."""
    return torch.where(real, emit, end)


def _at(state: Tensor, size: int) -> Tensor:
    """log 1 at one state of each row, log 0 at the others; -1 is no state."""
    here = torch.arange(size, device=state.device) == state[:, None]
    return torch.where(here, 0.0, -torch.inf)
