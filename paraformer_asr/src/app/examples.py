"""Sounds that the page offers beside a visitor's own: recordings, toy utterances."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..audio.read import stream_audio
from ..data.toy_patterns import draw_plan
from ..data.toy_tones import ToneMaker
from ..data.utterance import Utterance
from ..inference.recognizer import Recognizer
from ..utils.errors import InputError


RECORDINGS = Path(__file__).parents[2] / "docs" / "examples"
TOYS = 3
"""Test utterances of a model that was trained on made-up sound."""
LONGEST_S = 60.0
MOST = 12


class Example(NamedTuple):
    name: str
    waveform: Tensor
    rate: int
    spoken: str = ""
    """What is really said, where that is known."""


def find_examples(recognizer: Recognizer, folder: Path | None = None) -> list[Example]:
    """The WAV files of `folder`, by default docs/examples and a few test utterances.

    Raises InputError for a folder without any.
    """
    paths = sorted((folder or RECORDINGS).glob("*.wav"))[:MOST]
    if folder and not paths:
        raise InputError(f"--examples {folder}: no .wav file is there; name a folder")
    return [*map(_recorded, paths), *([] if folder else _toys(recognizer))]


def _recorded(path: Path) -> Example:
    try:
        blocks = [*stream_audio(path)]
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    waveform = torch.cat([torch.zeros(0), *(block.waveform for block in blocks)])
    rate = blocks[0].sample_rate if blocks else 1
    if not 0 < len(waveform) <= LONGEST_S * rate:
        raise InputError(f"{path}: an example is a sound of at most {LONGEST_S:g} s")
    return Example(path.name, waveform, rate)


def _toys(recognizer: Recognizer) -> Sequence[Example]:
    """Of the part that no model of this config was trained on."""
    config = recognizer.loaded.config
    if config.data.name != "toy_tones":
        return []
    make, rate = ToneMaker(config.data.toy, config.seed), recognizer.sample_rate
    found = []
    for index in range(min(TOYS, config.data.toy.n_test)):
        name = f"test-{index:06d}"
        text = draw_plan(config.data.toy, "test", config.seed, index).text
        found.append(Example(name, make(Utterance(name, None, text), rate), rate, text))
    return found
