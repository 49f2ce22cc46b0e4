"""A shortest way through a small graph, by breadth-first search.

    question   cb,ab,dc,ae:ad
    response   a,be,c,d=abcd

Lines between letters, both ways, then from where to where. The response gives the
letters at distance 0, 1, 2 ... up to where the goal is found, and a way. Any of the
shortest ways is right.
"""

import re
from functools import lru_cache

import numpy as np

from ...data.draws import integers, uniform
from .base import Entry, Key, Problems, Split, check_whole
from .drawing import places, shuffled


LETTERS = "abcdefghij"


class Graph(Problems):
    """`nodes` letters, 5 to 10, connected by nodes + nodes // 4 lines.

    Start and goal are not neighbours.
    """

    name = "graph"

    def __init__(
        self,
        size: int,
        seed: int,
        split: Split = "train",
        *,
        nodes: int = 6,
        unique: bool = False,
    ) -> None:
        self.nodes = check_whole("nodes", nodes, 5, len(LETTERS))
        self.words = ",:=" + LETTERS[: self.nodes]
        self.lines = self.nodes + self.nodes // 4
        self.longest_question = 3 * self.lines + 2
        self.longest_response = 3 * self.nodes
        super().__init__(size, seed, split, unique=unique)

    def draw(self, key: Key, indices: np.ndarray) -> list[tuple[str, str]]:
        order = self._pairs(key, indices)
        mixed = shuffled((*key, 1), indices, self.lines)
        lines = np.take_along_axis(order[:, : self.lines], mixed, 1)
        chosen = np.column_stack([lines, order[:, self.lines]])  # the last is asked for
        turned = integers((*key, 2), places(indices, self.lines + 1), 2)
        low, high = _ends(self.nodes)
        ends = np.stack([low[chosen], high[chosen]], 2)
        ends = np.where(turned[..., None] == 1, ends[..., ::-1], ends)
        names = np.array(list(LETTERS))[shuffled((*key, 3), indices, self.nodes)]
        named = np.take_along_axis(names, ends.reshape(len(indices), -1), 1)
        pairs = []
        for row in named.tolist():
            *told, asked = map("".join, zip(row[::2], row[1::2], strict=True))
            question = ",".join(told) + ":" + asked
            pairs.append((question, search(question)[1][0]))
        return pairs

    def canonical(self, question: str) -> str:
        """Lines and letters in order: a graph told in another way is in one split."""
        told, asked = question.split(":")
        lines = sorted("".join(sorted(line)) for line in told.split(","))
        return ",".join(lines) + ":" + "".join(sorted(asked))

    def demonstrate(self, entry: Entry, rng: np.random.Generator) -> str:
        """One of all the shortest ways, each as likely."""
        layers, ways = search(entry["question"])
        return f"{layers}={ways[rng.integers(len(ways))]}"

    def read_answer(self, response: str) -> str | None:
        """The letters after the last "="."""
        _, mark, answer = response.rpartition("=")
        fits = re.fullmatch(f"[{self.words[3:]}]{{2,{self.nodes}}}", answer)
        return answer if mark and fits else None

    def score_answer(self, answer: str | None, entry: Entry) -> float:
        """1 for any of the shortest ways."""
        return float(answer in search(entry["question"])[1])

    def score_steps(self, response: str, entry: Entry) -> list[float]:
        """For each distance whether its letters are right, and at last the way."""
        layers, ways = search(entry["question"])
        right = [{step} for step in self.split_steps(layers + "=")] + [set(ways)]
        steps = self.split_steps(response)
        right += [set()] * (len(steps) - len(right))
        return [float(a in b) for a, b in zip(steps, right, strict=False)]

    def _pairs(self, key: Key, indices: np.ndarray) -> np.ndarray:
        """All pairs of nodes in a random order, first those that connect the graph.

        Each node but the first is joined with one before it.
        """
        n, rows = self.nodes, np.arange(len(indices))
        rank = uniform((*key, 0), places(indices, n * (n - 1) // 2))
        for node in range(1, n):
            parent = integers((*key, 4, node), indices, node)
            rank[rows, node * (node - 1) // 2 + parent] -= 1
        return rank.argsort(1)


@lru_cache(maxsize=2**16)
def search(question: str) -> tuple[str, tuple[str, ...]]:
    """The letters at each distance, "a,be,c,d", and every shortest way."""
    start, goal = question[-2:]
    beside: dict[str, set[str]] = {}
    for line in question[:-3].split(","):
        for a, b in (line, line[::-1]):
            beside.setdefault(a, set()).add(b)
    layers, seen, ways = [start], {start}, [start]
    while goal not in seen:
        reached = {b for a in layers[-1] for b in beside[a]} - seen
        seen |= reached
        layers.append("".join(sorted(reached)))
        ways = [way + b for way in ways for b in sorted(beside[way[-1]] & reached)]
    return ",".join(layers), tuple(way for way in ways if way[-1] == goal)


def _ends(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the higher node of each pair: 01 02 12 03 13 23 ..."""
    high, low = np.tril_indices(nodes, -1)
    return low, high
