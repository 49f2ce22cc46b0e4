"""The sound of utterances: decoded once, at one rate, kept while there is room."""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..audio.read import Audio, audio_info, stream_audio
from ..audio.resample import resample
from ..utils.contracts import contract
from ..utils.errors import InputError
from .utterance import Utterance


Maker = Callable[[Utterance, int], Tensor]
"""Makes the waveform of an utterance at a sample rate, where no file has it."""

LARGE = 16 << 20
"""Bytes of a file that is not decoded before it is known to be wanted."""
OVERSHOOT = 0.5
"""Seconds by which a part may end behind its file, as with Kaldi's extract-segments."""
LONGEST_KEPT = 600.0
"""Seconds of a file that is kept whole while its parts are read one after another."""


class Recordings:
    """`recordings[utterance]` is its waveform, " samples" float32 at `sample_rate`.

    At most `limit` bytes are kept; what finds no room is decoded again each time.
    """

    def __init__(self, sample_rate: int, limit: int = 0, make: Maker | None = None):
        self.sample_rate, self.make = sample_rate, make
        self.limit = limit or memory_limit()
        self.bytes = 0
        self._rates: dict[Path, int] = {}
        self._kept: dict[tuple, Tensor] = {}
        self._file: tuple[Path, Audio] | None = None

    @contract
    def __getitem__(self, utterance: Utterance) -> Float[Tensor, " samples"]:
        """Raises InputError, which names the file, for what is no audio."""
        key = (utterance.audio or utterance.id, utterance.start, utterance.end)
        waveform = self._kept.get(key)
        if waveform is None:
            waveform = self._read(utterance)
            if self.bytes + waveform.nbytes <= self.limit:
                self._kept[key] = waveform
                self.bytes += waveform.nbytes
        return waveform

    @property
    def resampled(self) -> Counter[int]:
        """How many of the files looked at so far have each other rate."""
        rates = self._rates.values()
        return Counter(rate for rate in rates if rate != self.sample_rate)

    def samples(self, utterance: Utterance) -> int:
        """How long it is; by its header where it is large or there is little room."""
        path = utterance.audio
        if path is None or (self.bytes < self.limit // 2 and file_bytes(path) < LARGE):
            return len(self[utterance])
        info = audio_info(path)
        self._rates[path] = info.sample_rate
        whole = info.samples / info.sample_rate
        if utterance.start or utterance.end:
            check_part(path, utterance.start, utterance.end, whole)
        end = min(utterance.end or whole, whole)
        return max(0, round((end - utterance.start) * self.sample_rate))

    def marks(self, utterance: Utterance) -> list[object]:
        """Two utterances that share one are the same recording."""
        key = (utterance.audio or utterance.id, utterance.start, utterance.end)
        kept = self._kept.get(key)
        if kept is None or not kept.any():  # two of silence need not be the same
            return [key]
        return [key, hashlib.sha256(kept.numpy().tobytes()).digest()]

    def _read(self, utterance: Utterance) -> Tensor:
        if utterance.audio is None:
            return self.make(utterance, self.sample_rate)
        file_bytes(utterance.audio)
        if utterance.start or utterance.end:
            audio = self._part(utterance)
        else:
            audio = _join(stream_audio(utterance.audio))
        self._rates[utterance.audio] = audio.sample_rate
        return resample(audio.waveform, audio.sample_rate, self.sample_rate)

    def _part(self, utterance: Utterance) -> Audio:
        path = utterance.audio
        if self._file is None or self._file[0] != path:
            info = audio_info(path)
            if info.samples > LONGEST_KEPT * info.sample_rate:
                return read_part(path, utterance.start, utterance.end)
            self._file = (path, _join(stream_audio(path)))
        waveform, rate = self._file[1]
        check_part(path, utterance.start, utterance.end, len(waveform) / rate)
        first = round(utterance.start * rate)
        last = round(utterance.end * rate) if utterance.end else len(waveform)
        return Audio(waveform[first:last].clone(), rate)


def read_part(path: Path, start: float, end: float) -> Audio:
    """`start` to `end` seconds of a file, 0 for its end; holds a block beside them."""
    kept, rate, place = [], 1, 0
    for waveform, rate in stream_audio(path):
        first, last = round(start * rate), round(end * rate) if end else place + 10**12
        kept.append(waveform[max(0, first - place) : max(0, last - place)])
        place += len(waveform)
        if place >= last:
            break
    check_part(path, start, end, place / rate)
    return Audio(torch.cat(kept), rate)


def check_part(path: Path, start: float, end: float, seconds: float) -> None:
    """Raise InputError where a part lies behind the `seconds` that a file has."""
    said = ""
    if start >= seconds:
        said = f"begins at {start:g} s"
    elif end > seconds + OVERSHOOT:
        said = f"ends at {end:g} s"
    if said:
        raise InputError(f"{path}: a part {said}, but there are only {seconds:.2f} s")


def file_bytes(path: Path) -> int:
    """Its size; 0 where there is none, which reading it will say.

    Raises InputError for what would never end, or never begin: pipes and devices.
    """
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return 0
    if not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)):
        raise InputError(f"{path}: a pipe or device, not a file. Name an audio file")
    return state.st_size


def memory_limit() -> int:
    """A quarter of the memory that this machine has, in bytes."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
    except (AttributeError, ValueError, OSError):
        return 1 << 30


def _join(blocks) -> Audio:
    parts = list(blocks)
    waveforms = [part.waveform for part in parts]
    whole = waveforms[0] if len(parts) == 1 else torch.cat(waveforms)
    return Audio(whole, parts[0].sample_rate)
