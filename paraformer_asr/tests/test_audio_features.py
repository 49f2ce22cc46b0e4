"""Filter bank and cepstra against kaldi-native-fbank and a plain float64 formula."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.audio import FeatureConfig, FrontEnd
from src.audio.frames import frame, power_spectrum, window_values, windowed
from src.audio.mel import FLOOR, fbank, mel_filters
from src.audio.mfcc import cepstra
from src.audio.resample import resample
from src.utils.seed import keyed_rng
from tests.kaldi import features, speech_like


@pytest.fixture(scope="module")
def knf():
    reason = "Kaldi's features are compared with kaldi-native-fbank"
    return pytest.importorskip("kaldi_native_fbank", reason=reason)


def plain_fbank(waveform, rate, n_mels, window, low, high, pre) -> np.ndarray:
    """The definition, frame by frame and filter by filter, in float64."""
    size, shift = int(rate * 0.025), int(rate * 0.010)
    n_fft = 2 ** math.ceil(math.log2(size))
    i = np.arange(size)
    shape = 0.54 - 0.46 * np.cos(2 * np.pi * i / (size - 1))
    if window == "povey":
        shape = (0.5 - 0.5 * np.cos(2 * np.pi * i / (size - 1))) ** 0.85
    edges = np.linspace(
        1127 * np.log(1 + low / 700), 1127 * np.log(1 + high / 700), n_mels + 2
    )
    rows = []
    for start in range(0, len(waveform) - size + 1, shift):
        x = waveform[start : start + size] * 32768
        x = x - x.mean()
        x = np.array([x[j] - pre * x[max(j - 1, 0)] for j in range(size)]) * shape
        power = np.abs(np.fft.fft(x, n_fft)) ** 2
        row = []
        for left, centre, right in zip(edges, edges[1:], edges[2:], strict=False):
            energy = 0.0
            for k in range(n_fft // 2):
                m = 1127 * np.log(1 + k * rate / n_fft / 700)
                if left < m <= centre:
                    energy += power[k] * (m - left) / (centre - left)
                elif centre < m < right:
                    energy += power[k] * (right - m) / (right - centre)
            row.append(np.log(max(energy, 1.1920928955078125e-07)))
        rows.append(row)
    return np.array(rows)


@pytest.mark.spec("ASR-007", "Log-mel energies equal those of kaldi-native-fbank")
@pytest.mark.parity("log-mel filter bank", "kaldi_native_fbank.OnlineFbank")
@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("n_mels", [40, 80])
@pytest.mark.parametrize("window", ["povey", "hamming"])
def test_log_mels_are_kaldis(parity, knf, rate, n_mels, window):
    settings = {"sample_rate": rate, "n_mels": n_mels, "window": window}
    for seed in range(3):
        waveform = speech_like(rate, rate, seed)
        found = fbank(waveform, **settings).numpy()
        wanted = features(knf, waveform, **settings)
        assert found.shape == wanted.shape == (98, n_mels)
        difference = np.abs(found - wanted)
        assert difference.max() <= 2e-3
        parity.value(found, wanted, atol=1e-3)
        assert np.quantile(difference, 0.99) <= 1e-4


@pytest.mark.spec(
    "ASR-007", "single precision gives out, in Kaldi's as much as in ours"
)
def test_far_below_the_loudest_filter_ours_is_as_near_to_the_truth(knf):
    settings = {"sample_rate": 16000, "n_mels": 80}
    waveform = resample(speech_like(8000, 8000), 8000, 16000)  # nothing from 4 kHz on
    ours = fbank(waveform, **settings).double().numpy()
    kaldis = features(knf, waveform, **settings)
    truth = fbank(waveform.double(), **settings).numpy()
    near = truth > truth.max(1, keepdims=True) - 80 * math.log(10) / 10
    assert 0.2 < (~near).mean() < 0.25
    assert np.abs(ours - kaldis)[near].max() <= 2e-3
    far = [np.abs(found - truth)[~near].mean() for found in (ours, kaldis)]
    assert far[0] < 1.5 * far[1] < 0.01


@pytest.mark.spec("ASR-007", "any pre-emphasis and band")
@given(
    sample_rate=st.sampled_from([8000, 11025, 16000, 44100]),
    n_mels=st.integers(5, 40),
    preemphasis=st.sampled_from([0.0, 0.5, 0.97, 1.0]),
    low_hz=st.sampled_from([0.0, 20.0, 300.0]),
    high_hz=st.sampled_from([0.0, -400.0, 3400.0]),
    shift_ms=st.sampled_from([5.0, 10.0, 12.5]),
    frame_ms=st.sampled_from([16.0, 25.0, 32.0]),
)
def test_log_mels_are_kaldis_with_other_settings(knf, **settings):
    waveform = speech_like(9000, settings["sample_rate"])
    found = fbank(waveform, **settings).numpy()
    wanted = features(knf, waveform, **settings)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= 2e-3


@pytest.mark.spec("ASR-007", "Log-mel energies equal")
@pytest.mark.parity("log-mel filter bank, float64", "its definition, bin by bin")
@pytest.mark.parametrize("window", ["povey", "hamming"])
def test_log_mels_are_the_definition_in_float64(parity, window):
    waveform = speech_like(1500, 8000)
    found = fbank(
        waveform.double(), n_mels=23, window=window, high_hz=3700.0, preemphasis=0.9
    )
    wanted = plain_fbank(waveform.double().numpy(), 8000, 23, window, 20, 3700, 0.9)
    assert found.dtype == torch.float64
    parity.value(found, wanted, atol=1e-10)


@pytest.mark.spec("ASR-008", "Cepstra equal those of kaldi-native-fbank to 2e-3")
@pytest.mark.parametrize("rate, n_mels, n_ceps", [(8000, 23, 13), (16000, 40, 40)])
@pytest.mark.parity("cepstra (MFCC)", "kaldi_native_fbank.OnlineMfcc")
@pytest.mark.parametrize("lifter", [22.0, 0.0])
def test_cepstra_are_kaldis(parity, knf, rate, n_mels, n_ceps, lifter):
    waveform = speech_like(rate, rate)
    log_mels = fbank(waveform, sample_rate=rate, n_mels=n_mels)
    wanted = features(
        knf,
        waveform,
        "mfcc",
        sample_rate=rate,
        n_mels=n_mels,
        n_ceps=n_ceps,
        lifter=lifter,
    )
    found = cepstra(log_mels, n_ceps, lifter).numpy()
    parity.value(found, wanted, atol=1e-3)
    assert np.abs(found - wanted).max() <= 2e-3


def test_cepstra_of_a_front_end(knf):
    waveform = speech_like(4000, 8000)
    config = FeatureConfig(kind="mfcc", n_mels=23, cmvn="none")
    assert config.dim == 13
    wanted = features(knf, waveform, "mfcc", n_mels=23)
    assert np.abs(FrontEnd(config)(waveform).numpy() - wanted).max() <= 2e-3
    with pytest.raises(ValueError, match="n_ceps 24 must be 1 to 23"):
        cepstra(torch.zeros(2, 23), 24)


@pytest.mark.spec("ASR-009", "shorter than one frame gives 0 frames")
@pytest.mark.parametrize("rate, size", [(8000, 200), (16000, 400)])
def test_the_number_of_frames(rate, size):
    front_end = FrontEnd(FeatureConfig(sample_rate=rate))
    wanted = {0: 0, 1: 0, size - 1: 0, size: 1, size + size * 2 // 5: 2}
    for samples, frames in wanted.items():
        assert front_end(torch.ones(samples)).shape == (frames, 40)


@pytest.mark.spec("ASR-009", "every feature of every finite waveform is finite")
@given(
    kind=st.sampled_from(["fbank", "mfcc"]),
    cmvn=st.sampled_from(["none", "utterance"]),
    samples=st.integers(0, 2000),
    scale=st.sampled_from([0.0, 1e-30, 1e-6, 1.0, 32768.0]),
    constant=st.sampled_from([0.0, 1.0, -1.0]),
)
def test_features_are_finite(kind, cmvn, samples, scale, constant):
    noise = torch.from_numpy(keyed_rng(samples).standard_normal(samples)).float()
    front_end = FrontEnd(FeatureConfig(kind=kind, cmvn=cmvn))
    found = front_end(constant + scale * noise)
    assert found.isfinite().all()
    assert len(found) == max(0, (samples - 200) // 80 + 1)


@pytest.mark.parametrize("kind", ["fbank", "mfcc"])
@pytest.mark.parametrize("cmvn", ["none", "utterance"])
def test_gradients_reach_the_waveform_also_after_inference(kind, cmvn):
    front_end = FrontEnd(FeatureConfig(kind=kind, cmvn=cmvn, n_mels=15, lfr_m=3))
    waveform = speech_like(440, 8000).double()
    for kept in (window_values, mel_filters):
        kept.cache_clear()
    with torch.inference_mode():
        front_end(waveform)
    step = 1e-6 * torch.from_numpy(keyed_rng(0).standard_normal(440))
    ends = [front_end(waveform + s).pow(3).sum() for s in (step, -step)]
    waveform.requires_grad_()
    (gradient,) = torch.autograd.grad(front_end(waveform).pow(3).sum(), waveform)
    assert float(gradient @ step) == pytest.approx(float(ends[0] - ends[1]) / 2, 1e-4)


def test_silence_is_at_the_floor():
    assert torch.equal(fbank(torch.zeros(200)), torch.full((1, 40), math.log(FLOOR)))


def test_long_waveforms_are_worked_on_in_blocks(monkeypatch):
    waveform = speech_like(8000, 8000)
    wanted = fbank(waveform)
    monkeypatch.setattr("src.audio.mel.BLOCK", 7)
    assert torch.allclose(fbank(waveform), wanted, atol=1e-4)


def test_dither_is_noise_of_its_size_from_the_generator():
    silence = torch.zeros(80_000)
    frames = frame(silence, 200, 80)
    found = windowed(frames, preemphasis=0, dither=3.0, generator=keyed_rng(5))
    again = windowed(frames, preemphasis=0, dither=3.0, generator=keyed_rng(5))
    assert torch.equal(found, again)
    shape = windowed(torch.eye(200) * 200 / 199, preemphasis=0).diagonal()
    deviation = found.square().mean().sqrt() / shape.square().mean().sqrt()
    assert deviation == pytest.approx(3.0, rel=0.01)
    with pytest.raises(ValueError, match="needs a generator"):
        fbank(silence, dither=1.0)


def test_the_power_spectrum_is_parsevals():
    frames = speech_like(1000, 8000).view(5, 200)
    power = power_spectrum(frames)
    whole = 2 * power.sum(1) - power[:, 0] - power[:, -1]
    assert torch.allclose(whole / 256, frames.square().sum(1), rtol=1e-5)
