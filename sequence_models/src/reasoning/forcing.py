"""Budget forcing: one attempt after another in one response (Muennighoff et al. 2025).

s1 (arXiv 2501.19393, section 3.1) forces a minimum by a word in the place of the end of
thinking ("Wait"), a maximum by that end itself, and decodes greedily. Here the words
are the task's own `marks`, such as "?" and "!": where an attempt ends before the budget
is used, "?" stands in its place and the model goes on; at the budget "!" does.

Nothing here asks the verifier. Which attempt is the answer is a rule (`until`):
"last"    as in s1: the last one that the budget allows
"claim"   the first that says itself that it is right, by `Problems.claims`: the result
          that it writes is the one asked for. Its arithmetic may be wrong all the same
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import nn

from ..generation.generate import generate
from ..generation.sampling import GREEDY, Sampling
from ..tokenizers import Tokenizer
from .curriculum import Lines, answer_numbers
from .problems import Problems


Until = Literal["last", "claim"]


class Attempt(NamedTuple):
    response: str
    """Ended after this attempt; those before it stand in it too."""
    tokens: int
    """Written up to here, the mark and EOS included."""
    claims: bool
    ended: bool


def force(
    model: nn.Module,
    tokenizer: Tokenizer,
    problems: Problems,
    indices: Sequence[int],
    attempts: int,
    key: tuple[int, ...],
    sampling: Sampling = GREEDY,
) -> list[list[Attempt]]:
    """Up to `attempts` in a row at each problem, as many as the context has room for.

    A problem whose attempt does not end in that room keeps the answer before it, and
    the tokens count. Raises ValueError for problems without `marks`.
    """
    if problems.marks is None:
        raise ValueError(f"{problems.name} has no marks that end an attempt")
    lines = Lines(tokenizer)
    again, done = (tokenizer.encode(mark)[0] for mark in problems.marks)
    rows = [_Row(problems, i, lines) for i in indices]
    most, device = problems.longest_response + 1, next(model.parameters()).device
    numbers = answer_numbers(key, torch.tensor(indices).numpy(), 1, attempts * most)
    for _ in range(attempts):
        going = [i for i, row in enumerate(rows) if not row.stuck]
        # Those of a length together: each has its own room.
        for length in {len(rows[i].ids) for i in going}:
            some = [i for i in going if len(rows[i].ids) == length]
            left = most if model.context is None else model.context + 1 - length
            count = min(most, left)
            if count < 2:
                continue
            numbered = [numbers[i, 0, rows[i].written :][:count] for i in some]
            written = generate(
                model,
                torch.tensor([rows[i].ids for i in some], device=device),
                count,
                sampling,
                uniform=torch.stack(numbered).to(device),
                stop=(again, done, lines.eos),
            )
            for i, tokens in zip(some, written.tolist(), strict=True):
                rows[i].take(tokens, (again, done, lines.eos), tokenizer)
    return [row.attempts for row in rows]


def choose(attempts: Sequence[Attempt], budget: int, until: Until) -> Attempt:
    """The attempt that answers where `budget` of them are allowed."""
    allowed = attempts[:budget]
    claiming = (one for one in allowed if until == "claim" and one.claims)
    return next(claiming, allowed[-1])


class _Row:
    """One problem, and what has been written to it."""

    def __init__(self, problems: Problems, index: int, lines: Lines):
        self.problems, self.question = problems, problems[index]["question"]
        self.ids = lines.prompt(self.question)
        self.prompt, self.stuck = len(self.ids), False
        self.attempts: list[Attempt] = []

    @property
    def written(self) -> int:
        return len(self.ids) - self.prompt

    def take(
        self, tokens: list[int], ends: tuple[int, int, int], tokenizer: Tokenizer
    ) -> None:
        """Add one attempt, whatever it was that ended it, and "?" behind it."""
        again, done, _ = ends
        stop = next((i for i, token in enumerate(tokens) if token in ends), None)
        if stop is None:
            self._give_up(tokens, tokenizer)
            return
        self.ids += tokens[:stop]
        response = tokenizer.decode([*self.ids[self.prompt :], done])
        claims = self.problems.claims(response, self.question)
        self.attempts.append(Attempt(response, self.written + 2, claims, True))
        self.ids.append(again)

    def _give_up(self, tokens: list[int], tokenizer: Tokenizer) -> None:
        """The room is used and the attempt not ended."""
        self.stuck = True
        spent = self.written + len(tokens)
        if self.attempts:
            self.attempts.append(self.attempts[-1]._replace(tokens=spent))
        else:
            response = tokenizer.decode(tokens)
            self.attempts.append(Attempt(response, spent, False, False))
