"""Resampling: the polyphase sum, its frequency response, pieces."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.audio.resample import (
    BETA,
    CUTOFF,
    ZEROS,
    Resampler,
    low_pass,
    resample,
)


RATES = [(8000, 16000), (16000, 8000), (44100, 8000), (8000, 11025), (48000, 44100)]
ODD_RATES = [(3, 7), (10, 9), (1, 5), (997, 1009), (8000, 8001)]


def noise(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, generator=torch.Generator().manual_seed(seed))


def plain_sum(waveform: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """y(t) = sum_k x[k] h(t - k), h taken at each distance itself; its sum is one."""

    def h(zeros):
        window = np.i0(BETA * np.sqrt(np.clip(1 - (zeros / ZEROS) ** 2, 0, 1)))
        inside = np.abs(zeros) <= ZEROS * (1 + 1e-12)
        return np.where(inside, np.sinc(CUTOFF * zeros) * window, 0)

    count = -(-len(waveform) * new_rate // rate)
    slower = min(1.0, new_rate / rate)
    finest = max(rate, new_rate) // math.gcd(rate, new_rate)
    total = h(np.arange(-ZEROS * finest, ZEROS * finest + 1) / finest).sum() / finest
    times = np.arange(count)[:, None] * rate / new_rate - np.arange(len(waveform))
    return h(times * slower) * slower / total @ waveform


@pytest.mark.spec("ASR-006", "equal to the polyphase sum in float64 to 1e-5")
@pytest.mark.parity("resampling", "the sum over a windowed sinc")
@pytest.mark.parametrize("rate, new_rate", RATES + ODD_RATES)
def test_resampling_is_the_sum_over_a_windowed_sinc(parity, rate, new_rate):
    for count in (0, 1, 2, 63, 200):
        waveform = noise(count)
        found = resample(waveform, rate, new_rate)
        assert found.dtype == torch.float32
        assert len(found) == math.ceil(count * new_rate / rate)
        wanted = plain_sum(waveform.double().numpy(), rate, new_rate)
        if count:
            parity.value(found, wanted, atol=5e-6)


@pytest.mark.spec("ASR-006", "equal to the polyphase sum in float64 to 1e-5")
@pytest.mark.parity("resampling", "scipy.signal.resample_poly")
@pytest.mark.parametrize("rate, new_rate", RATES + ODD_RATES)
def test_resampling_equals_scipy_with_the_same_filter(parity, rate, new_rate):
    signal = pytest.importorskip("scipy.signal", reason="an independent polyphase sum")
    common = math.gcd(rate, new_rate)
    up, down = new_rate // common, rate // common
    waveform = noise(1501)
    wanted = signal.resample_poly(
        waveform.double().numpy(), up, down, window=low_pass(up, down) / up
    )
    found = resample(waveform, rate, new_rate).numpy()
    parity.value(found, wanted, atol=5e-6)
    double = resample(waveform.double(), rate, new_rate).numpy()
    assert double.dtype == np.float64


@pytest.mark.spec("ASR-006", "ceil(samples new / old) samples")
@given(
    count=st.integers(0, 400), rate=st.integers(1, 300), new_rate=st.integers(1, 300)
)
def test_the_length_of_any_ratio(count, rate, new_rate):
    assert len(resample(noise(count), rate, new_rate)) == -(-count * new_rate // rate)


@pytest.mark.spec("ASR-006", "flat to 0.002 dB up to 0.8 of the lower half rate")
@pytest.mark.spec("ASR-006", "80 dB down from that half rate on")
@pytest.mark.parametrize("up, down", [(2, 1), (1, 2), (80, 441), (147, 160), (9, 10)])
def test_the_frequency_response(up, down):
    taps = low_pass(up, down)
    response = np.abs(np.fft.rfft(taps, 1 << 20)) / up
    decibels = 20 * np.log10(response + 1e-12)
    share = np.linspace(0, 1, len(response)) * max(up, down)  # of the lower half rate
    assert np.abs(decibels[share <= 0.8]).max() < 0.002
    assert decibels[share >= 1].max() < -80


@pytest.mark.spec("ASR-006", "flat to 0.002 dB up to 0.8 of the lower half rate")
@pytest.mark.parametrize("rate, new_rate", RATES)
def test_a_tone_stays_a_tone_and_a_high_one_vanishes(rate, new_rate):
    half = min(rate, new_rate) / 2
    time, new_time = np.arange(rate // 2) / rate, np.arange(new_rate // 2) / new_rate
    middle = slice(len(new_time) // 4, -len(new_time) // 4)
    for hertz in (0.0, 100.0, 0.5 * half, 0.79 * half):
        tone = torch.from_numpy(np.cos(2 * np.pi * hertz * time)).float()
        found = resample(tone, rate, new_rate).numpy()[: len(new_time)]
        wanted = np.cos(2 * np.pi * hertz * new_time)
        assert np.abs(found - wanted)[middle].max() < 2e-3
    if new_rate < rate:
        tone = torch.from_numpy(np.cos(2 * np.pi * 1.05 * half * time)).float()
        assert resample(tone, rate, new_rate)[middle].abs().max() < 2e-4


@pytest.mark.spec("ASR-006", "in pieces is resampled as the whole, without clicks")
@given(
    rates=st.sampled_from(RATES + ODD_RATES[:4]),
    cuts=st.lists(st.integers(0, 700), max_size=6),
)
def test_pieces_are_resampled_as_the_whole(rates, cuts):
    waveform = noise(sum(cuts))
    resampler = Resampler(*rates)
    parts = [resampler.push(part) for part in waveform.split(cuts)] if cuts else []
    found = torch.cat([*parts, resampler.finish()])
    wanted = resample(waveform, *rates)
    assert found.shape == wanted.shape
    assert torch.allclose(found, wanted, atol=2e-6)


def test_outputs_come_as_soon_as_they_are_certain():
    resampler = Resampler(48000, 16000)
    given = sum(len(resampler.push(noise(4800))) for _ in range(10))
    assert 16000 - given < 200


def test_long_inputs_are_worked_on_in_rows(monkeypatch):
    waveform = noise(20_000)
    wanted = resample(waveform, 16000, 8000)
    monkeypatch.setattr("src.audio.resample.ROWS", 7)
    assert torch.allclose(resample(waveform, 16000, 8000), wanted, atol=1e-6)


def test_the_same_rate_is_the_same_waveform():
    waveform = noise(10)
    assert resample(waveform, 8000, 8000) is waveform
    with pytest.raises(ValueError, match="0 and 8000"):
        resample(waveform, 0, 8000)
