"""What a sweep trains: every combination of grid, seeds and folds, each with a name.

A point is `key=value` overrides as `scripts/train.py` takes them; the name of its run
folder is made of these alone, so that a second call finds what the first one has done.
"""

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tools.projects import WorkspaceError
from tools.tables import counted


LONGEST = 100  # characters of a folder's name that stand for the overrides
OPENING, CLOSING = "[{(", "]})"


@dataclass(frozen=True, slots=True)
class Point:
    """One run: the overrides, the seed, and which part of the data validates."""

    overrides: tuple[str, ...]
    seed: int
    fold: tuple[str, ...] = ()  # ("data.folds=5", "data.fold=0"); empty for none

    @property
    def name(self) -> str:
        """The run folder: `optim.lr=0.1-seed0`, in whatever order they were typed."""
        text = ",".join(sorted(self.overrides)) or "base"
        plain = re.sub(r"[][(){}'\" ]", "", text)
        short = re.sub(r"[^A-Za-z0-9._=+,-]+", "_", plain)[:LONGEST]
        if short != text:  # two texts may look alike now
            short += f"-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
        fold = "".join(f"-{item.rpartition('.')[2]}" for item in self.fold)
        return f"{short}-seed{self.seed}{fold.replace('=', '')}"


def all_points(
    fixed: Sequence[str],
    grid: Sequence[str],
    seeds: Sequence[int],
    folds: Sequence[tuple[str, ...]] = ((),),
) -> list[Point]:
    """Every combination, a seed through the whole grid before the next one begins:
    what is done at any moment can be compared."""
    axes = [grid_axis(text) for text in grid]
    keys = [key_of(text) for text in fixed] + [key for key, _ in axes]
    for key in keys:
        if keys.count(key) > 1:
            raise WorkspaceError(f"{key} is given twice; name all its values in one")
        if inside := [other for other in keys if other.startswith(f"{key}.")]:
            raise WorkspaceError(f"{inside[0]} is inside {key}; give one of them")
        if key == "seed":
            raise WorkspaceError("seed is given as a key; write --seeds 0-5 instead")
    named = [[f"{key}={value}" for value in values] for key, values in axes]
    return [
        Point((*fixed, *chosen), seed, fold)
        for seed in seeds
        for fold in folds
        for chosen in itertools.product(*named)
    ]


def grid_axis(text: str) -> tuple[str, list[str]]:
    """`key=a,b` as the key and its values; a value in brackets or quotes is whole."""
    key = key_of(text)
    values = list(dict.fromkeys(_split(text)))
    if not all(values):
        raise WorkspaceError(
            f"--grid {text}: a value is empty; write key=a,b,c, and '\"\"' for no text"
        )
    return key, values


def key_of(text: str) -> str:
    """The key of `key=value`; a sentence if it is nothing of the kind."""
    key, equals, value = text.partition("=")
    if not equals or not all(re.fullmatch(r"\w+", part) for part in key.split(".")):
        raise WorkspaceError(f"{text}: write key=value, for example optim.lr=1e-3")
    if "\n" in value or "\r" in value:
        raise WorkspaceError(f"{key}: the value has a line break; write it in one line")
    return key


def seeds_of(text: str) -> list[int]:
    """`0-2,7` as [0, 1, 2, 7]."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < first + 10_000:
            raise WorkspaceError(f"--seeds {text}: write 0-5, or 0,1,7, or 0-2,7")
        found += range(first, last + 1)
    return list(dict.fromkeys(found))


def _split(text: str) -> Iterator[str]:
    """The values after `=`: divided at the commas outside of brackets and quotes."""
    open_brackets, quote, value = [], "", ""
    for letter in text.partition("=")[2]:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in OPENING:
            open_brackets.append(CLOSING[OPENING.index(letter)])
        elif letter in CLOSING and (not open_brackets or open_brackets.pop() != letter):
            raise WorkspaceError(f"--grid {text}: a bracket is closed and not opened")
        elif letter == "," and not open_brackets:
            yield value.strip()
            value = ""
            continue
        value += letter
    if open_brackets or quote:
        what = "a quote" if quote else "a bracket"
        raise WorkspaceError(f"--grid {text}: {what} is opened and not closed")
    yield value.strip()


def in_words(points: Iterable[Point]) -> str:
    """How many points, seeds and runs, in words."""
    points = list(points)
    settings = len({point.overrides for point in points})
    seeds = len({point.seed for point in points})
    folds = len({point.fold for point in points})
    parts = [counted(settings, "point"), counted(seeds, "seed")]
    parts += [counted(folds, "fold")] if folds > 1 else []
    return f"{' x '.join(parts)} = {counted(len(points), 'run')}"
