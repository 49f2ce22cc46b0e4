"""Audio in pieces: by the model's own stream where it has one, else again and again."""

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ..inference.transcript import Transcript
from .formats import verbose


class Transcribing(Protocol):
    """One stream's state; `push` is called from the model's thread."""

    mode: str
    note: str
    rate: int
    every_s: float

    def push(self, samples: bytes, last: bool) -> dict[str, Any]: ...


class Whole:
    """For models that see all of the audio: all that has come is decoded again."""

    mode = "whole"
    note = (
        "this model needs the whole audio: what has come is decoded again, "
        "at most once a second, and earlier words may change"
    )
    every_s = 1.0

    def __init__(self, recognizer: Any, rate: int) -> None:
        self.recognizer = recognizer
        self.rate = rate
        self.waveform = torch.zeros(0)

    def push(self, samples: bytes, last: bool) -> dict[str, Any]:
        self.waveform = torch.cat([self.waveform, waveform(samples)])
        said = self.recognizer.transcribe(self.waveform, self.rate)
        return final(said) if last else {"text": said.text, "seconds": said.seconds}


def open_transcribing(recognizer: Any, rate: int) -> Transcribing:
    return Whole(recognizer, rate)


def waveform(samples: bytes) -> Tensor:
    """16-bit little-endian samples as floats in [-1, 1)."""
    return torch.from_numpy(np.frombuffer(samples, "<i2").astype(np.float32) / 32768)


def final(said: Transcript) -> dict[str, Any]:
    return {"text": said.text, "seconds": said.seconds, "transcript": verbose(said)}
