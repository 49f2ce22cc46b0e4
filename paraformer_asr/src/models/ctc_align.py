"""The paths of connectionist temporal classification through the states of a text."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from ..utils.contracts import contract


@contract
def ctc_states(
    tokens: Int[Tensor, "batch tokens"], blank: int = 0
) -> tuple[
    Int[Tensor, "batch 2*tokens+1"],
    Bool[Tensor, "batch 2*tokens+1"],
]:
    """The token of each state, blank y_1 blank .. y_U blank, and which is leapt to.

    From one frame to the next a path stays, steps to the next state, or leaps over a
    blank: to a token that differs from the one before, as equal ones would merge.
    """
    states = tokens.new_full((len(tokens), 2 * tokens.shape[1] + 1), blank)
    states[:, 1::2] = tokens
    leap = torch.zeros_like(states, dtype=torch.bool)
    leap[:, 3::2] = tokens[:, 1:] != tokens[:, :-1]
    return states, leap


@contract
def ctc_align(
    log_probs: Float[Tensor, "batch time vocab"],
    time_lengths: Int[Tensor, " batch"],
    tokens: Int[Tensor, "batch tokens"],
    token_lengths: Int[Tensor, " batch"],
    blank: int = 0,
) -> Int[Tensor, "batch time"]:
    """Which token (from 0) each frame says on the best path that reads as the tokens.

    -1 at blanks and padding, and in all of a row with too few frames for its tokens.
    """
    states, leap = ctc_states(tokens, blank)
    (B, S), T = states.shape, log_probs.shape[1]
    emit = log_probs.transpose(0, 1).gather(2, states.expand(T, B, S))
    leap = torch.zeros_like(leap, dtype=emit.dtype).masked_fill(~leap, -torch.inf)
    # Before the first frame a path is in state 0; in the two in front nobody is.
    score = emit.new_full((B, S + 2), -torch.inf)
    score[:, 2] = 0
    final, steps = score[:, 2:], []
    for t in range(T):
        stay, step, over = (score[:, k : k + S] for k in (2, 1, 0))
        best, came = torch.stack([stay, step, over + leap]).max(0)
        score = F.pad(best + emit[t], (2, 0), value=-torch.inf)
        final = torch.where((t < time_lengths)[:, None], score[:, 2:], final)
        steps.append(came)
    ends = 2 * token_lengths[:, None] - torch.arange(2, device=states.device)
    reached = final.gather(1, ends.clamp(min=0)).masked_fill(ends < 0, -torch.inf)
    state = ends.gather(1, reached.argmax(1, keepdim=True))
    found = reached.amax(1, keepdim=True) > -torch.inf
    path = torch.zeros(B, T, dtype=torch.long, device=states.device)
    for t in reversed(range(T)):
        here = (t < time_lengths)[:, None] & found
        path[:, t : t + 1] = torch.where(here, state, 0)
        state = torch.where(here, state - steps[t].gather(1, state), state)
    return torch.where(path % 2 == 1, path // 2, -1)
