"""The states that connectionist temporal classification walks through for a text."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

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
