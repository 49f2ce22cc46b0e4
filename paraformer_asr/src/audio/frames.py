"""From a waveform to the power spectrum of its frames, as Kaldi does it.

Povey et al. 2011, "The Kaldi speech recognition toolkit", feat/feature-window.cc. Each
frame by itself: dither, mean to zero, pre-emphasis, window, zeros up to a power of two.
"""

import math
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract


Window = Literal["povey", "hamming"]
SCALE = 32768.0
"""Kaldi's numbers are those of 16-bit integers."""


@contract
def frame(
    waveform: Float[Tensor, " samples"], length: int, shift: int
) -> Float[Tensor, "frames {length}"]:
    """A view of whole frames only (snip_edges): 1 + (samples - length) // shift."""
    if waveform.shape[0] < length:
        return waveform.new_zeros(0, length)
    return waveform.unfold(0, length, shift)


@contract
def windowed(
    frames: Float[Tensor, "frames length"],
    *,
    window: Window = "povey",
    preemphasis: float = 0.97,
    dither: float = 0.0,
    generator: np.random.Generator | None = None,
) -> Float[Tensor, "frames length"]:
    """y_i = w_i (x_i - p x_(i-1)) of the frame less its mean; x_(-1) is x_0.

    `dither` is the deviation of noise added first, in units of a 16-bit integer.
    """
    if dither > 0:
        frames = frames + _noise(frames, dither, generator)
    x = frames - frames.mean(1, keepdim=True)
    before = torch.cat([x[:, :1], x[:, :-1]], 1)
    return x.sub_(before, alpha=preemphasis).mul_(
        window_values(window, frames.shape[1], frames.dtype)
    )


@contract
def power_spectrum(
    frames: Float[Tensor, "frames length"],
) -> Float[Tensor, "frames bins"]:
    """|FFT|^2 with zeros up to the next power of two, bins 0 to half of it."""
    if len(frames) == 0:  # torch's FFT refuses none
        return frames.new_zeros(0, fft_size(frames.shape[1]) // 2 + 1)
    spectrum = torch.fft.rfft(frames, fft_size(frames.shape[1]))
    return spectrum.real.square() + spectrum.imag.square()


def fft_size(length: int) -> int:
    """The power of two that holds a frame."""
    return 1 << max(1, (length - 1).bit_length())


@lru_cache(maxsize=32)
@torch.inference_mode(False)  # so that a later gradient may pass through it
def window_values(kind: Window, length: int, dtype: torch.dtype) -> Tensor:
    """Hamming's window, or Povey's: Hann's to the power 0.85, zero at both ends."""
    phase = torch.arange(length, dtype=torch.float64) * 2 * math.pi / max(1, length - 1)
    if kind == "hamming":
        return (0.54 - 0.46 * phase.cos()).to(dtype)
    if kind == "povey":
        return (0.5 - 0.5 * phase.cos()).pow(0.85).to(dtype)
    raise ValueError(f"window is {kind!r}; povey and hamming are known")


def _noise(
    frames: Tensor, dither: float, generator: np.random.Generator | None
) -> Tensor:
    if generator is None:
        raise ValueError(f"dither is {dither}: it needs a generator to draw from")
    drawn = generator.standard_normal(tuple(frames.shape))
    return torch.from_numpy(drawn).to(frames.dtype) * dither
