"""What all problems share: drawing, the split of a question, the plain verifier.

The interface is that of reasoning-gym (an entry has "question", "answer", "metadata";
`score_answer(answer, entry)`), and what reinforcement learning needs besides: worked
responses to imitate, the answer inside a response, its steps.
"""

import re
from abc import ABC, abstractmethod
from typing import Any, Literal, get_args

import numpy as np

from ...data.toy_tasks import split_of
from ...utils.errors import InputError


Entry = dict[str, Any]
Split = Literal["train", "val", "test"]
Key = tuple[int, ...]

SPLITS: tuple[str, ...] = get_args(Split)
PATIENCE = 20
"""Draws without a new question, for each known one, until no further one is hoped for:
of equally likely ones a given one is then missed with a chance of e**-20."""


class Problems(ABC):
    """`size` problems of one kind, drawn from (seed, split).

    The candidates of (seed, split) are one endless row, and entry i is the i-th of them
    that belongs to the split: it does not depend on `size`. With `unique` a question
    that came before is passed over. Raises InputError if there are too few.
    """

    name: str
    words: str | tuple[str, ...]
    """Every character (str), or every word (tuple), of questions and responses."""
    longest_question: int
    longest_response: int
    """Upper bounds, in characters or words."""
    chunk = (1000, 100_000)
    """Fewest and most candidates that are drawn at once."""
    marks: tuple[str, str] | None = None
    """The words that end an attempt: another one follows; this is the answer."""

    def __init__(
        self, size: int, seed: int, split: Split = "train", *, unique: bool = False
    ) -> None:
        check_whole("size", size, 1, 10**8)
        check_whole("seed", seed, 0, 2**63)
        if split not in SPLITS:
            raise InputError(f"split = {split!r}: must be one of {', '.join(SPLITS)}")
        if not isinstance(unique, bool):
            raise InputError(f"unique = {unique!r}: must be true or false")
        self.seed, self.split = seed, split
        self._pairs = self._collect(size, unique)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, i: int) -> Entry:
        """Problem i: its question, one right answer, and what they are about."""
        i = range(len(self))[i]
        question, answer = self._pairs[i]
        about = {"source_dataset": self.name, "source_index": i, "split": self.split}
        metadata = about | self.about(question)
        return {"question": question, "answer": answer, "metadata": metadata}

    @abstractmethod
    def draw(self, key: Key, indices: np.ndarray) -> list[tuple[str, str]]:
        """A question and its answer for each index; ("", "") where none came out."""

    @abstractmethod
    def demonstrate(self, entry: Entry, rng: np.random.Generator) -> str:
        """A worked response that is right; `rng` chooses where there are several."""

    @abstractmethod
    def read_answer(self, response: str) -> str | None:
        """The final answer of a response; None if that is not in the format."""

    def claims(self, response: str, question: str) -> bool:
        """Whether its last attempt says itself that it is right, true or not."""
        return self.read_answer(response) is not None

    def about(self, question: str) -> dict[str, Any]:
        """What the metadata of a question says besides where it is from."""
        return {}

    def canonical(self, question: str) -> str:
        """The same text for questions that are the same problem: decides the split."""
        return question

    def score_answer(self, answer: str | None, entry: Entry) -> float:
        """1 if the answer is right, else 0."""
        return float(answer == entry["answer"])

    def split_steps(self, response: str) -> list[str]:
        """Its pieces, each up to its mark `,` `;` or `=`; joined, they are it again."""
        return re.findall(r"[^,;=]*[,;=]|[^,;=]+", response)

    def score_steps(self, response: str, entry: Entry) -> list[float]:
        """For each piece whether it holds: 1 or 0.

        As it stands here, for problems with a single worked response.
        """
        steps = self.split_steps(response)
        right = self.split_steps(self.demonstrate(entry, np.random.default_rng(0)))
        right += [""] * (len(steps) - len(right))
        return [float(a == b) for a, b in zip(steps, right, strict=False)]

    def _collect(self, size: int, unique: bool) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        known: set[str] = set()
        key, drawn, last = (self.seed, SPLITS.index(self.split)), 0, 0
        share = 0.8 if self.split == "train" else 0.1
        while len(found) < size:
            if drawn - last > PATIENCE * (1000 + len(known) / share):
                raise self._too_few(size, len(known), drawn)
            count = int(np.clip((size - len(found)) * 1.2 / share, *self.chunk))
            for question, answer in self.draw(key, drawn + np.arange(count)):
                drawn += 1
                if not question or (unique and question in known):
                    continue
                if split_of(self.canonical(question)) == self.split:
                    found.append((question, answer))
                    known.add(question)
                    last = drawn
        return found[:size]

    def _too_few(self, size: int, known: int, drawn: int) -> InputError:
        return InputError(
            f"{self.name}: {size} questions asked for, but the part {self.split} has "
            f"{known} different ones ({drawn} draws gave no more). Ask for fewer, or "
            "change the options so that there are more"
        )


def check_whole(name: str, value: Any, low: int, high: int) -> int:
    """The value if it is a whole number from low to high; else raises InputError."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not (whole and low <= value <= high):
        raise InputError(
            f"{name} = {value!r}: must be a whole number from {low} to {high}"
        )
    return int(value)
