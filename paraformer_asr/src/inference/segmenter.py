"""Cut a stream of samples where nobody speaks, with bounded memory.

Loudness is taken every 10 ms, without the mean, so that an offset does no harm. The
threshold follows the noise: it lies above the floor of the last minute by a quarter of
the way to the loudest, at most 12 dB. It errs towards keeping: noise that is recognised
costs a little time, speech that is thrown away is lost.

Pauses are cut out of short recordings too: a model that has learnt from utterances with
short pauses hears tokens in long ones.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from ..utils.contracts import contract


LONGEST_S = 20.0
PAUSE_S = 0.6
"""Silence of that length ends a piece."""
PAD_S = 0.2
"""Of a pause, what is left at both ends of a piece."""
SHORTEST_S = 1.0
"""Speech without a pause is not cut before that."""
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
    waveform: Float[Tensor, " _"]


class Segmenter:
    """Push blocks of any size; pieces of at most `longest_s` come out in order.

    A stream that is no longer than that and has no pause comes out untouched.
    """

    def __init__(self, sample_rate: int, longest_s: float = LONGEST_S):
        if sample_rate < 1 or longest_s < 2 * SHORTEST_S:
            raise ValueError(
                f"sample_rate = {sample_rate}, longest_s = {longest_s}: must be at "
                f"least 1 and {2 * SHORTEST_S}"
            )
        self.hop = frame_samples(sample_rate)
        frames = sample_rate / self.hop  # a second; the next four are in frames
        self.longest = int(longest_s * frames)
        self.shortest = int(SHORTEST_S * frames)
        self.pause = int(PAUSE_S * frames)
        self.pad = int(PAD_S * frames)
        self.start = 0
        self.blocks: list[Tensor] = []
        self.waiting = 0
        self.recent = torch.empty(0)

    @contract
    def push(self, block: Float[Tensor, " samples"]) -> list[Piece]:
        """The pieces that are certain now; `block` is not kept longer than needed."""
        self.blocks.append(block)
        self.waiting += len(block)
        return list(self._pieces()) if self._is_long(self.waiting) else []

    def finish(self) -> list[Piece]:
        """The rest, at the end of the stream."""
        found = list(self._pieces())
        waveform = torch.cat(self.blocks) if self.blocks else torch.empty(0)
        silent = self._silent(waveform)
        if bool(silent.all()):
            return found
        pauses = self._pauses(silent)
        ends = max(_leading(silent), _leading(silent.flip(0)))
        if self.start == 0 and not pauses and ends < self.pause:
            return [Piece(0, waveform)]
        return found + self._between(waveform, silent, [*pauses, len(silent)])

    def _is_long(self, samples: int) -> bool:
        return samples > self.longest * self.hop

    def _pieces(self) -> Iterator[Piece]:
        """Those before the last cut, while more than the longest piece is waiting.

        Each look is at as many samples as the longest piece has, so that the cuts do
        not depend on how the stream came in.
        """
        if not self._is_long(self.waiting):
            return
        waveform = torch.cat(self.blocks)
        while self._is_long(len(waveform)):
            window = waveform[: self.longest * self.hop]
            silent = self._silent(window)
            cuts, lead = self._pauses(silent), _leading(silent)
            if not cuts and lead <= self.pad + 1:
                cuts = [self._cut(window, silent)]
            yield from self._between(window, silent, cuts)
            gone = (cuts[-1] if cuts else lead - self.pad) * self.hop
            waveform = waveform[gone:]
            self.start += gone
        self.blocks, self.waiting = [waveform.clone()], len(waveform)

    def _pauses(self, silent: Tensor) -> list[int]:
        """The middles of the pauses, the first silence left out."""
        return [
            (start + end) // 2
            for start, end in _runs(silent)
            if end - start >= self.pause and start > 0
        ]

    def _between(
        self, waveform: Tensor, silent: Tensor, cuts: Sequence[int]
    ) -> list[Piece]:
        """The pieces that end at `cuts`, without what is silent at their ends."""
        pieces, begin = [], 0
        for end in cuts:
            part = silent[begin:end]
            if not bool(part.all()):
                first = begin + max(0, _leading(part) - self.pad)
                last = end - max(0, _leading(part.flip(0)) - self.pad)
                stop = last * self.hop  # beyond the last sample where its frame ends so
                sound = waveform[first * self.hop : stop]
                pieces.append(Piece(self.start + first * self.hop, sound))
            begin = end
        return pieces

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
        """Of speech without a pause the middle of the longest silence, in frames.

        Of equally long ones the last; without any the quietest point of the second
        half.
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


def frame_samples(rate: int) -> int:
    """Of 10 ms; at least the two that have a power without their mean."""
    return max(2, round(HOP_S * rate))


@contract
def has_sound(waveform: Float[Tensor, " samples"], rate: int) -> bool:
    """Whether anything is louder than digital silence."""
    level = loudness(waveform, frame_samples(rate))
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
