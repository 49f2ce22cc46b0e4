"""The mel filters, and how a vocal-tract factor moves them."""

import math

import numpy as np
import pytest
import torch

from src.audio import FeatureConfig, FrontEnd
from src.audio.mel import hz, mel, mel_filters, warp_hz


def test_the_filters_are_triangles_that_overlap_by_half():
    filters = mel_filters(20, 4096, 16000)
    assert filters.shape == (2049, 20)
    assert filters[-1].max() == 0
    centres = hz(np.linspace(mel(20.0), mel(8000.0), 22))[1:-1]
    peaks = filters.argmax(0).numpy() * 16000 / 4096
    assert np.abs(peaks - centres).max() <= 16000 / 4096
    with pytest.raises(ValueError, match="warp must be 0.5 to 2, not 0"):
        mel_filters(20, 256, 8000, warp=0.0)
    between = (np.arange(2049) * 16000 / 4096 > centres[0]) & (
        np.arange(2049) * 16000 / 4096 < centres[-1]
    )
    assert torch.allclose(filters[between].sum(1), torch.tensor(1.0), atol=1e-5)
    with pytest.raises(ValueError, match="low_hz 500 and high_hz 5000"):
        mel_filters(20, 256, 8000, 500.0, 5000.0)


@pytest.mark.spec("ASR-013", "centre of each filter to a times its frequency")
@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("factor", [0.8, 0.9, 1.1, 1.2])
def test_the_warp_moves_the_centres(rate, factor):
    plain = mel_filters(20, 1 << 14, rate).argmax(0).numpy() * rate / (1 << 14)
    moved = mel_filters(20, 1 << 14, rate, warp=factor).argmax(0) * rate / (1 << 14)
    edge = min(4800.0, 0.4 * rate) * min(factor, 1) / factor
    below = plain < edge - 10
    assert 10 < below.sum() < 20
    assert np.allclose(moved[below], plain[below] * factor, atol=rate / (1 << 13))
    assert moved.diff().min() > 0 and moved[-1] < rate / 2
    high = np.linspace(edge, rate / 2, 9)
    assert np.abs(np.diff(warp_hz(high, factor, rate / 2), 2)).max() < 1e-8
    assert warp_hz(np.array([rate / 2]), factor, rate / 2) == pytest.approx(rate / 2)


@pytest.mark.spec("ASR-013", "factor 1 changes nothing")
def test_the_warp_of_one_changes_nothing_and_another_moves_a_tone():
    front_end = FrontEnd(FeatureConfig(cmvn="none"))
    tone = torch.sin(2 * math.pi * 1000 * torch.arange(4000) / 8000)
    assert torch.equal(front_end(tone, warp=1.0), front_end(tone))
    places = [int(front_end(tone, warp=a)[5].argmax()) for a in (0.8, 1.0, 1.2)]
    assert places[0] > places[1] > places[2]
