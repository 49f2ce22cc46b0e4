"""The front end for a waveform that comes in pieces."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract
from ..utils.seed import keyed_rng
from .front_end import FrontEnd
from .low_frame_rate import stack_rows


class FrontEndStream:
    """Gives each frame as soon as its samples are there; together `front_end(whole)`.

    Not for cmvn=utterance, whose mean is known only at the end: ValueError.
    """

    def __init__(self, front_end: FrontEnd):
        config = front_end.config
        if config.cmvn == "utterance":
            raise ValueError(
                "cmvn=utterance needs the whole utterance before its first frame; "
                "a stream needs cmvn none or global"
            )
        self.front_end = front_end
        self.dim = front_end.dim
        self.noise = keyed_rng(0) if config.dither else None
        self.m, self.n = config.lfr_m, config.lfr_n
        self.samples = torch.zeros(0)  # of frames to come
        self.frames = torch.zeros(0, config.coefficients)  # that rows to come look at
        self.first = 0  # the number of the first of them
        self.rows = 0  # given so far

    @contract
    def push(
        self, samples: Float[Tensor, " samples"]
    ) -> Float[Tensor, "frames {self.dim}"]:
        """The frames that are certain now, without those given before."""
        length, shift = self.front_end.frame_samples, self.front_end.shift_samples
        waiting = torch.cat([self.samples, samples])
        count = max(0, (len(waiting) - length) // shift + 1)
        self.samples = waiting[count * shift :]
        if count:
            part = waiting[: (count - 1) * shift + length]
            new = self.front_end.coefficients(part, generator=self.noise)
            self.frames = torch.cat([self.frames, self.front_end.normalise(new)])
        there = self.first + len(self.frames)
        return self._give(max(self.rows, (there - self._ahead() - 1) // self.n + 1))

    @contract
    def finish(self) -> Float[Tensor, "frames {self.dim}"]:
        """The frames that waited for more; samples short of a frame are left out."""
        return self._give(-(-(self.first + len(self.frames)) // self.n))

    def _ahead(self) -> int:
        """Frames behind the centre of a row that it looks at."""
        return self.m - 1 - (self.m - 1) // 2

    def _give(self, end: int) -> Tensor:
        out = stack_rows(self.frames, self.m, self.n, self.rows, end, self.first)
        self.rows = max(self.rows, end)
        keep = max(0, self.rows * self.n - (self.m - 1) // 2)
        drop = min(max(0, keep - self.first), max(0, len(self.frames) - 1))
        self.frames, self.first = self.frames[drop:], self.first + drop
        return out
