"""The beam of one utterance: which texts go on, and which have ended."""

from math import exp
from typing import NamedTuple

from .greedy import Hypothesis
from .scorer import Together


class Text(NamedTuple):
    tokens: tuple[int, ...]
    logs: tuple[float, ...]
    """log p of each token, and of the end where there is one."""
    total: float
    """With what the scorers added."""
    state: tuple


class BeamSearch:
    """At most `width` texts run, and as many have ended; `limit` is the longest one.

    `step` is told the best continuations of each running text and says which go on.
    """

    def __init__(
        self, width: int, limit: int, penalty: float, eos: int, scorers: Together
    ):
        self.width, self.limit, self.penalty = width, limit, penalty
        self.eos, self.scorers = eos, scorers
        self.running = [Text((), (), 0.0, scorers.start())]
        self.ended: list[tuple[float, Text]] = []
        if limit <= 0:
            self._end(self.running.pop())

    @property
    def alive(self) -> int:
        return len(self.running)

    def step(
        self, logs: list[list[float]], tokens: list[list[int]]
    ) -> tuple[list[int], list[int]]:
        """Which text each of `width` rows is to continue, and its new token.

        `logs` and `tokens` have a row for each, those of running texts first. A row
        that has no text any more continues the first one, and nothing looks at it.
        """
        going: list[tuple[int, Text]] = []
        if not self.is_over():
            for place, (source, text, ends) in enumerate(
                self._candidates(logs, tokens)
            ):
                if not ends and len(text.tokens) < self.limit:
                    going.append((source, text))
                elif place < self.width:
                    self._end(text)
            going = going[: self.width]
            self.running = [text for _, text in going]
        lacking = self.width - len(going)
        sources = [source for source, _ in going] + [0] * lacking
        return sources, [text.tokens[-1] for _, text in going] + [0] * lacking

    def is_over(self) -> bool:
        """Whether no running text can still get better than the worst that ended.

        Exactly so where no scorer adds anything: log p only falls.
        """
        if not self.running or len(self.ended) < self.width:
            return not self.running
        best = max(text.total for text in self.running)
        longest = self.limit if self.penalty > 0 else len(self.running[0].logs)
        return best / longest**self.penalty <= self.ended[-1][0]

    def hypotheses(self) -> list[Hypothesis]:
        """What has ended, the best first."""
        return [
            Hypothesis(
                list(text.tokens),
                score,
                [exp(log) for log in text.logs[: len(text.tokens)]],
            )
            for score, text in self.ended
        ]

    def _candidates(self, logs, tokens) -> list[tuple[int, Text, bool]]:
        """(row, text, whether it ends there) of the best continuations."""
        found = []
        for source, text in enumerate(self.running):
            for log, token in zip(logs[source], tokens[source], strict=True):
                ends = token == self.eos
                if ends:
                    state, added = text.state, self.scorers.finish(text.state)
                else:
                    state, added = self.scorers.step(text.state, token)
                    if len(text.tokens) + 1 == self.limit:
                        added += self.scorers.finish(state)
                total = text.total + log + added
                found.append((total, source, log, token, state, ends))
        found.sort(key=lambda candidate: -candidate[0])
        longer = []
        for total, source, log, token, state, ends in found[: 2 * self.width]:
            before = self.running[source]
            said = before.tokens if ends else (*before.tokens, token)
            text = Text(said, (*before.logs, log), total, state)
            longer.append((source, text, ends))
        return longer

    def _end(self, text: Text) -> None:
        score = text.total / max(len(text.logs), 1) ** self.penalty
        ranked = [*self.ended, (score, text)]
        ranked.sort(key=lambda pair: -pair[0])
        self.ended = ranked[: self.width]
