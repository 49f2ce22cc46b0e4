"""What has a say in a search beside the model: a language model, hot words.

A scorer goes along with each text of a beam. Its states are small and can be compared:
texts in the same state are treated alike from there on.
"""

from collections.abc import Hashable
from typing import Protocol, runtime_checkable


@runtime_checkable
class Scorer(Protocol):
    def start(self) -> Hashable:
        """The state of the empty text."""

    def step(self, state: Hashable, token: int) -> tuple[Hashable, float]:
        """The state behind one token more, and what it adds to the score."""

    def finish(self, state: Hashable) -> float:
        """What the end of the text adds."""


class Together:
    """Several scorers as one; none at all adds nothing. Each is asked once a place."""

    def __init__(self, *scorers: Scorer | None):
        self.scorers = [scorer for scorer in scorers if scorer is not None]
        self._known: dict[tuple, tuple[tuple, float]] = {}

    def __bool__(self) -> bool:
        return bool(self.scorers)

    def start(self) -> tuple:
        return tuple(scorer.start() for scorer in self.scorers)

    def step(self, state: tuple, token: int) -> tuple[tuple, float]:
        if not self.scorers:
            return state, 0.0
        found = self._known.get((state, token))
        if found is None:
            pairs = zip(self.scorers, state, strict=True)
            steps = [scorer.step(one, token) for scorer, one in pairs]
            found = tuple(one for one, _ in steps), sum(added for _, added in steps)
            self._known[state, token] = found
        return found

    def finish(self, state: tuple) -> float:
        pairs = zip(self.scorers, state, strict=True)
        return sum((scorer.finish(one) for scorer, one in pairs), 0.0)
