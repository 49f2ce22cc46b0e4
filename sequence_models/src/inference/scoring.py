"""How surprising a text is to a language model, token by token."""

import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..generation.generate import evaluating, require_numbers, window_start
from ..metrics.language import bits_per_byte, perplexity, token_nats
from ..utils.contracts import contract
from .predictor import Predictor


CHUNK = 1024  # tokens that a recurrent model reads at once


def score(predictor: Predictor, ids: list[int]) -> dict[str, Any]:
    """Bits per byte of a text of these ids, and the probability of each token.

    The first is foretold from what a text begins with: BOS, or else a line end.
    """
    tokens = predictor.tensor(predictor.beginning + ids)
    nats = surprise(predictor.model, tokens)
    pieces = predictor.tokenizer.token_bytes()
    n_bytes = sum(len(pieces[one]) for one in ids)
    total = nats.sum().item()
    return {
        "bits_per_byte": bits_per_byte(total, n_bytes),
        "perplexity": perplexity(total, len(ids)),
        "nats": total,
        "bytes": n_bytes,
        "tokens": [
            {"token": predictor.tokenizer.decode([one]), "probability": math.exp(-cost)}
            for one, cost in zip(ids, nats.tolist(), strict=True)
        ],
    }


@contract
@torch.inference_mode()
def surprise(
    model: nn.Module, tokens: Int[Tensor, " total"]
) -> Float[Tensor, " total-1"]:
    """-log p of each token but the first, as `generate` would foretell it there.

    A model of C tokens foretells from C // 2 to C of them, but at the beginning.
    """
    parts, place, memory = [], 1, None
    with evaluating(model):
        while place < len(tokens):
            start, end = _span(place, len(tokens), model.context)
            if model.context is None:
                start = place - 1
            logits, memory = model(tokens[None, start : end - 1], memory)
            logits = logits[:, place - 1 - start :]
            require_numbers(logits[0])
            parts.append(token_nats(logits, tokens[None, place:end])[0])
            place, memory = end, memory if model.context is None else None
    return torch.cat(parts) if parts else torch.empty(0, device=tokens.device)


def _span(place: int, total: int, context: int | None) -> tuple[int, int]:
    """The window of the token at `place`, and the first token that has another."""
    if context is None:
        return 0, min(place + CHUNK, total)
    start = window_start(place, context)
    return start, min(start + context + 1, total)
