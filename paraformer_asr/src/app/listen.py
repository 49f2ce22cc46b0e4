"""What the page asks: the transcript, the picture of it, the methods side by side."""

import base64
import io
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ..audio.perturb import add_noise, white
from ..audio.read import Audio
from ..audio.wav import wav_bytes
from ..inference.formats import verbose, written
from ..inference.recognizer import Recognizer
from ..inference.search import ALONE
from ..inference.side_by_side import (
    FAMILIES,
    Asked,
    Timed,
    methods_beside,
    side_by_side,
    why_missing,
)
from ..inference.uploads import UploadError, read_upload
from ..metrics.aligned import aligned
from ..metrics.edit_distance import edit_distance
from ..utils.errors import InputError
from .examples import Example
from .picture import picture
from .uploads import Upload


Noise = Literal["none", "20", "15", "10", "5", "0"]
"""Decibels that the sound is above white noise."""
WIDTHS = (0, 2, 5, 10, 20)
MOST_LETTERS = 2000
"""Of hot words, as in `prompt` of the service."""
FORMS = {"text": "txt", "srt": "srt", "vtt": "vtt", "verbose_json": "json"}


class Listen:
    """Answers about one recogniser; `beside` has methods that it lacks.

    `seconds` is the longest sound that gets a transcript, `picture_seconds` the longest
    that gets a picture and the methods too.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        name: str,
        examples: Sequence[Example] = (),
        *,
        beside: tuple[Recognizer, str] | None = None,
        seconds: float = 600.0,
        picture_seconds: float = 60.0,
    ) -> None:
        self.recognizer, self.name = recognizer, name
        self.examples = {example.name: example for example in examples}
        self.models = [(recognizer, name), *([beside] if beside else [])]
        self.seconds, self.picture_seconds = seconds, picture_seconds

    def start(self) -> dict[str, Any]:
        """What the controls offer."""
        return {
            "examples": [
                {"name": name, "spoken": example.spoken}
                for name, example in self.examples.items()
            ],
            "rate": self.recognizer.sample_rate,
            "widths": WIDTHS,
            "noises": Noise.__args__,
        }

    def hear(
        self, audio: Upload | None = None, example: str = "", noise: Noise = "none"
    ) -> dict[str, Any]:
        """The transcript, the sound as it was heard, and the picture of a short one."""
        waveform, rate = self._sound(audio, example, noise)
        transcript = self.recognizer.transcribe(waveform, rate)
        answer: dict[str, Any] = {
            "transcript": verbose(transcript),
            "spoken": self.examples[example].spoken if example else "",
            "files": {form: written(transcript, form, words=True)[1] for form in FORMS},
        }
        if example or noise != "none":  # of its own file the page has the sound
            sound = wav_bytes(waveform, rate)
            answer["wav"] = base64.b64encode(sound).decode()
        if len(waveform) > self.picture_seconds * rate:
            most = f"{self.picture_seconds:g} s, the limit"
            return answer | {
                "unpictured": "Only text and times, no picture and no comparison: the "
                f"audio is longer than {most}."
            }
        inside = self.recognizer.inspect(waveform, rate)
        return answer | picture(inside, self.recognizer.ctc_pieces)

    def methods(
        self,
        audio: Upload | None = None,
        example: str = "",
        noise: Noise = "none",
        width: int = 0,
        hotwords: str = "",
    ) -> dict[str, Any]:
        """CTC, NAR and AR: texts under each other, confidence, times."""
        if width not in WIDTHS:
            raise InputError(f"width = {width}: choose one of {WIDTHS}")
        if len(hotwords) > MOST_LETTERS:
            raise InputError(
                f"hot words: {len(hotwords)} letters, more than {MOST_LETTERS}; name "
                "fewer"
            )
        sound = self._sound(audio, example, noise, self.picture_seconds)
        spoken = self.examples[example].spoken if example else ""
        asked, lacking = [], [*FAMILIES]
        for recognizer, _ in self.models:
            helps = _helps(recognizer, hotwords)
            able = methods_beside(recognizer.methods, helps != ALONE, width)
            chosen = [able[family] for family in lacking if family in able]
            asked.append(Asked(recognizer, chosen, helps))
            lacking = [family for family in lacking if family not in able]
        said = side_by_side(asked, *sound, width)
        found = {
            method.removesuffix("_beam"): (method, name, timed)
            for (_, name), methods in zip(self.models, said, strict=True)
            for method, timed in methods.items()
        }
        found = {family: found[family] for family in FAMILIES if family in found}
        own = self.recognizer.methods[0]
        return {
            "seconds": len(sound.waveform) / sound.sample_rate,
            "rows": _rows(found, own, self._tokens(spoken)),
            "missing": [
                {"family": family, "why": why_missing(family, self.recognizer.methods)}
                for family in lacking
            ],
        }

    def _sound(
        self,
        audio: Upload | None,
        example: str,
        noise: str,
        seconds: float | None = None,
    ) -> Audio:
        if example in self.examples:
            _, waveform, rate, _ = self.examples[example]
        elif example or audio is None:
            raise InputError(f"no example is named {example[:60]!r}; choose another")
        else:
            waveform, rate = _decoded(audio, seconds or self.seconds)
        if noise != "none":
            hiss = white(len(waveform), np.random.default_rng(0))
            waveform = add_noise(waveform, hiss, float(noise))
        return Audio(waveform, rate)

    def _tokens(self, text: str) -> list[str] | None:
        if not text:
            return None
        tokenizer = self.recognizer.loaded.tokenizer
        return [tokenizer.pieces[i] for i in tokenizer.encode(text)]


def _decoded(audio: Upload, seconds: float) -> Audio:
    content = audio.content()
    try:
        return read_upload(io.BytesIO(content), seconds)
    except UploadError as error:
        sentence = str(error).removeprefix("the audio: ")
        raise UploadError(error.status, f"{audio.shown}: {sentence}") from None


def _helps(recognizer: Recognizer, hotwords: str) -> Any:
    try:
        return recognizer.helps(hotwords.split())
    except InputError as error:
        raise InputError(str(error).replace("--hotwords", "hot words")) from None


def _rows(
    found: dict[str, tuple[str, str, Timed]], own: str, spoken: list[str] | None
) -> list[dict[str, Any]]:
    """A row for each family, all aligned to what was said or else to the own method."""
    tokens = {
        family: [token for s in timed.segments for token in s.tokens]
        for family, (_, _, timed) in found.items()
    }
    names = {family: [t.token for t in said] for family, said in tokens.items()}
    first = spoken if spoken is not None else names[own]
    table = aligned([first, *names.values()])
    rows = []
    if spoken is not None:
        rows.append({"family": "spoken", "cells": [_cell(t, t) for t in table[0]]})
    for cells, (family, (method, model, timed)) in zip(
        table[1:], found.items(), strict=True
    ):
        sure = [token.confidence for token in tokens[family]]
        left = iter(sure)
        rows.append(
            {
                "family": family,
                "what": FAMILIES[family],
                "method": method,
                "model": model,
                "text": timed.text,
                "confidence": sum(sure) / len(sure) if sure else math.nan,
                "encoder_ms": 1000 * timed.encoder_s,
                "decoder_ms": 1000 * timed.decoder_s,
                "errors": spoken and edit_distance(spoken, names[family]),
                "cells": [
                    _cell(token, there, next(left) if token is not None else None)
                    for token, there in zip(cells, table[0], strict=True)
                ],
            }
        )
    return rows


def _cell(token: str | None, there: str | None, sure: float | None = None) -> dict:
    return {"token": token, "same": token == there, "confidence": sure}
