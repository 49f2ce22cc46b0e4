"""Audio in pieces: by the model's own stream where it has one, else again and again."""

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ..decoding.streaming import Stream
from ..inference.formats import verbose
from ..utils.errors import InputError


class Transcribing(Protocol):
    """The state of one stream; `push` is called in the model's thread."""

    mode: str
    note: str
    rate: int
    every_s: float
    """Seconds from one partial text to the next, at least."""

    def push(self, samples: bytes, last: bool) -> dict[str, Any]: ...


def open_transcribing(recognizer: Any, rate: int) -> Transcribing:
    """A model's own stream at its own rate, else its whole recogniser."""
    if rate != recognizer.sample_rate:
        note = f"only {recognizer.sample_rate} Hz can be heard piece by piece"
        return Whole(recognizer, rate, note)
    try:
        return Live(recognizer, rate)
    except InputError as error:
        return Whole(recognizer, rate, str(error))


class Live:
    """For models whose encoder looks back only: each piece is heard once."""

    mode = "live"
    note = "each piece is heard once; earlier words may still change until the end"
    every_s = 0.2

    def __init__(self, recognizer: Any, rate: int) -> None:
        loaded = recognizer.loaded
        self.rate = rate
        self.stream = Stream(loaded.model, loaded.front_end, loaded.tokenizer)
        self.samples = 0

    def push(self, samples: bytes, last: bool) -> dict[str, Any]:
        self.samples += len(samples) // 2
        heard = self.stream.push(_waveform(samples))
        if last:
            heard = self.stream.finish()
        sure = [round(confidence, 4) for confidence in heard.confidence]
        seconds = self.samples / self.rate
        return {"text": heard.text, "seconds": seconds, "confidence": sure}


class Whole:
    """For models that see all of the audio: all that has come is decoded again."""

    mode = "whole"
    every_s = 1.0

    def __init__(self, recognizer: Any, rate: int, why: str) -> None:
        self.recognizer = recognizer
        self.rate = rate
        self.note = (
            f"all that has come is decoded again, at most once a second, and earlier "
            f"words may change: {why}"
        )
        self.waveform = torch.zeros(0)

    def push(self, samples: bytes, last: bool) -> dict[str, Any]:
        self.waveform = torch.cat([self.waveform, _waveform(samples)])
        said = self.recognizer.transcribe(self.waveform, self.rate)
        told = {"text": said.text, "seconds": said.seconds}
        return told | ({"transcript": verbose(said)} if last else {})


def _waveform(samples: bytes) -> Tensor:
    """16-bit little-endian samples as floats in [-1, 1)."""
    return torch.from_numpy(np.frombuffer(samples, "<i2").astype(np.float32) / 32768)
