"""Integrate-and-fire as a picture: what is heard, weighed, summed and said."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .plots import BLUE, GREEN, VERMILLION, plain_text


LONGEST_S = 30.0
"""Seconds that a picture can show."""


class Fired(NamedTuple):
    """One utterance as the predictor saw it, in plain arrays."""

    features: np.ndarray
    """(frames, mels)"""
    frame_seconds: float
    """From one row of `features` to the next."""
    alphas: np.ndarray
    """(time,), the weight of each encoder frame; empty where no model weighs."""
    time_seconds: float
    """From one encoder frame to the next."""
    boundaries: Sequence[float]
    """Seconds at which each token is complete."""
    tokens: Sequence[str]
    title: str = ""


def draw_fired(figure, place, fired: Fired) -> None:
    """Three panels in `place` of a grid: log-mel, weights, and their running sum.

    A token's name stands where half of it was there, a line where it was complete. The
    dot of a token that only the tail completes is hollow, at the end of the sum.
    """
    seconds = len(fired.features) * fired.frame_seconds
    weighed = len(fired.alphas) > 0
    heights = (3, 1.3, 2) if weighed else (1,)
    grid = place.subgridspec(len(heights), 1, height_ratios=heights, hspace=0.08)
    mel = figure.add_subplot(grid[0])
    _draw_mel(mel, fired, seconds)
    if weighed:
        mel.tick_params(labelbottom=False)
        bars = figure.add_subplot(grid[1], sharex=mel)
        _draw_alphas(bars, fired)
        stairs = figure.add_subplot(grid[2], sharex=mel)
        _draw_staircase(stairs, fired, seconds)
    else:
        mel.set_xlabel("seconds")
    mel.set_xlim(0, max(seconds, fired.frame_seconds))


def _draw_mel(axis, fired: Fired, seconds: float) -> None:
    image = fired.features.T if len(fired.features) else np.zeros((1, 1))
    extent = (0, max(seconds, fired.frame_seconds), 0, len(image))
    axis.imshow(
        image, origin="lower", aspect="auto", extent=extent, cmap="magma",
        interpolation="nearest",
    )  # fmt: skip
    axis.set_ylabel("mel")
    axis.set_yticks([])
    axis.set_title(plain_text(fired.title, 90), fontsize=9, loc="left")


def _draw_alphas(axis, fired: Fired) -> None:
    starts = np.arange(len(fired.alphas)) * fired.time_seconds
    width = fired.time_seconds
    axis.bar(starts, fired.alphas, width=width, align="edge", color=BLUE, linewidth=0)
    axis.set_ylabel("α")
    most = max(float(np.nan_to_num(fired.alphas).max()), 1e-3)  # NaN: it diverged
    axis.set_ylim(0, 1.1 * most)
    axis.set_yticks([0, most], ["0", f"{most:.2g}"], fontsize=7)
    axis.tick_params(labelbottom=False)
    for boundary in fired.boundaries:
        axis.axvline(boundary, color=VERMILLION, linewidth=1)


def _draw_staircase(axis, fired: Fired, seconds: float) -> None:
    """S_t; each time it reaches the next whole number a token fires."""
    total = np.concatenate([[0.0], np.cumsum(fired.alphas)])
    times = np.arange(len(total)) * fired.time_seconds
    axis.plot(times, total, color=GREEN, linewidth=1.5)
    for number, end in enumerate(fired.boundaries, 1):
        axis.axhline(number, color="0.85", linewidth=0.8, zorder=0)
        reached = number <= total[-1] + 1e-3
        high = number if reached else total[-1]
        axis.plot([end, end], [0, high], color=VERMILLION, linewidth=1)
        axis.plot(
            end, high, "o", color=VERMILLION, markersize=3 if reached else 6, zorder=3,
            markerfacecolor=VERMILLION if reached else "white", clip_on=False,
        )  # fmt: skip
        if number <= len(fired.tokens):
            name = plain_text(fired.tokens[number - 1], 12)
            middle = float(np.interp(number - 0.5, total, times))
            axis.annotate(
                name, (middle, number), (0, 3), textcoords="offset points",
                ha="center", fontsize=8, fontweight="bold",
            )  # fmt: skip
    top = max(len(fired.boundaries), float(total[-1]), 1.0)
    axis.set_ylim(0, top * 1.15 + 0.3)
    axis.yaxis.get_major_locator().set_params(integer=True)
    axis.set_ylabel("Σα")
    axis.set_xlabel("seconds")
