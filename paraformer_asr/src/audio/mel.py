"""Log-mel filter bank, equal to Kaldi's (mel-computations.cc, feature-fbank.cc)."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract
from .frames import SCALE, Window, fft_size, frame, power_spectrum, windowed


FLOOR = float(np.finfo(np.float32).eps)
"""Energies below are raised to it before the logarithm, as Kaldi does."""
BLOCK = 512
"""Frames at a time: what they need stays in the cache, and the memory is bounded."""


@contract
def fbank(
    waveform: Float[Tensor, " samples"],
    *,
    sample_rate: int = 8000,
    n_mels: int = 40,
    window: Window = "povey",
    frame_ms: float = 25.0,
    shift_ms: float = 10.0,
    preemphasis: float = 0.97,
    dither: float = 0.0,
    low_hz: float = 20.0,
    high_hz: float = 0.0,
    warp: float = 1.0,
    generator: np.random.Generator | None = None,
) -> Float[Tensor, "frames {n_mels}"]:
    """ln max(|X|^2 M, 1.2e-7), X the frames' spectra and M the filters.

    A waveform shorter than one frame gives 0 frames. `high_hz` at or below 0 counts
    from half the sample rate. `dither` draws from `generator`.
    """
    length, shift = frame_sizes(sample_rate, frame_ms, shift_ms)
    frames = frame(waveform * SCALE, length, shift)
    filters = mel_filters(
        n_mels, fft_size(length), sample_rate, low_hz, high_hz, warp, frames.dtype
    )
    parts = []
    for some in frames.split(BLOCK):
        shaped = windowed(
            some,
            window=window,
            preemphasis=preemphasis,
            dither=dither,
            generator=generator,
        )
        parts.append(log_mel(power_spectrum(shaped), filters))
    return torch.cat(parts) if len(parts) > 1 else parts[0]


@contract
def log_mel(
    power: Float[Tensor, "frames bins"], filters: Float[Tensor, "bins mels"]
) -> Float[Tensor, "frames mels"]:
    """The logarithm of the energy that each filter lets through."""
    return (power @ filters).clamp_min_(FLOOR).log_()


def frame_sizes(sample_rate: int, frame_ms: float, shift_ms: float) -> tuple[int, int]:
    """Samples in a frame and from one frame to the next, rounded down as in Kaldi."""
    return int(sample_rate * 0.001 * frame_ms), int(sample_rate * 0.001 * shift_ms)


@lru_cache(maxsize=256)
@torch.inference_mode(False)  # so that a later gradient may pass through it
def mel_filters(
    n_mels: int,
    n_fft: int,
    sample_rate: int,
    low_hz: float = 20.0,
    high_hz: float = 0.0,
    warp: float = 1.0,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Triangles of equal width on the mel scale, (n_fft / 2 + 1, n_mels).

    The bin at half the sample rate is in none. A `warp` moves the corners of the
    triangles along `warp_hz`. Raises ValueError for an empty band.
    """
    low_hz, high_hz = band(sample_rate, low_hz, high_hz)
    corners = np.linspace(mel(low_hz), mel(high_hz), n_mels + 2)
    if warp != 1.0:
        corners = mel(warp_hz(hz(corners), warp, sample_rate / 2))
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    bins = mel(np.arange(n_fft // 2) * sample_rate / n_fft)[:, None]
    rising = (bins - left) / (centre - left)
    falling = (right - bins) / (right - centre)
    weights = np.zeros((n_fft // 2 + 1, n_mels))
    weights[:-1] = np.maximum(0, np.minimum(rising, falling))
    return torch.from_numpy(weights).to(dtype)


def band(sample_rate: int, low_hz: float, high_hz: float) -> tuple[float, float]:
    """Lowest and highest frequency; ValueError where they are no band."""
    nyquist = sample_rate / 2
    high_hz = high_hz if high_hz > 0 else nyquist + high_hz
    if not 0 <= low_hz < high_hz <= nyquist:
        raise ValueError(
            f"low_hz {low_hz:g} and high_hz {high_hz:g} must be a band inside "
            f"0 to {nyquist:g} Hz, half the sample rate"
        )
    return low_hz, high_hz


def mel(frequency):
    """m = 1127 ln(1 + f / 700)."""
    return 1127.0 * np.log1p(np.asarray(frequency) / 700.0)


def hz(mels):
    """The frequency of a place on the mel scale."""
    return 700.0 * np.expm1(np.asarray(mels) / 1127.0)


def warp_hz(frequency, warp: float, nyquist: float):
    """Where vocal-tract length perturbation moves a frequency (Jaitly & Hinton 2013).

    f a up to F min(a, 1) / a, from there straight to half the sample rate, which stays.
    F is 4800 Hz, at most 0.8 of half the sample rate. With a > 1 the filters look
    higher: the same sound comes out as if from a longer vocal tract.
    """
    if not 0.5 <= warp <= 2.0:
        raise ValueError(f"warp must be 0.5 to 2, not {warp}")
    edge = min(4800.0, 0.8 * nyquist) * min(warp, 1.0)
    slope = (nyquist - edge) / (nyquist - edge / warp)
    above = nyquist - slope * (nyquist - np.asarray(frequency))
    return np.where(np.asarray(frequency) <= edge / warp, frequency * warp, above)
