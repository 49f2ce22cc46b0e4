"""What Paraformer's logits say: the likeliest token at each position.

The number of positions is known before, and each is named for itself, so that no search
is needed; `nar_beam` is one for those who bring a language model or hot words.
"""

from collections.abc import Iterable, Sequence
from heapq import nlargest
from math import exp
from operator import itemgetter
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract
from .scorer import Scorer, Together


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
def nar_beam(
    logits: Float[Tensor, "batch tokens vocab"],
    lengths: Int[Tensor, " batch"],
    width: int = 10,
    *,
    lm: Scorer | None = None,
    context: Scorer | None = None,
    top_k: int = 10,
) -> list[list[Hypothesis]]:
    """Up to `width` texts of each utterance, the best first.

    Of each position the `top_k` likeliest tokens, 0 for all, make a lattice with a path
    for each text; its score is log p with what `lm` and `context` add.
    """
    if width < 1 or top_k < 0:
        raise ValueError(f"width = {width}, top_k = {top_k}: must be at least 1 and 0")
    log_probs = checked_log_softmax(logits, lengths)
    vocab = logits.shape[2]
    values, tokens = log_probs.topk(min(top_k or vocab, vocab), -1)
    found = []
    for logs, ids, length in zip(
        values.tolist(), tokens.tolist(), lengths.tolist(), strict=True
    ):
        places = zip(logs[:length], ids[:length], strict=True)
        found.append(_through(places, width, Together(lm, context)))
    return found


class _Path(NamedTuple):
    score: float
    state: tuple
    tokens: tuple[int, ...]
    logs: tuple[float, ...]


def _through(
    places: Iterable[tuple[list[float], list[int]]], width: int, scorers: Together
) -> list[Hypothesis]:
    """The best paths; of each place log p and ids of the tokens to try."""
    beam = [_Path(0.0, scorers.start(), (), ())]
    for logs, ids in places:
        longer = []
        for path in beam:
            for log, token in zip(logs, ids, strict=True):
                state, added = scorers.step(path.state, token)
                longer.append((path.score + log + added, path, state, token, log))
        longer = nlargest(width, longer, key=itemgetter(0))
        beam = [
            _Path(score, state, (*path.tokens, token), (*path.logs, log))
            for score, path, state, token, log in longer
        ]
    ended = [p._replace(score=p.score + scorers.finish(p.state)) for p in beam]
    ended.sort(key=lambda path: -path.score)
    return [
        Hypothesis(list(p.tokens), p.score, [exp(log) for log in p.logs]) for p in ended
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
