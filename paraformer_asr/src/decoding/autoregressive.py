"""Texts from the autoregressive decoder: greedily, or the best that a beam sees."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..models.ar_decoder import ARDecoder
from ..tokenizers import EOS, SOS
from ..utils.contracts import contract
from ..utils.lengths import length_mask
from .greedy import Hypothesis, checked_log_softmax


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
