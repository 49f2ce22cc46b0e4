"""Polyphase resampling by any ratio, with a Kaiser-windowed sinc.

y[n] = sum_k x[k] h[n M - k L], L / M the ratio of the rates in lowest terms (Crochiere
& Rabiner 1983, section 2). Output n needs only every L-th value of h, its phase n M mod
L; neighbouring outputs look at nearly the same samples, so that many of them at once
are one product of matrices.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


ZEROS = 32
"""Zero crossings of the sinc on each side."""
CUTOFF = 0.92
"""Of the lower half rate: flat to 0.84 of it, 80 dB down from all of it."""
BETA = 8.0
"""Kaiser's shape for 81 dB (Oppenheim & Schafer, eq. 7.75)."""
GROUP = 64
"""Outputs that one product of matrices makes of one row."""
ROWS = 4096
"""Rows in one product: bounds the memory of hours of audio."""

LARGEST = 1000
"""Plans of larger ratios take tens of megabytes and are not kept."""


@contract
def resample(
    waveform: Float[Tensor, " samples"], rate: int, new_rate: int
) -> Float[Tensor, " -(-samples*{new_rate}//{rate})"]:
    """The same sound at `new_rate`: ceil(samples new_rate / rate) samples, no delay."""
    if rate == new_rate:
        return waveform
    resampler = Resampler(rate, new_rate)
    return torch.cat([resampler.push(waveform), resampler.finish()])


def low_pass(up: int, down: int) -> np.ndarray:
    """h: odd, symmetric, `up` times the samples of the slower rate; sums to `up`."""
    half = ZEROS * max(up, down)
    places = np.arange(-half, half + 1)
    cutoff = CUTOFF / max(up, down)
    taps = np.sinc(cutoff * places) * np.kaiser(2 * half + 1, BETA)
    return taps * (up / taps.sum())


class Resampler:
    """`resample` for a waveform that comes in pieces; together they are equal to it."""

    def __init__(self, rate: int, new_rate: int):
        if min(rate, new_rate) < 1:
            raise ValueError(f"rates must be positive, not {rate} and {new_rate}")
        self.plan = make_plan(rate, new_rate)
        self.taken = self.given = 0
        self.kept: Tensor | None = None  # samples that outputs to come still look at

    @contract
    def push(self, waveform: Float[Tensor, " samples"]) -> Float[Tensor, " resampled"]:
        """The outputs that are certain now."""
        plan, kept = self.plan, self.kept
        if kept is None:
            kept = waveform.new_zeros(plan.reach)
        self.taken += len(waveform)
        waiting = torch.cat([kept, waveform])
        rows = max(0, (len(waiting) - plan.width) // plan.step + 1)
        self.kept = waiting[rows * plan.step :]
        self.given += rows * plan.gives
        return _filter(waiting, plan, rows)

    def finish(self) -> Tensor:
        """The rest, as if silence followed."""
        plan, given = self.plan, self.given
        left = -(-self.taken * plan.up // plan.down) - given
        if left <= 0:
            return torch.zeros(0) if self.kept is None else self.kept[:0]
        rows = -(-left // plan.gives)
        length = (rows - 1) * plan.step + plan.width
        missing = self.kept.new_zeros(max(0, length - len(self.kept)))
        out = _filter(torch.cat([self.kept, missing]), plan, rows)
        return out[:left]


class Plan(NamedTuple):
    """Row r makes outputs r * gives and on, from the samples r * step and on."""

    up: int
    down: int
    gives: int
    step: int
    width: int  # samples that a row looks at
    reach: int  # of them before the first output
    groups: list[tuple[int, Tensor]]  # first sample of the row, (samples, outputs)


def make_plan(rate: int, new_rate: int) -> Plan:
    """The filter of the two rates, cut into the matrices of its phases."""
    common = math.gcd(rate, new_rate)
    up, down = new_rate // common, rate // common
    if max(up, down) > LARGEST:
        return _make_plan(up, down)
    return _kept_plan(up, down)


@torch.inference_mode(False)  # so that a later gradient may pass through it
def _make_plan(up: int, down: int) -> Plan:
    taps = low_pass(up, down)
    half = len(taps) // 2
    reach = half // up
    periods = max(1, GROUP // up)
    gives = periods * up
    groups = []
    for first in range(0, gives, GROUP):
        outputs = np.arange(first, min(first + GROUP, gives))
        centre = outputs * down  # on the grid of both rates
        start = -(-(centre[0] - half) // up)
        stop = (centre[-1] + half) // up + 1
        place = centre - np.arange(start, stop)[:, None] * up + half
        inside = (place >= 0) & (place < len(taps))
        matrix = np.where(inside, taps[place.clip(0, len(taps) - 1)], 0)
        groups.append((int(start + reach), torch.from_numpy(matrix).float()))
    width = max(start + matrix.shape[0] for start, matrix in groups)
    return Plan(up, down, gives, periods * down, width, reach, groups)


_kept_plan = lru_cache(maxsize=64)(_make_plan)


def _filter(waiting: Tensor, plan: Plan, rows: int) -> Tensor:
    out = waiting.new_empty(rows, plan.gives)
    for top in range(0, rows, ROWS):
        count = min(ROWS, rows - top)
        done = 0
        for start, matrix in plan.groups:
            begin = top * plan.step + start
            view = waiting.as_strided(
                (count, matrix.shape[0]),
                (plan.step, 1),
                waiting.storage_offset() + begin,
            )
            many = matrix.shape[1]
            out[top : top + count, done : done + many] = view @ matrix.to(waiting)
            done += many
    return out.flatten()
