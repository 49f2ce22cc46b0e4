"""Copy, reverse, sort and add: tasks whose every answer is known, to see a model learn.

A question is drawn from (seed, split, index) and kept only where its own checksum puts
it into that split: no question of "val" or "test" is trained on, under any seed.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..tokenizers import Tokenizer
from ..utils.contracts import contract
from ..utils.errors import InputError
from .draws import integers
from .ragged import Ragged
from .windows import IGNORED, Batch, Batches, Key, split_keys


SPECIALS = ("<|bos|>", "<|eos|>", "<|pad|>", "<|sep|>")
"""What the tokenizer of these tasks needs besides `alphabet(config)`."""

SPLITS = ("train", "val", "test")
TRIES = 400


@dataclass(frozen=True, slots=True)
class TaskConfig:
    kind: Literal["copy", "reverse", "sort", "add"] = "reverse"
    shortest: int = 1
    """Fewest letters of a question; of `add`, digits of each number."""
    longest: int = 10
    """Most letters; of `add`, digits (at most 15)."""
    symbols: int = 10
    """Different letters, 1 to 26; `add` has its ten digits."""
    n_train: int = 10000
    n_val: int = 500
    n_test: int = 500

    def __post_init__(self) -> None:
        most = 15 if self.kind == "add" else 1000
        if not 1 <= self.shortest <= self.longest <= most:
            raise ValueError(
                f"shortest = {self.shortest}, longest = {self.longest}: must be from 1 "
                f"to {most}, the shortest first"
            )
        if not 1 <= self.symbols <= 26:
            raise ValueError(f"symbols = {self.symbols}: must be from 1 to 26")
        for name in ("n_train", "n_val", "n_test"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be > 0")


def alphabet(config: TaskConfig) -> str:
    """Every character of questions and answers."""
    if config.kind == "add":
        return "+0123456789"
    return "abcdefghijklmnopqrstuvwxyz"[: config.symbols]


class Pairs(Batches):
    """Questions and answers for an encoder-decoder.

    A batch is {"source" int64 (batch source_time), "source_mask" bool, "tokens" int64
    (batch time) beginning with BOS, "targets" ending with EOS, -100 at the padding}.
    `questions` and `answers` are the same as text. The tokenizer knows
    `alphabet(config)` and `SPECIALS`.
    """

    def __init__(
        self,
        config: TaskConfig,
        split: Literal["train", "val", "test"],
        seed: int,
        tokenizer: Tokenizer,
    ):
        self.questions = questions(config, split, seed)
        self.answers = [answer(config.kind, text) for text in self.questions]
        self.specials = tokenizer.specials
        self.source = Ragged.of([tokenizer.encode(text) for text in self.questions])
        bos, eos = (tokenizer.specials[name] for name in SPECIALS[:2])
        self.target = Ragged.of(
            [[bos, *tokenizer.encode(text), eos] for text in self.answers]
        )

    def __len__(self) -> int:
        return len(self.questions)

    @contract
    def __getitems__(self, keys: list[Key]) -> Batch:
        _, indices = split_keys(keys)
        pad = self.specials["<|pad|>"]
        source, source_mask = self.source.padded(indices, pad)
        shifted = shift(self.target, indices, pad)
        source, source_mask = map(torch.from_numpy, (source, source_mask))
        return {"source": source, "source_mask": source_mask} | shifted


class PairLines(Batches):
    """The same for a decoder: BOS question SEP answer EOS, only the answer scored.

    A batch is {"tokens", "targets"}; targets are -100 up to SEP and at the padding.
    """

    def __init__(self, pairs: Pairs):
        self.pairs, pad = pairs, pairs.specials["<|pad|>"]
        bos, eos, _, sep = (pairs.specials[name] for name in SPECIALS)
        self.pad = pad
        self.prompts = pairs.source.lengths + 2
        self.lines = Ragged.of(
            [
                [bos, *pairs.source[i], sep, *pairs.target[i][1:-1], eos]
                for i in range(len(pairs))
            ]
        )

    def __len__(self) -> int:
        return len(self.pairs)

    @contract
    def __getitems__(self, keys: list[Key]) -> Batch:
        _, indices = split_keys(keys)
        batch = shift(self.lines, indices, self.pad)
        prompt = torch.from_numpy(self.prompts[indices])
        place = torch.arange(batch["tokens"].shape[1])
        batch["targets"][place < prompt[:, None] - 1] = IGNORED
        return batch


def questions(
    config: TaskConfig, split: Literal["train", "val", "test"], seed: int
) -> list[str]:
    """The questions of one split; the i-th does not depend on how many there are."""
    count = getattr(config, f"n_{split}")
    found: list[str] = [""] * count
    missing = np.arange(count)
    for attempt in range(TRIES):
        key = (seed, SPLITS.index(split), attempt)
        for i, text in zip(missing, _draw(config, key, missing), strict=True):
            if split_of(text) == split:
                found[i] = text
        missing = missing[[not found[i] for i in missing]]
        if not len(missing):
            return found
    raise InputError(
        f"{config.kind}: {TRIES} draws gave no question for the part {split}; there "
        "are too few different ones, raise longest or symbols"
    )


def split_of(question: str) -> str:
    """The only split that may hold this question: 80 % train, 10 % val, 10 % test."""
    return ("val", "test", *8 * ("train",))[zlib.crc32(question.encode()) % 10]


def answer(kind: str, question: str) -> str:
    """What the model should say."""
    return _ANSWERS[kind](question)


def _add(question: str) -> str:
    first, second = question.split("+")
    return str(int(first) + int(second))


_ANSWERS: dict[str, Callable[[str], str]] = {
    "copy": lambda question: question,
    "reverse": lambda question: question[::-1],
    "sort": lambda question: "".join(sorted(question)),
    "add": _add,
}


def shift(rows: Ragged, indices: np.ndarray, pad: int) -> dict[str, Tensor]:
    """Each row without its last id as tokens, without its first as targets."""
    matrix, real = rows.padded(indices, pad)
    targets = np.where(real, matrix, IGNORED)[:, 1:]
    tokens = np.where(targets == IGNORED, pad, matrix[:, :-1])
    return {"tokens": torch.from_numpy(tokens), "targets": torch.from_numpy(targets)}


def _draw(config: TaskConfig, key: tuple[int, ...], indices: np.ndarray) -> list[str]:
    if config.kind == "add":
        first, second = (_numbers(config, (*key, n), indices) for n in (0, 1))
        return [f"{a}+{b}" for a, b in zip(first, second, strict=True)]
    lengths = _lengths(config, (*key, 0), indices)
    places = indices[:, None] * config.longest + np.arange(config.longest)
    letters = np.array(list(alphabet(config)))
    rows = letters[integers((*key, 1), places, len(letters))]
    return ["".join(row[:n]) for row, n in zip(rows, lengths, strict=True)]


def _lengths(
    config: TaskConfig, key: tuple[int, ...], indices: np.ndarray
) -> np.ndarray:
    spread = config.longest - config.shortest + 1
    return config.shortest + integers((*key, 0), indices, spread)


def _numbers(
    config: TaskConfig, key: tuple[int, ...], indices: np.ndarray
) -> np.ndarray:
    """Whole numbers: first how many digits, then evenly one with that many."""
    lengths = _lengths(config, key, indices)
    low = np.where(lengths == 1, 0, 10 ** (lengths - 1))
    return low + integers((*key, 1), indices, 10**lengths - low)
