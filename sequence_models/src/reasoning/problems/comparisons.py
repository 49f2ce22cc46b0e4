"""A chain of comparisons: from neighbours, told in any order, to the whole order.

    question   c>b,a<b,d>c
    response   a<b,b<c,c<d=abcd

Each two neighbours of a hidden order are compared once. The response links them into a
chain, from the smallest, and says the order.
"""

import re

import numpy as np

from ...data.draws import integers
from .base import Entry, Key, Problems, Split, check_whole
from .drawing import places, shuffled


LETTERS = "abcdefghij"


class Comparisons(Problems):
    """`length` letters out of ten, 3 to 10."""

    name = "comparisons"
    words = ",<=>" + LETTERS

    def __init__(
        self,
        size: int,
        seed: int,
        split: Split = "train",
        *,
        length: int = 5,
        unique: bool = False,
    ) -> None:
        self.length = check_whole("length", length, 3, len(LETTERS))
        self.longest_question = 4 * (self.length - 1) - 1
        self.longest_response = self.longest_question + 1 + self.length
        super().__init__(size, seed, split, unique=unique)

    def draw(self, key: Key, indices: np.ndarray) -> list[tuple[str, str]]:
        orders = shuffled((*key, 0), indices, len(LETTERS))[:, : self.length]
        told = shuffled((*key, 1), indices, self.length - 1)
        turned = integers((*key, 2), places(indices, self.length - 1), 2)
        pairs = []
        for row in zip(orders.tolist(), told.tolist(), turned.tolist(), strict=True):
            order = "".join(LETTERS[k] for k in row[0])
            links = [
                f"{order[k + 1]}>{order[k]}" if turn else f"{order[k]}<{order[k + 1]}"
                for k, turn in zip(*row[1:], strict=True)
            ]
            pairs.append((",".join(links), order))
        return pairs

    def canonical(self, question: str) -> str:
        """The chain itself: an order told in another way is in the same split."""
        return ",".join(chain(question))

    def demonstrate(self, entry: Entry, rng: np.random.Generator) -> str:
        return ",".join(chain(entry["question"])) + "=" + entry["answer"]

    def read_answer(self, response: str) -> str | None:
        """The letters after the last "=", if they are as many as in the question."""
        _, mark, answer = response.rpartition("=")
        fits = re.fullmatch(f"[{LETTERS}]{{{self.length}}}", answer)
        return answer if mark and fits else None


def chain(question: str) -> list[str]:
    """ "c>b,a<b" as a<b, b<c: each link begins where the one before it ends."""
    links = [(x[0], x[2]) if x[1] == "<" else (x[2], x[0]) for x in question.split(",")]
    above = dict(links)
    (at,) = above.keys() - above.values()
    found = []
    while at in above:
        found.append(f"{at}<{above[at]}")
        at = above[at]
    return found
