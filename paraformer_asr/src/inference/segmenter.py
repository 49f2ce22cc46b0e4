"""Cut a stream of samples where nobody speaks, with bounded memory.

Loudness is taken every 10 ms, without the mean, so that an offset does no harm. The
threshold follows the noise: it lies above the floor of the last minute by a quarter of
the way to the loudest, at most 12 dB. It errs towards keeping: noise that is recognised
costs a little time, speech that is thrown away is lost.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from ..utils.contracts import contract


LONGEST_S = 20.0
PAD_S = 0.2
"""Silence that is left at both ends of a segment."""
SHORTEST_S = 1.0
"""A segment is not cut before that; also no silence nearer to its beginning counts."""
HOP_S = 0.01
SMOOTH = 11
"""Frames, about 0.1 s, that the quietest point is the mean of."""
MEMORY_FRAMES = 6000
DIGITAL_SILENCE_DB = -90.0
MARGIN_DB = 12.0
FLAT_DB = 6.0
"""Where the loudest is nearer to the floor, nothing is known to be silence."""


class Piece(NamedTuple):
    start: int
    """Samples before it."""
    waveform: Float[Tensor, " samples"]


class Segmenter:
    """Push blocks of any size; pieces of at most `longest_s` come out in order.

    A stream that is no longer than that comes out whole and untouched, if it is not
    digital silence.
    """

    def __init__(self, sample_rate: int, longest_s: float = LONGEST_S):
        if sample_rate < 1 or longest_s < 2 * SHORTEST_S:
            raise ValueError(
                f"sample_rate = {sample_rate}, longest_s = {longest_s}: must be at "
                f"least 1 and {2 * SHORTEST_S}"
            )
        self.rate = sample_rate
        self.hop = max(1, round(HOP_S * sample_rate))
        per_frame = self.hop / sample_rate
        self.longest = int(longest_s / per_frame)  # in frames, as all that follows
        self.shortest = int(SHORTEST_S / per_frame)
        self.pad = int(PAD_S / per_frame)
        self.start, self.cut_before = 0, False
        self.blocks: list[Tensor] = []
        self.waiting = 0
        self.recent = torch.empty(0)

    @contract
    def push(self, block: Float[Tensor, " samples"]) -> list[Piece]:
        """The pieces that are certain now; `block` is not kept longer than needed."""
        self.blocks.append(block)
        self.waiting += len(block)
        if self.waiting <= (self.longest + SMOOTH) * self.hop:
            return []
        return list(self._pieces())

    def finish(self) -> list[Piece]:
        """The rest, at the end of the stream."""
        found = list(self._pieces())
        waveform = self._take()
        if not self.cut_before:
            return [Piece(0, waveform)] if has_sound(waveform, self.rate) else []
        last = self._trimmed(waveform, self._silent(waveform))
        return found + ([last] if last else [])

    def _take(self) -> Tensor:
        waveform = torch.cat(self.blocks) if self.blocks else torch.empty(0)
        self.blocks, self.waiting = [waveform], len(waveform)
        return waveform

    def _pieces(self) -> Iterator[Piece]:
        """Cut while more than the longest piece is waiting."""
        waveform = self._take()
        while len(waveform) > self.longest * self.hop:
            self.cut_before = True
            window = waveform[: self.longest * self.hop]
            silent = self._silent(window)
            lead = _leading(silent)
            if lead > self.pad + 1:
                cut = lead - self.pad
            else:
                cut = self._cut(window, silent)
                piece = self._trimmed(window[: cut * self.hop], silent[:cut])
                if piece:
                    yield piece
            waveform = waveform[cut * self.hop :]
            self.start += cut * self.hop
        self.blocks, self.waiting = [waveform.clone()], len(waveform)

    def _silent(self, waveform: Tensor) -> Tensor:
        """Of each frame whether it is silence, by the loudness of the last minute."""
        level = loudness(waveform, self.hop)
        self.recent = torch.cat([self.recent, level])[-MEMORY_FRAMES:]
        heard = self.recent[self.recent > DIGITAL_SILENCE_DB]
        if not len(heard):
            return level <= DIGITAL_SILENCE_DB
        floor = heard.quantile(0.1)
        span = _smooth(self.recent).max() - floor
        if span < FLAT_DB:
            return level <= DIGITAL_SILENCE_DB
        return level < floor + (span / 4).clamp(max=MARGIN_DB)

    def _cut(self, window: Tensor, silent: Tensor) -> int:
        """The middle of the longest silence, or the quietest point of the second half.

        In frames; of silences that are equally long the last.
        """
        best, at = SMOOTH - 1, 0
        for start, end in _runs(silent):
            middle = (start + end) // 2
            if end - start >= best and middle >= self.shortest:
                best, at = end - start, middle
        if at:
            return at
        level = _smooth(loudness(window, self.hop))
        half = len(level) // 2
        return half + int(level[half:].argmin())

    def _trimmed(self, waveform: Tensor, silent: Tensor) -> Piece | None:
        """A piece with a little of the silence at its ends; None of silence alone."""
        if bool(silent.all()):
            return None
        first = max(0, _leading(silent) - self.pad)
        kept = len(silent) - max(0, _leading(silent.flip(0)) - self.pad)
        end = len(waveform) if kept == len(silent) else kept * self.hop
        return Piece(self.start + first * self.hop, waveform[first * self.hop : end])


@contract
def has_sound(waveform: Float[Tensor, " samples"], rate: int) -> bool:
    """Whether anything is louder than digital silence."""
    level = loudness(waveform, max(1, round(HOP_S * rate)))
    return bool((level > DIGITAL_SILENCE_DB).any())


@contract
def loudness(waveform: Float[Tensor, " samples"], hop: int) -> Float[Tensor, " frames"]:
    """Power of each `hop` samples in dB of full scale, without their mean.

    The last frame may be shorter. Digital silence is -100 dB.
    """
    if not len(waveform):
        return torch.empty(0)
    rest = -len(waveform) % hop
    frames = F.pad(waveform[None], (0, rest), mode="replicate")[0].view(-1, hop)
    power = frames.double().var(1, correction=0).float()
    return 10 * power.clamp(1e-10, 1e30).log10()


def _smooth(level: Tensor) -> Tensor:
    """Mean over `SMOOTH` frames around each, fewer at the ends."""
    pooled = F.avg_pool1d(level[None], SMOOTH, 1, SMOOTH // 2, count_include_pad=False)
    return pooled[0]


def _leading(silent: Tensor) -> int:
    """Silent frames before the first that is not."""
    sound = (~silent).nonzero()
    return int(sound[0]) if len(sound) else len(silent)


def _runs(silent: Tensor) -> list[tuple[int, int]]:
    """First frame and the frame behind the last of each silence."""
    edges = F.pad(silent.int(), (1, 1)).diff()
    starts, ends = ((edges == sign).nonzero().flatten().tolist() for sign in (1, -1))
    return list(zip(starts, ends, strict=True))
