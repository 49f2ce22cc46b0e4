"""Texts from the autoregressive decoder: greedily, or the best that a beam sees."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..models.ar_decoder import ARDecoder
from ..tokenizers import EOS, SOS
from ..utils.contracts import contract
from ..utils.lengths import length_mask
from .beam import BeamSearch
from .greedy import Hypothesis, checked_log_softmax
from .scorer import Scorer, Together


@contract
def ar_greedy(
    decoder: ARDecoder,
    hidden: Float[Tensor, "batch time d_model"],
    lengths: Int[Tensor, " batch"],
    *,
    limit: int | None = None,
    sos: int = SOS,
    eos: int = EOS,
) -> list[Hypothesis]:
    """The likeliest next token until the end of the sentence, for a batch at once.

    A text ends at `eos`, which is not given back but counted in the score, or after
    `limit` tokens: where there is none, as many as the utterance has frames.
    """
    limits = lengths if limit is None else lengths.clamp(max=limit)
    tokens, logs = _write(decoder, hidden, lengths, limits, sos, eos)
    found = []
    for row, scores, most in zip(
        tokens.tolist(), logs.tolist(), limits.tolist(), strict=True
    ):
        end = row.index(eos) if eos in row[:most] else most
        said = scores[:end]
        confidence = torch.tensor(said).exp().tolist()
        found.append(
            Hypothesis(row[:end], sum(scores[: min(end + 1, most)], 0.0), confidence)
        )
    return found


@contract
def ar_beam(
    decoder: ARDecoder,
    hidden: Float[Tensor, "batch time d_model"],
    lengths: Int[Tensor, " batch"],
    width: int = 5,
    *,
    length_penalty: float = 1.0,
    limit: int | None = None,
    lm: Scorer | None = None,
    context: Scorer | None = None,
    top_k: int = 10,
    sos: int = SOS,
    eos: int = EOS,
) -> list[list[Hypothesis]]:
    """Up to `width` texts of each utterance, the best first, for a batch at once.

    The score is log p, with what `lm` and `context` add, over length^`length_penalty`
    (Wu et al. 2016, eq. 14, in transformers' form), `eos` being part of the length. A
    text ends at `eos` or after `limit` tokens, at most as many as it has frames; the
    search when no running text can overtake the finished ones, as far as log p goes.
    The scorers see the `top_k` likeliest continuations of a text, `width` + 1 at least.
    """
    if width < 1 or top_k < 0:
        raise ValueError(f"width = {width}, top_k = {top_k}: must be at least 1 and 0")
    limits = lengths if limit is None else lengths.clamp(max=limit)
    scorers = Together(lm, context)
    searches = [
        BeamSearch(width, most, length_penalty, eos, scorers)
        for most in limits.tolist()
    ]
    with torch.no_grad():
        _extend(decoder, hidden, lengths, searches, max(top_k, width + 1), sos)
    return [search.hypotheses() for search in searches]


def _extend(
    decoder: ARDecoder,
    hidden: Tensor,
    lengths: Tensor,
    searches: list[BeamSearch],
    top_k: int,
    sos: int,
) -> None:
    """Make the texts of all searches longer until none goes on."""
    width = searches[0].width if searches else 1
    rows = len(searches) * width
    time_mask = length_mask(lengths, hidden.shape[1])
    most = max((search.limit for search in searches), default=0)
    cache = decoder.new_cache(hidden, time_mask, max(most, 0), width)
    token = torch.full((rows,), sos, device=hidden.device)
    while not all(search.is_over() for search in searches):
        logits = decoder.step(token, cache).unflatten(0, (-1, width))
        alive = [0 if search.is_over() else search.alive for search in searches]
        log_probs = checked_log_softmax(logits, torch.tensor(alive).to(lengths))
        logs, tokens = log_probs.topk(min(top_k, log_probs.shape[-1]), -1)
        order, token = [], []
        for place, (search, *found) in enumerate(
            zip(searches, logs.tolist(), tokens.tolist(), strict=True)
        ):
            sources, said = search.step(*found)
            order += [place * width + source for source in sources]
            token += said
        cache.reorder(torch.tensor(order, device=hidden.device))
        token = torch.tensor(token, device=hidden.device)


@torch.no_grad()
def _write(
    decoder: ARDecoder,
    hidden: Tensor,
    lengths: Tensor,
    limits: Tensor,
    sos: int,
    eos: int,
) -> tuple[Tensor, Tensor]:
    """Tokens and their log-probabilities until all have ended."""
    batch, most = len(hidden), max(limits.tolist(), default=0)
    time_mask = length_mask(lengths, hidden.shape[1])
    cache = decoder.new_cache(hidden, time_mask, most)
    token = torch.full((batch,), sos, device=hidden.device)
    tokens, logs, over = [], [], limits <= 0
    while not bool(over.all()):
        logits = decoder.step(token, cache)
        log_probs = checked_log_softmax(logits[:, None], (~over).long())
        log, token = log_probs[:, 0].max(-1)
        tokens.append(token)
        logs.append(log)
        over = over | (token == eos) | (len(tokens) >= limits)
    if not tokens:
        return token.new_zeros(batch, 0), hidden.new_zeros(batch, 0)
    return torch.stack(tokens, 1), torch.stack(logs, 1)
