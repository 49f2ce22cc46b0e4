"""Short stories from a seeded grammar, in the manner of TinyStories (Eldan & Li 2023).

Names, pronouns, colours, number and places come back later, so a model that forgets
pays for each return. Every choice is even and can be read off the text, so the entropy
of a story and the number of different ones are exact:

    H = sum over choices of log2(number of alternatives)
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ..utils.seed import keyed_rng
from .toy_words import FRESH, SLOTS, STORY


@dataclass(frozen=True, slots=True)
class ToyConfig:
    n_train: int = 4000
    """Stories to train on; about 525 characters each."""
    n_val: int = 400
    n_test: int = 400

    def __post_init__(self) -> None:
        for name in ("n_train", "n_val", "n_test"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be > 0")


SEPARATOR = "\n\n"
"""Between two stories, which have no line breaks themselves."""

_HOLE = re.compile(r"\{(\w+)\}")
_OWNER = {form: slot for slot, values in SLOTS.items() for form in values[0]}


def write_stories(seed: int, n: int, split: int = 0) -> str:
    """`n` stories with SEPARATOR between them; `split` is 0, 1 or 2.

    The i-th is a pure function of (seed, split, i).
    """
    return SEPARATOR.join(write_story(seed, split, i) for i in range(n))


def write_story(*key: int) -> str:
    """The story of one key."""
    numbers = iter(keyed_rng(*key).random(128).tolist())
    forms: dict[str, str] = {}

    def choose(values):
        return values[int(next(numbers) * len(values))]

    def fill(hole: re.Match) -> str:
        name = hole[1].lower()
        if name in FRESH:
            return choose(FRESH[name])
        if name not in forms:
            forms.update(choose(SLOTS[_OWNER[name]]))
        word = forms[name]
        return word if hole[1] == name else word[0].upper() + word[1:]

    return " ".join(_HOLE.sub(fill, choose(sentences)) for sentences in STORY)


@dataclass(frozen=True, slots=True)
class Figures:
    """What can be known about the stories without drawing one."""

    bits: float
    """Entropy of a story."""
    forgetful_bits: float
    """What a story costs who forgets, at each sentence, the ones before."""
    log10_stories: float
    """Different stories, as a power of ten."""


def figures() -> Figures:
    """Exact, by a walk over the sentences with the set of slots drawn so far."""

    @cache
    def walk(place: int, drawn: frozenset[str]) -> tuple[float, int]:
        if place == len(STORY):
            return 0.0, 1
        bits, stories = math.log2(len(STORY[place])), 0
        for sentence in STORY[place]:
            slots, ways = {s for s in _slots(sentence)} - drawn, _fresh(sentence)
            ways *= math.prod(len(SLOTS[slot]) for slot in slots)
            later = walk(place + 1, drawn | slots)
            bits += (math.log2(ways) + later[0]) / len(STORY[place])
            stories += ways * later[1]
        return bits, stories

    bits, stories = walk(0, frozenset())
    return Figures(bits, sum(map(_forgetful, STORY)), math.log10(stories))


def _forgetful(sentences: tuple[str, ...]) -> float:
    """Mean bits of one of these sentences alone."""
    total = math.log2(len(sentences))
    for sentence in sentences:
        bits = math.log2(_fresh(sentence))
        for slot, names in _slots(sentence).items():
            seen = Counter(tuple(v[n] for n in sorted(names)) for v in SLOTS[slot])
            shares = [count / len(SLOTS[slot]) for count in seen.values()]
            bits -= sum(share * math.log2(share) for share in shares)
        total += bits / len(sentences)
    return total


def _slots(sentence: str) -> dict[str, set[str]]:
    """The slots that a sentence shows, and in which forms."""
    found: dict[str, set[str]] = {}
    for name in _names(sentence):
        if name not in FRESH:
            found.setdefault(_OWNER[name], set()).add(name)
    return found


def _fresh(sentence: str) -> int:
    return math.prod(len(FRESH[name]) for name in _names(sentence) if name in FRESH)


def _names(sentence: str) -> Iterator[str]:
    return (hole[1].lower() for hole in _HOLE.finditer(sentence))
