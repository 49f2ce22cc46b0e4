"""Speculative decoding (Leviathan et al. 2023, arXiv 2211.17192, algorithm 1).

A small draft model guesses a few tokens, the target judges them all in one pass:

    a guess x ~ q stays with probability min(1, p(x) / q(x));
    the first that does not is replaced by a draw from max(0, p - q), normalised;
    if all stay, one more is drawn from p.

So each token is distributed as p, whatever the draft: with b = sum of min(p, q),
q min(1, p/q) + (1 - b) max(0, p - q) / (1 - b) = min(p, q) + max(0, p - q) = p.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.seed import keyed_rng
from .generate import evaluating, window_start
from .rewinding import RewindingReader
from .sampling import PLAIN, Sampling, draw, shares


MOST_GUESSES = 64  # as far back as the cache of a windowed attention can go


class Round(NamedTuple):
    """What one pass of the target brought."""

    tokens: list[int]
    """The guesses that stayed, then one of the target's own."""
    guessed: int
    accepted: int


class Speculated(NamedTuple):
    tokens: Tensor
    rounds: list[Round]

    @property
    def acceptance(self) -> float:
        """The share of the guesses that stayed; NaN if there were none."""
        guessed = sum(one.guessed for one in self.rounds)
        accepted = sum(one.accepted for one in self.rounds)
        return accepted / guessed if guessed else float("nan")

    @property
    def tokens_per_call(self) -> float:
        """Tokens for each pass of the target; plain decoding has 1."""
        calls = len(self.rounds)
        return len(self.tokens) / calls if calls else float("nan")


@contract
def speculative(
    model: nn.Module,
    draft: nn.Module,
    prompt: Int[Tensor, " time"],
    count: int,
    sampling: Sampling = PLAIN,
    *,
    guesses: int = 4,
    seed: int = 0,
    stop: Collection[int] = (),
) -> Speculated:
    """`count` tokens, distributed as those that `generate` draws from `model` alone.

    Greedy: the same tokens. Fewer come back where one of `stop` is the last.
    """
    options = {"guesses": guesses, "seed": seed, "stop": stop}
    rounds = list(speculate(model, draft, prompt, count, sampling, **options))
    tokens = [token for one in rounds for token in one.tokens]
    return Speculated(torch.tensor(tokens, dtype=torch.long), rounds)


@contract
@torch.inference_mode()  # inside, where it sees the generator: it ends at each yield
def speculate(
    model: nn.Module,
    draft: nn.Module,
    prompt: Int[Tensor, " time"],
    count: int,
    sampling: Sampling = PLAIN,
    *,
    guesses: int = 4,
    seed: int = 0,
    stop: Collection[int] = (),
) -> Iterator[Round]:
    """Yield the rounds of `speculative`.

    `guesses` is how many tokens the draft guesses in a round, but near the end of the
    context and of the text, where fewer are of use.
    """
    if model.vocab != draft.vocab:
        raise ValueError(f"the draft has {draft.vocab} tokens, not {model.vocab}")
    if not 1 <= guesses <= MOST_GUESSES or not len(prompt):
        raise ValueError(f"{guesses} guesses after {len(prompt)} tokens")
    tokens = torch.cat([prompt.long(), prompt.new_zeros(count).long()])[None]
    known, end = len(prompt), tokens.shape[1]
    target, drafter = (RewindingReader(one, end) for one in (model, draft))
    rng = keyed_rng(seed)
    with evaluating(model), evaluating(draft):
        while known < end:
            ahead = _reach(known, min(guesses, end - known - 1), model.context)
            numbers = torch.from_numpy(rng.random(2 * ahead + 1)).to(tokens.device)
            q = _guess(drafter, tokens, known, numbers[:ahead], sampling)
            logits = target.read(tokens[:, : known + ahead], known)
            logits = logits[-ahead - 1 :]
            p = shares_along(logits, tokens[0, : known + ahead], sampling)
            guessed = tokens[0, known : known + ahead]
            new = judge(q, p, guessed, numbers[ahead:]).tolist()
            stopped = next((i for i, t in enumerate(new) if t in stop), None)
            kept = new if stopped is None else new[: stopped + 1]
            tokens[0, known : known + len(kept)] = tokens.new_tensor(kept)
            known += len(kept)
            yield Round(kept, ahead, len(new) - 1)
            if stopped is not None:
                return
            for reader in (target, drafter):
                reader.forget(known - 1)


@contract
def judge(
    draft: Float[Tensor, "time vocab"],
    target: Float[Tensor, "time+1 vocab"],
    guesses: Int[Tensor, " time"],
    uniform: Float[Tensor, " time+1"],
) -> Int[Tensor, " kept"]:
    """The guesses that stay, and one token of the target's behind them.

    `draft` and `target` are the shares q and p of each place; the last number of
    `uniform` draws the token, each other judges a guess.
    """
    places = torch.arange(len(guesses), device=guesses.device)
    q, p = draft[places, guesses], target[places, guesses]
    stays = uniform[:-1] * q < p
    n = int(stays.cumprod(0).sum())
    rest = target[n]
    if n < len(guesses):
        rest = (target[n] - draft[n]).clamp(min=0)
        # p = q but for rounding: a rejection had no chance, p itself is the limit.
        rest = torch.where(rest.sum() > 0, rest, target[n])
    own = draw(rest[None], uniform[-1:])
    return torch.cat([guesses[:n], own])


@contract
def shares_along(
    logits: Float[Tensor, "batch vocab"],
    tokens: Int[Tensor, " total"],
    sampling: Sampling,
) -> Float[Tensor, "batch vocab"]:
    """The distribution behind each of the last `batch` prefixes of `tokens`."""
    if sampling.repetition_penalty == 1 and not sampling.no_repeat_ngram:
        return shares(logits, tokens[:0].expand(len(logits), 0), sampling)
    first = len(tokens) - len(logits) + 1
    rows = [
        shares(row[None], tokens[None, : first + place], sampling)
        for place, row in enumerate(logits)
    ]
    return torch.cat(rows)


def _guess(
    drafter: RewindingReader,
    tokens: Tensor,
    known: int,
    numbers: Tensor,
    sampling: Sampling,
) -> Tensor:
    """Write guesses behind the known tokens; gives the distributions they are of."""
    q = []
    for place, number in enumerate(numbers, known):
        past = tokens[:, :place]
        q.append(shares(drafter.read(past, min(place, known))[-1:], past, sampling))
        tokens[0, place] = draw(q[-1], number[None])
    vocab = drafter.model.vocab
    return torch.cat(q) if q else torch.empty(0, vocab, device=tokens.device)


def _reach(known: int, wanted: int, context: int | None) -> int:
    """How many guesses the target can judge before its window moves."""
    start = window_start(known, context)
    return next(
        n for n in range(wanted, -1, -1) if window_start(known + n, context) == start
    )
