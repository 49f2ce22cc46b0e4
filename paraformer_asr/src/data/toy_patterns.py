"""Made-up speech without sound: each token is a pattern of features that moves.

Token k goes on a line from one random point to another while it lasts; it lasts for a
random time, with pauses around it, and noise lies on everything. A sample is a pure
function of (seed, split, index).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..tokenizers import Tokenizer
from ..utils.seed import keyed_rng
from .batch import Batch, Key, Samples, make_batch
from .config import ToyConfig
from .utterance import SPLITS, Split


LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Plan(NamedTuple):
    """The tokens of a sample and when they sound, in frames."""

    letters: list[int]
    starts: list[int]
    ends: list[int]
    frames: int

    @property
    def text(self) -> str:
        return "".join(LETTERS[letter] for letter in self.letters)


class ToySeq2Seq(Samples):
    """Features of width `mels`; the same in every epoch.

    `lengths` are the frames of each sample, `texts` what is said.
    """

    def __init__(
        self,
        config: ToyConfig,
        split: Split,
        seed: int,
        tokenizer: Tokenizer,
        mels: int = 40,
    ):
        self.config, self.split, self.seed, self.mels = config, split, seed, mels
        count = getattr(config, f"n_{split}")
        self.plans = [draw_plan(config, split, seed, i) for i in range(count)]
        self.texts = [tokenizer.normalise(plan.text) for plan in self.plans]
        self.tokens = [tokenizer.encode(text) for text in self.texts]
        self.lengths = np.array([plan.frames for plan in self.plans])
        self._cache: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.plans)

    def __getitems__(self, keys: list[Key]) -> Batch:
        places = [index for _, index in keys]
        return make_batch(
            [self._features(index) for index in places],
            [self.tokens[index] for index in places],
            [f"toy_{self.split}_{index:06d}" for index in places],
            [self.texts[index] for index in places],
            [""] * len(places),
        )

    def _features(self, index: int) -> Tensor:
        if index not in self._cache:
            key = (self.seed, SPLITS.index(self.split), index, 1)
            made = draw_features(self.config, self.plans[index], self.mels, key)
            self._cache[index] = torch.from_numpy(made)
        return self._cache[index]


def alphabet(config: ToyConfig) -> str:
    """Every token, each once."""
    return LETTERS[: config.tokens]


def toy_texts(config: ToyConfig, split: Split, seed: int) -> list[str]:
    """What is said in each sample of a split."""
    count = getattr(config, f"n_{split}")
    return [draw_plan(config, split, seed, i).text for i in range(count)]


def draw_plan(config: ToyConfig, split: Split, seed: int, index: int) -> Plan:
    """The tokens of a sample, their times and the pauses before, between and after."""
    rng = keyed_rng(seed, SPLITS.index(split), index)
    count = int(rng.integers(config.shortest, config.longest, endpoint=True))
    letters = rng.integers(0, config.tokens, count)
    lasts = rng.integers(*config.duration, count, endpoint=True)
    pauses = rng.integers(*config.pause, count + 1, endpoint=True)
    ends = np.cumsum(lasts + pauses[:-1])
    return Plan(
        letters.tolist(),
        (ends - lasts).tolist(),
        ends.tolist(),
        int(ends[-1] + pauses[-1]),
    )


def draw_features(
    config: ToyConfig, plan: Plan, mels: int, key: tuple[int, ...]
) -> np.ndarray:
    """float32 (frames, mels): the patterns of the tokens with noise, silence at 0.

    The patterns belong to `mels` alone: another seed speaks the same language.
    """
    points = pattern_points(mels)
    noise = keyed_rng(*key).standard_normal((plan.frames, mels), dtype=np.float32)
    features = config.noise * noise
    for letter, start, end in zip(plan.letters, plan.starts, plan.ends, strict=True):
        way = (np.arange(end - start)[:, None] + 0.5) / (end - start)
        pattern = (1 - way) * points[0, letter] + way * points[1, letter]
        features[start:end] += pattern.astype(np.float32)
    return features.astype(np.float32)


@lru_cache(maxsize=8)
def pattern_points(mels: int) -> np.ndarray:
    """Where the pattern of each token begins and ends: (2, tokens, mels)."""
    return keyed_rng(mels, 2022).standard_normal((2, len(LETTERS), mels))
