"""The datasets of reasoning-gym, where it is installed, as "gym/<name>".

Its generator and its verifier are taken as they are. Here are added the three splits
that share no question, and bounds: of a first sample the characters and the lengths
are noted, and entries that go beyond them, or have no stored answer, are left out.
"""

from typing import Any

import numpy as np

from ...utils.errors import InputError
from .base import Entry, Key, Problems, Split


PREFIX = "gym/"
SAMPLE = 200  # entries, always the same, that give the characters and lengths


class GymProblems(Problems):
    """The dataset `name` of reasoning-gym; `options` are those of its configuration."""

    chunk = (50, 5000)

    def __init__(
        self,
        name: str,
        size: int,
        seed: int,
        split: Split = "train",
        *,
        unique: bool = False,
        **options: Any,
    ) -> None:
        self.name = PREFIX + name
        self.options = options
        self._entries: dict[str, Entry] = {}
        sample = [e for e in self._generate((0, 3), np.arange(SAMPLE)) if has_texts(e)]
        if not sample:
            raise InputError(
                f"{self.name}: none of {SAMPLE} entries has an answer to learn from. "
                "Take another one"
            )
        questions, answers = ([e[k] for e in sample] for k in ("question", "answer"))
        self._known = set("".join(questions + answers))
        self.words = "".join(sorted(self._known))
        self.longest_question = max(map(len, questions))
        self.longest_response = max(map(len, answers))
        super().__init__(size, seed, split, unique=unique)
        self._entries = {asked: self._entries[asked] for asked, _ in self._pairs}

    def __getitem__(self, i: int) -> Entry:
        return dict(self._entries[self._pairs[i][0]])

    def draw(self, key: Key, indices: np.ndarray) -> list[tuple[str, str]]:
        pairs = []
        for entry in self._generate(key, indices):
            fits = self._fits(entry)
            pairs.append((entry["question"], entry["answer"]) if fits else ("", ""))
            if fits:
                self._entries.setdefault(entry["question"], entry)
        return pairs

    def demonstrate(self, entry: Entry, rng: np.random.Generator) -> str:
        """The answer alone."""
        return entry["answer"]

    def read_answer(self, response: str) -> str | None:
        """All of it; None if it is empty."""
        return response or None

    def score_answer(self, answer: str | None, entry: Entry) -> float:
        """What reasoning-gym gives for it."""
        return float(self._verifier.score_answer(answer, entry))

    def split_steps(self, response: str) -> list[str]:
        """The response is one step."""
        return [response] if response else []

    def score_steps(self, response: str, entry: Entry) -> list[float]:
        return [self.score_answer(step, entry) for step in self.split_steps(response)]

    def _generate(self, key: Key, indices: np.ndarray) -> list[Entry]:
        """Its entries `indices`, of a seed that belongs to `key`."""
        seed = int(np.random.SeedSequence(key).generate_state(1)[0]) >> 1
        self._verifier = _create(self.name, int(indices[-1]) + 1, seed, self.options)
        return [self._verifier[int(i)] for i in indices]

    def _fits(self, entry: Entry) -> bool:
        return (
            has_texts(entry)
            and len(entry["question"]) <= self.longest_question
            and len(entry["answer"]) <= self.longest_response
            and self._known.issuperset(entry["question"] + entry["answer"])
        )


def has_texts(entry: Entry) -> bool:
    """Whether question and answer are texts; some datasets have no stored answer."""
    texts = (entry["question"], entry["answer"])
    return all(isinstance(text, str) and text for text in texts)


def _create(name: str, size: int, seed: int, options: dict[str, Any]) -> Any:
    try:
        import reasoning_gym
    except ImportError:
        raise InputError(
            f"{name} needs reasoning-gym, which is not installed: "
            "pip install reasoning-gym"
        ) from None
    try:
        short = name.removeprefix(PREFIX)
        return reasoning_gym.create_dataset(short, size=size, seed=seed, **options)
    except (TypeError, ValueError, AssertionError) as error:
        raise InputError(f"{name}: reasoning-gym refuses it: {error}") from None
