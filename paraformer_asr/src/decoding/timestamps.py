"""When each token was said, in seconds, from what integrate-and-fire counted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


SILENT = 0.1
"""Share of a token's largest weight below which a frame counts as silent."""
BRIDGED_S = 0.12
"""Silence inside a token up to this long belongs to it: the closure of a t or p."""


class TokenTime(NamedTuple):
    """One token and when it was said, in seconds from the start of the sound."""

    token: str
    start_s: float
    end_s: float
    confidence: float
    """Probability that the model gave it, 0 to 1."""


@contract
def token_times(
    tokens: Sequence[str],
    boundaries: Float[Tensor, " tokens"],
    alphas: Float[Tensor, " time"],
    frame_seconds: float,
    confidence: Sequence[float] | None = None,
) -> list[TokenTime]:
    """Token u lies between the boundaries of u-1 and u, without the silence there.

    Of the stretches of frames that weigh something, it is the one with the most weight.
    Boundaries and weights are those of one row of `CifOutput`, without its padding;
    times do not overlap and keep their order.
    """
    sure = [1.0] * len(tokens) if confidence is None else confidence
    if not len(tokens) == len(boundaries) == len(sure):
        raise ValueError(
            f"{len(tokens)} tokens with {len(boundaries)} boundaries and "
            f"{len(sure)} confidences: must be as many"
        )
    weights = alphas.detach().double().cpu().numpy()
    ends = boundaries.detach().double().cpu().tolist()
    times, start = [], 0.0
    for token, end, p in zip(tokens, ends, sure, strict=True):
        left, right = _loudest(weights, start, end, BRIDGED_S / frame_seconds)
        times.append(
            TokenTime(token, left * frame_seconds, right * frame_seconds, float(p))
        )
        start = max(start, end)
    return times


def _loudest(
    weights: np.ndarray, start: float, end: float, gap: float
) -> tuple[float, float]:
    """The part of [start, end] that weighs most, in frames."""
    first, last = int(start), min(int(np.ceil(end)), len(weights))
    if last <= first:
        return start, max(start, end)
    left = np.maximum(np.arange(first, last), start)
    right = np.minimum(np.arange(first, last) + 1, end)
    alphas = weights[first:last]
    loud = np.flatnonzero((alphas > SILENT * alphas.max()) & (right > left))
    if len(loud) == 0:
        return start, end
    cuts = np.flatnonzero(left[loud[1:]] - right[loud[:-1]] > gap) + 1
    mass = alphas * (right - left)
    runs = np.split(loud, cuts)
    run = max(runs, key=lambda frames: mass[frames].sum())
    return float(left[run[0]]), float(right[run[-1]])
