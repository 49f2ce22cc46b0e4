"""Beam search: the likeliest continuations, as far as a beam of `width` texts sees.

The score of a text is log p / length^a, with a the length penalty (Wu et al. 2016,
eq. 14, in transformers' form): a = 0 compares probabilities, which favours short texts,
a = 1 the mean of a token. Lengths count the new tokens, the one that ends it included.
"""

from collections.abc import Collection
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from .generate import Reader, evaluating
from .sampling import PLAIN, Sampling, penalise


class Beam(NamedTuple):
    tokens: list[int]
    """The new ones, with the token of `stop` that ended them."""
    log_probability: float
    score: float


@contract
def beam_search(
    model: nn.Module,
    prompt: Int[Tensor, " time"],
    count: int,
    width: int,
    *,
    length_penalty: float = 1.0,
    stop: Collection[int] = (),
    penalties: Sampling = PLAIN,
) -> list[Beam]:
    """Up to `width` texts of at most `count` new tokens, the best score first.

    Ends when no running text can still overtake one that ended: exactly, as
    transformers' early_stopping="never". Of `penalties` the repetition penalty and the
    n-grams apply, to log-probabilities as there.
    """
    if count < 1 or width < 1 or not len(prompt):
        raise ValueError(f"{len(prompt)} tokens, count {count}, width {width}: too few")
    with torch.inference_mode(), evaluating(model):
        search = _Search(model, prompt, count, width, length_penalty, stop)
        for length in range(1, count + 1):
            search.step(length, penalties)
            if search.is_over(length):
                break
        return search.finished


class _Search:
    """`width` rows of text; of those that do not exist yet the log-probability is -inf.

    `finished` has at most `width` beams, the best first.
    """

    def __init__(self, model, prompt, count, width, length_penalty, stop):
        self.count, self.width, self.penalty = count, width, length_penalty
        self.stop = frozenset(stop)
        self.time = len(prompt)
        self.tokens = torch.cat([prompt, prompt.new_zeros(count)]).expand(width, -1)
        self.reader = Reader(model, width, self.time + count)
        self.totals = torch.full((width,), -torch.inf, device=prompt.device)
        self.totals[0] = 0
        self.finished: list[Beam] = []

    def step(self, length: int, penalties: Sampling) -> None:
        """Make every text one token longer, to `length` new ones."""
        end = self.time + length
        past = self.tokens[:, : end - 1]
        logits = self.reader.read(past)
        logits = logits if logits.dtype == torch.double else logits.float()
        scores = penalise(logits.log_softmax(1), past, penalties)
        scores = scores + self.totals[:, None].to(scores)
        rows, tokens, totals = self._candidates(scores)
        running = []
        for place, (token, total) in enumerate(
            zip(tokens.tolist(), totals.tolist(), strict=True)
        ):
            if total == -torch.inf:
                continue
            if token not in self.stop and length < self.count:
                running.append(place)
            elif place < self.width:
                text = [*past[rows[place], self.time :].tolist(), token]
                self._finish(text, total)
        self._go_on(running[: self.width], rows, tokens, totals, end)

    def is_over(self, length: int) -> bool:
        """Whether no running text can still get better than the worst finished one."""
        if len(self.finished) < self.width:
            return bool(self.totals.isneginf().all())
        longest = self.count if self.penalty > 0 else length
        return self._score(self.totals.max().item(), longest) <= self.finished[-1].score

    def _candidates(
        self, scores: Float[Tensor, "width vocab"]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The best continuations: as many that the width stays full if some end."""
        most = min((len(self.stop) + 1) * self.width, scores.numel())
        totals, places = scores.flatten().topk(most)
        vocab = scores.shape[1]
        return places // vocab, places % vocab, totals

    def _finish(self, tokens: list[int], total: float) -> None:
        beam = Beam(tokens, total, self._score(total, len(tokens)))
        ranked = sorted([*self.finished, beam], key=lambda one: -one.score)
        self.finished = ranked[: self.width]

    def _go_on(self, running: list[int], rows, tokens, totals, end: int) -> None:
        """Let the rows be these candidates; what lacks to the width is a dead row."""
        filled = running + [0] * (self.width - len(running))
        order = rows[filled]
        self.reader.reorder(order)
        self.tokens = self.tokens[order]
        self.tokens[:, end - 1] = tokens[filled]
        self.totals = totals[filled]
        self.totals[len(running) :] = -torch.inf

    def _score(self, total: float, length: int) -> float:
        return total / length**self.penalty
