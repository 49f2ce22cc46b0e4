"""Made-up speech as sound: each token is a chord of two tones that fades.

The tones lie on a grid, as those of a telephone's keys; a new token begins loud, so
that two equal ones in a row are heard as two. Goes through the real front end.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ..utils.seed import keyed_rng
from .config import ToyConfig
from .toy_patterns import LETTERS, Plan, draw_plan
from .utterance import SPLITS, Splits, Utterance


COLUMNS = 5
LOW, HIGH = 0.08, 0.85
"""The lowest and highest tone, as shares of the band up to 4 kHz."""
UNIT_S = 0.01
LOUD = 0.3
FADE = 4.0
"""A token falls to exp(-FADE / 2) of how loud it began."""
RAMP_S = 0.004
"""Of switching on and off, against clicks."""


def tone_utterances(config: ToyConfig, seed: int) -> Splits:
    """What is said in each sample; `ToneMaker` makes the sound."""
    return {
        split: [
            Utterance(
                f"{split}-{index:06d}", None, draw_plan(config, split, seed, index).text
            )
            for index in range(getattr(config, f"n_{split}"))
        ]
        for split in SPLITS
    }


class ToneMaker:
    """Waveforms of `tone_utterances`: a pure function of (seed, split, index)."""

    def __init__(self, config: ToyConfig, seed: int):
        self.config, self.seed = config, seed

    def __call__(self, utterance: Utterance, sample_rate: int) -> Tensor:
        split, _, number = utterance.id.partition("-")
        plan = draw_plan(self.config, split, self.seed, int(number))
        waveform = play(plan, sample_rate)
        rng = keyed_rng(self.seed, SPLITS.index(split), int(number), 1)
        hiss = rng.standard_normal(len(waveform), dtype=np.float32)
        waveform += np.float32(0.1 * LOUD * self.config.noise) * hiss
        return torch.from_numpy(waveform)


def play(plan: Plan, sample_rate: int) -> np.ndarray:
    """The chords of a plan, float32 in [-LOUD, LOUD], silence between them."""
    unit = UNIT_S * sample_rate
    waveform = np.zeros(round(plan.frames * unit), np.float32)
    for letter, start, end in zip(plan.letters, plan.starts, plan.ends, strict=True):
        first, last = round(start * unit), round(end * unit)
        waveform[first:last] = token_sound(letter, last - first, sample_rate)
    return waveform


@lru_cache(maxsize=4096)
def token_sound(letter: int, samples: int, sample_rate: int) -> np.ndarray:
    """One token: loud at first, fading, without clicks."""
    t, lasts = np.arange(samples) / sample_rate, samples / sample_rate
    edge = np.minimum(1, np.minimum(t, lasts - t) / RAMP_S)
    low, high = chord(letter, sample_rate)
    tone = np.sin(2 * np.pi * low * t) + np.sin(2 * np.pi * high * t)
    return (LOUD / 2 * edge * np.exp(-FADE / 2 * t / lasts) * tone).astype(np.float32)


def chord(letter: int, sample_rate: int) -> tuple[float, float]:
    """The two frequencies of a token in Hz, evenly spaced by ratio over the band."""
    band = min(4000.0, sample_rate / 2)
    rows = -(-len(LETTERS) // COLUMNS)
    steps = np.geomspace(LOW, HIGH, rows + COLUMNS) * band
    row, column = divmod(letter, COLUMNS)
    return float(steps[row]), float(steps[rows + column])
