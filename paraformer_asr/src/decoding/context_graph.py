"""Hot words: phrases that a search should rather find (Aho & Corasick 1975).

All phrases are one tree, and a text walks through it: to the longest beginning of a
phrase that the text ends with. Each token on the way to a phrase earns its share at
once, so that the beam keeps the text; if the phrase is not completed, the share is
given back. What a finished text has earned is therefore exactly `score` for each token
of each phrase that stands in it, overlaps included.
"""

from collections import deque
from collections.abc import Sequence

from ..utils.errors import InputError


class ContextGraph:
    """A scorer for `phrases` of tokens; states are numbers of nodes, 0 is the root.

    `score` for each token of a phrase, in nats, is one number or one for each phrase.
    A phrase that is there twice counts once, with its last score. InputError for one
    without tokens or a score that is no finite number.
    """

    def __init__(
        self, phrases: Sequence[Sequence[int]], score: float | Sequence[float] = 2.0
    ):
        scores = [score] * len(phrases) if isinstance(score, (int, float)) else score
        self._next: list[dict[int, int]] = [{}]
        self._earned = [0.0]
        """By node: what all phrases that end here are worth, long and short."""
        self._hoped = [0.0]
        """By node: lent to a text that is on the way to a longer phrase."""
        for phrase, per_token in zip(phrases, scores, strict=True):
            self._add(phrase, per_token)
        self._fall = [0] * len(self._next)
        self._connect()

    def start(self) -> int:
        return 0

    def step(self, state: int, token: int) -> tuple[int, float]:
        """Walk on; where no phrase goes on, fall to a shorter beginning of another."""
        node = state
        while node and token not in self._next[node]:
            node = self._fall[node]
        node = self._next[node].get(token, 0)
        return node, self._earned[node] + self._hoped[node] - self._hoped[state]

    def finish(self, state: int) -> float:
        """Give back what was lent to a phrase that is not complete."""
        return -self._hoped[state]

    def _add(self, phrase: Sequence[int], score: float) -> None:
        if not len(phrase):
            raise InputError("a hot word has no tokens; leave it out")
        if not abs(score) < float("inf"):
            raise InputError(f"score of a hot word = {score}: must be a finite number")
        node = 0
        for depth, token in enumerate(phrase):
            # Nothing is lent for a negative score: who avoids a word need not hope.
            self._hoped[node] = max(self._hoped[node], score * depth)
            if token not in self._next[node]:
                self._next[node][token] = len(self._next)
                self._next.append({})
                self._earned.append(0.0)
                self._hoped.append(0.0)
            node = self._next[node][token]
        self._earned[node] = score * len(phrase)

    def _connect(self) -> None:
        """Set where each node falls to: the longest other beginning it ends with.

        Breadth first, so that what a node falls to, being shorter, is complete.
        """
        queue = deque(self._next[0].values())
        while queue:
            node = queue.popleft()
            self._earned[node] += self._earned[self._fall[node]]
            if not self._next[node]:  # a phrase is complete: hope only for what follows
                self._hoped[node] = self._hoped[self._fall[node]]
            for token, child in self._next[node].items():
                fall = self._fall[node]
                while fall and token not in self._next[fall]:
                    fall = self._fall[fall]
                self._fall[child] = self._next[fall].get(token, 0)
                queue.append(child)
