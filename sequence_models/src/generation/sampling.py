"""From logits to a token: the filters in the order in which transformers applies them.

    repetition penalty -> no repeated n-gram -> temperature -> top-k -> top-p -> min-p

Temperature comes before the filters that cut, so top-p and min-p judge the tempered
distribution. A filter sets what it removes to minus infinity and leaves the rest.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..utils.contracts import contract
from ..utils.errors import InputError
from ..utils.seed import keyed_rng


LEAST = 1e-6
"""What logits may be divided by: less could make infinities of them, and so NaN."""


@dataclass(frozen=True, slots=True)
class Sampling:
    temperature: float = 1.0
    """0: greedy, the likeliest token always; 1: the model's own distribution."""
    top_k: int = 0
    """Keep the k likeliest tokens, and those equal to the last of them; 0: all."""
    top_p: float = 1.0
    """Keep the fewest tokens that hold this share of the probability; 1: all."""
    min_p: float = 0.0
    """Keep tokens that have this share of the likeliest one's probability; 0: all."""
    repetition_penalty: float = 1.0
    """Above 1: what stands in the text already gets less likely (Keskar et al. 2019)"""
    no_repeat_ngram: int = 0
    """No n tokens in a row come twice; 0: they may."""

    def __post_init__(self):
        rules = {
            "temperature": (
                self.temperature == 0 or LEAST <= self.temperature < float("inf"),
                f"0 (greedy) or {LEAST:g} and more",
            ),
            "top_k": (self.top_k >= 0, "0 (all) or more"),
            "top_p": (0 < self.top_p <= 1, "above 0 and at most 1 (all)"),
            "min_p": (0 <= self.min_p <= 1, "0 (all) to 1"),
            "repetition_penalty": (
                LEAST <= self.repetition_penalty <= 1 / LEAST,
                f"{LEAST:g} to {1 / LEAST:g}; 1 changes nothing",
            ),
            "no_repeat_ngram": (self.no_repeat_ngram >= 0, "0 (off) or more"),
        }
        for name, (holds, allowed) in rules.items():
            if not holds:
                value = getattr(self, name)
                raise InputError(f"{name} is {value}: it must be {allowed}")


PLAIN = Sampling()
GREEDY = Sampling(temperature=0.0)


@contract
def next_token(
    logits: Float[Tensor, "batch vocab"],
    history: Int[Tensor, "batch past"],
    uniform: Float[Tensor, " batch"],
    sampling: Sampling = PLAIN,
) -> Int[Tensor, " batch"]:
    """A token for each row, whose text so far is `history`."""
    if sampling.temperature == 0:
        return penalise(logits, history, sampling).argmax(1)
    return draw(shares(logits, history, sampling), uniform)


@contract
def shares(
    logits: Float[Tensor, "batch vocab"],
    history: Int[Tensor, "batch past"],
    sampling: Sampling = PLAIN,
) -> Float[Tensor, "batch vocab"]:
    """The distribution that `sampling` makes of the logits; greedy: one token has all.

    Half precision is computed in float32.
    """
    if logits.dtype.itemsize < 4:
        logits = logits.float()
    if sampling.temperature == 0:
        best = penalise(logits, history, sampling).argmax(1, keepdim=True)
        return torch.zeros_like(logits).scatter_(1, best, 1)
    return filtered(logits, history, sampling).softmax(1)


@contract
def draw(
    shares: Float[Tensor, "batch vocab"], uniform: Float[Tensor, " batch"]
) -> Int[Tensor, " batch"]:
    """The first token up to which more than `uniform`, in [0, 1), of the shares lie.

    The shares need not add up to one. A token without a share is never drawn.
    """
    cumulative = shares.cumsum(1, dtype=torch.float64)
    place = (uniform * cumulative[:, -1])[:, None]
    return torch.searchsorted(cumulative, place, right=True)[:, 0]


@contract
def filtered(
    logits: Float[Tensor, "batch vocab"],
    history: Int[Tensor, "batch past"],
    sampling: Sampling,
) -> Float[Tensor, "batch vocab"]:
    """The logits after every filter that `sampling` asks for; temperature above 0."""
    logits = penalise(logits, history, sampling)
    if sampling.temperature != 1:
        logits = logits / sampling.temperature
    if sampling.top_k:
        logits = keep_top_k(logits, sampling.top_k)
    if sampling.top_p < 1:
        logits = keep_top_p(logits, sampling.top_p)
    if sampling.min_p:
        logits = keep_min_p(logits, sampling.min_p)
    return logits


@contract
def penalise(
    logits: Float[Tensor, "batch vocab"],
    history: Int[Tensor, "batch past"],
    sampling: Sampling,
) -> Float[Tensor, "batch vocab"]:
    """What depends on the text so far; this holds for greedy decoding too."""
    if sampling.repetition_penalty != 1:
        logits = penalise_repetition(logits, history, sampling.repetition_penalty)
    if sampling.no_repeat_ngram:
        logits = forbid_repeated_ngrams(logits, history, sampling.no_repeat_ngram)
    return logits


@contract
def penalise_repetition(
    logits: Float[Tensor, "batch vocab"],
    history: Int[Tensor, "batch past"],
    penalty: float,
) -> Float[Tensor, "batch vocab"]:
    """Divide the positive logits of tokens in `history` by `penalty`; times if < 0."""
    seen = logits.gather(1, history)
    lowered = torch.where(seen < 0, seen * penalty, seen / penalty)
    return logits.scatter(1, history, lowered)


@contract
def forbid_repeated_ngrams(
    logits: Float[Tensor, "batch vocab"], history: Int[Tensor, "batch past"], n: int
) -> Float[Tensor, "batch vocab"]:
    """Remove each token that would complete `n` tokens that `history` has already.

    A row in which that is every token stays as it is: something must come next.
    """
    batch, past = history.shape
    if past < n:
        return logits
    grams = history.unfold(1, n, 1)  # (batch, past-n+1, n)
    suffix = history[:, past - n + 1 :]
    repeats = (grams[:, :, :-1] == suffix[:, None]).all(2)
    vocab = logits.shape[1]
    # What does not repeat is marked in one column too many, which is cut off.
    banned = torch.where(repeats, grams[:, :, -1], vocab)
    marks = torch.zeros(batch, vocab + 1, dtype=torch.bool, device=logits.device)
    marks = marks.scatter(1, banned, True)[:, :vocab]
    return logits.masked_fill(marks & ~marks.all(1, keepdim=True), -torch.inf)


@contract
def keep_top_k(
    logits: Float[Tensor, "batch vocab"], k: int
) -> Float[Tensor, "batch vocab"]:
    """Remove what is smaller than the k-th largest (Fan et al. 2018)."""
    least = logits.topk(min(k, logits.shape[1]), 1).values[:, -1:]
    return logits.masked_fill(logits < least, -torch.inf)


@contract
def keep_top_p(
    logits: Float[Tensor, "batch vocab"], p: float
) -> Float[Tensor, "batch vocab"]:
    """Remove the unlikeliest that together hold at most 1 - p (Holtzman et al. 2019).

    The likeliest token always stays.
    """
    ascending, order = logits.sort(1)
    remove = ascending.softmax(1).cumsum(1) <= 1 - p
    remove[:, -1] = False
    return logits.masked_fill(remove.scatter(1, order, remove), -torch.inf)


@contract
def keep_min_p(
    logits: Float[Tensor, "batch vocab"], p: float
) -> Float[Tensor, "batch vocab"]:
    """Remove what has less than `p` of the likeliest's share (Nguyen et al. 2024)."""
    shares = logits.softmax(1)
    return logits.masked_fill(shares < p * shares.amax(1, keepdim=True), -torch.inf)


def uniforms(seed: int, rows: int, count: int) -> Float[Tensor, "rows count"]:
    """The numbers in [0, 1) that `count` tokens of each row are drawn with.

    Those of a row belong to (seed, row) alone: neither the rows beside it nor a larger
    count changes them.
    """
    rows_of_numbers = [
        torch.from_numpy(keyed_rng(seed, row).random(count)) for row in range(rows)
    ]
    return torch.stack(rows_of_numbers) if rows else torch.empty(0, count).double()
