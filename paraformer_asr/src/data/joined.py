"""Strings of several recordings of one speaker, with silence around each.

"seven", "two", "nine" -> "seven two nine". The silence has a little noise, as rooms
have.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


class String(NamedTuple):
    """Places of the recordings, and the gaps before, between and after, in seconds."""

    parts: tuple[int, ...]
    gaps: tuple[float, ...]


class Strings:
    """Draws strings out of recordings; `speakers` says whose each of them is."""

    def __init__(
        self,
        speakers: Sequence[str],
        count: tuple[int, int],
        gap_s: tuple[float, float],
        bare: float = 0.0,
    ):
        self.count, self.gap_s, self.bare = count, gap_s, bare
        names = np.array(speakers)
        self.of = {name: np.flatnonzero(names == name) for name in dict.fromkeys(names)}
        self.speakers = list(speakers)

    def draw(self, rng: np.random.Generator) -> String:
        """One string: its first recording is any, the others are of the same speaker.

        One may come twice. A share `bare` of the strings has no silence at the ends.
        """
        first = int(rng.integers(len(self.speakers)))
        many = int(rng.integers(*self.count, endpoint=True))
        same = self.of[self.speakers[first]]
        others = same[rng.integers(len(same), size=many - 1)]
        gaps = rng.uniform(*self.gap_s, many + 1)
        if rng.random() < self.bare:
            gaps[[0, -1]] = 0.0
        return String((first, *others.tolist()), tuple(gaps.tolist()))


@contract
def join(
    waveforms: list[Float[Tensor, " _"]],
    gaps: Sequence[float],
    sample_rate: int,
    noise: float,
    rng: np.random.Generator,
) -> Float[Tensor, " samples"]:
    """The waveforms with `gaps` seconds before, between and after them.

    `noise` is the deviation of what is in the gaps.
    """
    sizes = [gap_samples(gap, sample_rate) for gap in gaps]
    hiss = torch.from_numpy(
        rng.standard_normal(sum(sizes), dtype=np.float32) * np.float32(noise)
    )
    silences = hiss.split(sizes)
    pieces = [silences[0]]
    for waveform, silence in zip(waveforms, silences[1:], strict=True):
        pieces += [waveform, silence]
    return torch.cat(pieces)


def gap_samples(seconds: float, sample_rate: int) -> int:
    return round(seconds * sample_rate)
