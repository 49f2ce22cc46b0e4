"""Normalisation, stacking, the front end whole and in pieces."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.audio import FeatureConfig, FrontEnd, FrontEndStream
from src.audio.cmvn import LEAST, MomentSums, normalise
from src.audio.low_frame_rate import stack_frames
from src.utils.config import ConfigError, from_dict
from src.utils.errors import InputError
from src.utils.seed import keyed_rng
from tests.kaldi import speech_like


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.spec("ASR-010", "mean 0 and variance 1 of each coefficient")
def test_an_utterance_has_mean_0_and_variance_1():
    features = normal(50, 7) * torch.arange(1, 8) + 100
    found = normalise(features)
    values = features.double().numpy()
    wanted = (values - values.mean(0)) / values.std(0)
    assert np.abs(found.numpy() - wanted).max() < 1e-4


def test_a_small_deviation_becomes_1_down_to_the_least():
    features = normal(50, 2)
    wanted = normalise(features)
    assert torch.allclose(normalise(features * 5 * LEAST), wanted, atol=1e-4)
    assert normalise(features * LEAST / 10).std() == pytest.approx(0.1, rel=0.3)


@pytest.mark.spec("ASR-010", "0 where it never changes")
@pytest.mark.parametrize("value", [0.0, -15.942385, 1e4])
def test_what_never_changes_becomes_0(value):
    for frames in (0, 1, 2, 33):
        found = normalise(torch.full((frames, 4), value))
        assert found.shape == (frames, 4)
        assert not found.any()


@pytest.mark.spec("ASR-010", "global moments are summed in float64")
def test_global_moments_are_exact_far_from_zero():
    parts = [normal(n, 5, seed=n) + 1000 for n in (3, 0, 100, 17, 1)]
    sums = MomentSums(5)
    for part in parts:
        sums.add(part)
    every = torch.cat(parts).double().numpy()
    mean, std = sums.moments()
    assert all(type(number) is float for number in mean + std)
    assert mean == pytest.approx(every.mean(0), rel=1e-12)
    assert std == pytest.approx(every.std(0), rel=1e-9)
    with pytest.raises(ValueError, match="no frames"):
        MomentSums(5).moments()


@pytest.mark.spec("ASR-010", "kept as plain numbers")
def test_a_fitted_front_end_is_kept_as_plain_values():
    config = FeatureConfig(cmvn="global", lfr_m=3, lfr_n=2)
    waveforms = [speech_like(3000 + 500 * i, 8000, i) for i in range(4)]
    front_end = FrontEnd.fitted(config, iter(waveforms))
    every = torch.cat([front_end.coefficients(w) for w in waveforms]).double()
    assert torch.allclose(front_end.mean, every.mean(0), atol=1e-6)
    kept = json.loads(json.dumps(front_end.to_dict()))
    again = FrontEnd.from_dict(kept)
    assert again.config == config
    assert torch.equal(again(waveforms[0]), front_end(waveforms[0]))
    plain = FrontEnd(FeatureConfig(cmvn="none"))(waveforms[0])
    wanted = stack_frames((plain - every.mean(0)) / every.std(0, correction=0), 3, 2)
    assert torch.allclose(again(waveforms[0]).double(), wanted, atol=1e-4)


KEPT = FrontEnd(
    FeatureConfig(cmvn="global", n_mels=2), [0.0, 1.0], [1.0, 2.0]
).to_dict()
DAMAGED = {
    "not a dict": ([1], "config, mean and std"),
    "key missing": ({"config": {}}, "config, mean and std"),
    "unknown key": (KEPT | {"config": {"mels": 3}}, "mels is not a known key"),
    "too few": (KEPT | {"mean": [1.0]}, "mean must be 2 finite numbers"),
    "none": (KEPT | {"std": None}, "needs std"),
    "infinite": (KEPT | {"std": [1.0, math.inf]}, "std must be 2 finite numbers"),
    "words": (KEPT | {"mean": ["a", "b"]}, "front_end"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_front_end_is_one_sentence(case):
    values, words = DAMAGED[case]
    with pytest.raises(InputError, match=words) as told:
        FrontEnd.from_dict(values, "a.pt: front_end")
    assert str(told.value).startswith("a.pt: front_end")


@pytest.mark.parametrize(
    "values, words",
    [
        ({"sample_rate": 0}, "sample_rate must be 1000 to 384000"),
        ({"n_mels": 0}, "n_mels must be at least 1"),
        ({"lfr_n": 0}, "lfr_n must be at least 1"),
        ({"dither": -1.0}, "dither must not be negative"),
        ({"shift_ms": 0.01}, "shift_ms 0.01 is less than one sample"),
        ({"shift_ms": 30.0}, "shift_ms 30 is more than frame_ms 25"),
        ({"frame_ms": 0.2}, "frame_ms 0.2 is less than two samples"),
        ({"kind": "mfcc", "n_mels": 10}, "n_ceps 13 is more than n_mels 10"),
        ({"low_hz": 4000.0}, "low_hz 4000 and high_hz 4000"),
        ({"high_hz": 5000.0}, "low_hz 20 and high_hz 5000"),
        ({"window": "hann"}, "window must be one of povey, hamming"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_its_key(values, words):
    with pytest.raises(ConfigError, match=words):
        from_dict(FeatureConfig, values, "x.yaml")


def plain_stack(rows: list[int], m: int, n: int) -> list[list[int]]:
    left = [rows[0]] * ((m - 1) // 2) + rows
    count = -(-len(rows) // n)
    padded = left + [rows[-1]] * (m + n * count)
    return [padded[i * n : i * n + m] for i in range(count)]


@pytest.mark.spec(
    "ASR-011", "row i holds frames i n - (m - 1) // 2 and the m - 1 after"
)
@pytest.mark.parametrize("m, n", [(1, 1), (7, 6), (5, 1), (4, 3), (1, 4), (3, 5)])
def test_stacking_is_the_padded_window(m, n):
    for frames in range(1, 40):
        features = torch.arange(frames, dtype=torch.float32)[:, None]
        found = stack_frames(features, m, n).int().tolist()
        assert found == plain_stack(list(range(frames)), m, n)
    assert stack_frames(torch.zeros(0, 3), m, n).shape == (0, 3 * m)


@pytest.mark.spec("ASR-011", "there are ceil(frames / n) rows")
def test_the_width_and_the_seconds_of_stacked_frames():
    config = FeatureConfig(n_mels=80, sample_rate=16000, lfr_m=7, lfr_n=6)
    front_end = FrontEnd(config)
    assert config.dim == front_end.dim == 560
    assert front_end.frame_seconds == pytest.approx(0.06)
    assert front_end(speech_like(16000, 16000)).shape == (17, 560)


@pytest.mark.spec("ASR-012", "for any cut of a waveform into pieces the frames")
@given(
    m_n=st.sampled_from([(1, 1), (7, 6), (3, 2), (2, 5), (4, 4), (1, 3), (5, 1)]),
    cuts=st.lists(st.sampled_from([0, 1, 7, 79, 80, 81, 200, 333, 1500]), max_size=12),
    dither=st.sampled_from([0.0, 1.0]),
    cmvn=st.sampled_from(["none", "global"]),
)
def test_a_stream_gives_the_frames_of_the_whole(m_n, cuts, dither, cmvn):
    config = FeatureConfig(
        n_mels=20, cmvn=cmvn, dither=dither, lfr_m=m_n[0], lfr_n=m_n[1]
    )
    front_end = FrontEnd(config, [10.0] * 20, [2.0] * 20)
    waveform = speech_like(sum(cuts), 8000)
    stream = FrontEndStream(front_end)
    parts = [stream.push(part) for part in waveform.split(cuts)] if cuts else []
    found = torch.cat([*parts, stream.finish()])
    wanted = front_end(waveform)
    assert found.shape == wanted.shape
    assert torch.allclose(found, wanted, atol=1e-4)


def test_a_stream_gives_each_frame_at_once_and_keeps_no_more_than_it_needs():
    stream = FrontEndStream(FrontEnd(FeatureConfig(cmvn="none", lfr_m=7, lfr_n=6)))
    rows = sum(len(stream.push(speech_like(800, 8000, i))) for i in range(30))
    frames = (24_000 - 200) // 80 + 1
    assert rows == (frames - 4) // 6 + 1
    assert len(stream.samples) < 200 and len(stream.frames) <= 13


@pytest.mark.spec("ASR-012", "normalisation by utterance is refused, with the reason")
def test_a_stream_refuses_the_mean_of_the_utterance():
    with pytest.raises(ValueError, match="needs the whole utterance"):
        FrontEndStream(FrontEnd(FeatureConfig()))


def test_dither_is_the_same_at_each_call_and_another_for_another_generator():
    front_end = FrontEnd(FeatureConfig(dither=10.0, cmvn="none"))
    waveform = speech_like(2000, 8000)
    first = front_end(waveform)
    assert torch.equal(first, front_end(waveform))
    other = front_end(waveform, generator=keyed_rng(3))
    assert torch.equal(other, front_end(waveform, generator=keyed_rng(3)))
    assert not torch.equal(first, other)


def test_global_needs_its_moments_and_the_deviation_has_a_floor():
    config = FeatureConfig(cmvn="global", n_mels=3)
    with pytest.raises(ValueError, match="FrontEnd.fitted"):
        FrontEnd(config)
    with pytest.raises(ValueError, match=r"has shape \(2,\)"):
        FrontEnd(config, [1.0, 2.0], [1.0, 1.0])
    found = FrontEnd(config, [0.0] * 3, [0.0] * 3).std
    assert found.tolist() == pytest.approx([LEAST] * 3)
