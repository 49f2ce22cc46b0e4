"""Audio of any length as pieces that a model can hear, a few blocks held at a time."""

import time
from collections.abc import Iterable, Iterator

from jaxtyping import Float
from torch import Tensor

from ..audio.read import Audio
from ..utils.contracts import contract
from ..utils.errors import InputError
from .segmenter import LONGEST_S, Piece, Segmenter


LOUD = 4.0
"""A peak above it is no sound in [-1, 1] but one of another scale."""


class LongAudio:
    """`pieces()` once; then it has counted the samples and timed the reading."""

    def __init__(self, blocks: Iterable[Audio], longest_s: float = LONGEST_S):
        self.blocks, self.longest_s = iter(blocks), longest_s
        self.rate, self.samples = 0, 0
        self.peak = 0.0
        self.reading_s = 0.0
        """Wall seconds that the blocks took to come."""

    @property
    def seconds(self) -> float:
        return self.samples / self.rate if self.rate else 0.0

    def pieces(self) -> Iterator[Piece]:
        """Cut at silence where it must be; raises InputError for NaN and infinity."""
        segmenter = None
        for block in self._timed():
            if segmenter is None:
                self.rate = block.sample_rate
                segmenter = Segmenter(self.rate, self.longest_s)
            waveform = self._counted(block.waveform)
            for part in waveform.split(int(self.longest_s) * self.rate):
                yield from segmenter.push(part)
        if segmenter is not None:
            yield from segmenter.finish()

    def _timed(self) -> Iterator[Audio]:
        while True:
            started = time.perf_counter()
            block = next(self.blocks, None)
            self.reading_s += time.perf_counter() - started
            if block is None:
                return
            yield block

    def _counted(self, waveform: Tensor) -> Tensor:
        waveform = checked(waveform, self.samples)
        if len(waveform):
            self.peak = max(self.peak, float(waveform.abs().max()))
        self.samples += len(waveform)
        return waveform


@contract
def checked(
    waveform: Float[Tensor, " samples"], before: int = 0
) -> Float[Tensor, " samples"]:
    """In float32 on the CPU; InputError for NaN or infinity, with the sample's place.

    `before` is the place of the first sample.
    """
    waveform = waveform.detach().cpu().float()
    finite = waveform.isfinite()
    if not bool(finite.all()):
        place = before + int((~finite).nonzero()[0])
        raise InputError(
            f"sample {place} of the audio is not a finite number; repair the audio, or "
            "convert it to 16-bit PCM"
        )
    return waveform


@contract
def scaled_down(waveform: Float[Tensor, " samples"]) -> Float[Tensor, " samples"]:
    """Within [-1, 1] if the peak is above `LOUD`: floats on the scale of integers."""
    peak = float(waveform.abs().max()) if len(waveform) else 0.0
    return waveform / peak if peak > LOUD else waveform


def one_block(waveform: Tensor, rate: int) -> Iterator[Audio]:
    """A waveform that is there already; raises ValueError for no sample rate."""
    if rate < 1:
        raise ValueError(f"rate = {rate}: must be at least 1")
    yield Audio(waveform, rate)


def notes_of(audio: LongAudio, sample_rate: int) -> tuple[str, ...]:
    """What was done to the audio for a model that hears `sample_rate`."""
    notes = []
    if audio.rate != sample_rate and audio.samples:
        lost = (
            f"; nothing above {audio.rate / 2000:g} kHz is in it"
            if audio.rate < sample_rate
            else ""
        )
        notes.append(f"resampled from {audio.rate} to {sample_rate} Hz{lost}")
    if audio.peak > LOUD:
        notes.append(
            f"has samples up to {audio.peak:g}, beyond the scale of 1, and was scaled "
            "down"
        )
    return tuple(notes)
