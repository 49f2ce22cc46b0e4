"""What Paraformer's logits say: the likeliest token at each position.

The number of positions is known before, and each is named for itself, so that no search
is needed; `nar_beam` is one for those who bring a language model or hot words.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract


class Hypothesis(NamedTuple):
    """A text that a search found."""

    tokens: list[int]
    score: float
    """By which the search ranked it; log p where nothing else has a say."""
    confidence: list[float]
    """The model's probability of each token, 0 to 1."""
    frames: Sequence[int] = ()
    """CTC: the encoder's frame at which each token begins."""


@contract
def nar_greedy(
    logits: Float[Tensor, "batch tokens vocab"], lengths: Int[Tensor, " batch"]
) -> list[Hypothesis]:
    """One text an utterance; ValueError where a row of its logits has no likeliest."""
    log_probs = checked_log_softmax(logits, lengths)
    best, tokens = log_probs.max(-1)
    return [
        Hypothesis(row[:length], sum(logs[:length], 0.0), confidence[:length])
        for row, logs, confidence, length in zip(
            tokens.tolist(),
            best.tolist(),
            best.exp().tolist(),
            lengths.tolist(),
            strict=True,
        )
    ]


@contract
def checked_log_softmax(
    logits: Float[Tensor, "batch tokens vocab"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, "batch tokens vocab"]:
    """Log-probabilities, in float32 at least.

    ValueError where a length is not within the tensor, or a position before it has NaN,
    +inf or nothing but -inf; what stands behind the lengths is not looked at.
    """
    _, size, vocab = logits.shape
    if vocab == 0 or bool(((lengths < 0) | (lengths > size)).any()):
        raise ValueError(
            f"lengths {lengths.tolist()} of logits of {size} positions, {vocab} tokens"
        )
    real = torch.arange(size, device=lengths.device) < lengths[:, None]
    bad = ~logits.amax(-1).isfinite() & real
    if bool(bad.any()):
        row, place = bad.nonzero()[0].tolist()
        raise ValueError(
            f"position {place} of utterance {row} has no likeliest token: its logits "
            f"are {logits[row, place, :4].tolist()}"
            f"{', ...' if vocab > 4 else ''}"
        )
    logits = logits if logits.dtype == torch.double else logits.float()
    return logits.log_softmax(-1)
