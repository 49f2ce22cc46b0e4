"""Perturbation and SpecAugment: sizes, ratios, limits, and draws by key."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.audio import (
    FeatureConfig,
    FrontEnd,
    PerturbConfig,
    SpecAugmentConfig,
    draw_perturbation,
)
from src.audio.perturb import (
    Perturbation,
    add_noise,
    perturb,
    speed,
    volume,
    white,
)
from src.audio.spec_augment import spec_augment
from src.utils.seed import keyed_rng
from tests.kaldi import speech_like


EVERY = PerturbConfig(
    speeds=(0.9, 1.0, 1.1),
    volume_db=(-6.0, 6.0),
    noise_chance=0.5,
    snr_db=(5.0, 20.0),
    warp=0.2,
    tempo=0.3,
)


@pytest.mark.spec("ASR-015", "Speed by f divides the length by f")
@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.1, 1.25, 2.0])
def test_speed_shortens_and_raises(factor):
    tone = torch.sin(2 * math.pi * 500 * torch.arange(8000) / 8000)
    found = speed(tone, factor)
    assert len(found) == math.ceil(round(8000 / factor, 6))
    spectrum = torch.fft.rfft(found).abs()
    hertz = int(spectrum.argmax()) * 8000 / len(found)
    assert hertz == pytest.approx(500 * factor, abs=1.5)


@pytest.mark.spec("ASR-015", "noise is added at the signal-to-noise ratio asked for")
@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 17.5, 60.0])
@pytest.mark.parametrize("length", [10, 4000, 9000])
def test_noise_has_the_ratio_asked_for(snr_db, length):
    waveform = speech_like(4000, 8000).double()
    noise = white(length, keyed_rng(length)).double()
    added = add_noise(waveform, noise, snr_db) - waveform
    ratio = waveform.square().mean() / added.square().mean()
    assert 10 * ratio.log10() == pytest.approx(snr_db, abs=1e-6)
    count = min(length, 4000)
    assert torch.allclose(added[:count] / added[0], noise[:count] / noise[0])


@pytest.mark.parametrize("samples, noise", [(0, 5), (5, 0), (0, 0)])
def test_nothing_and_silence_stay_as_they_are(samples, noise):
    waveform = torch.ones(samples)
    assert torch.equal(add_noise(waveform, torch.ones(noise), 10.0), waveform)
    silent, loud = torch.zeros(5), torch.ones(5)
    assert torch.equal(add_noise(silent, loud, 10.0), silent)
    assert torch.equal(add_noise(loud, silent, 10.0), loud)


def test_volume_multiplies():
    waveform = torch.tensor([0.5, -1.0])
    assert volume(waveform, 2.0).tolist() == [1.0, -2.0]
    assert waveform.tolist() == [0.5, -1.0]


@pytest.mark.spec("ASR-015", "the same key gives the same sound")
def test_draws_are_functions_of_the_key():
    waveform = speech_like(2000, 8000)

    def sound(*key):
        generator = keyed_rng(*key)
        drawn = draw_perturbation(EVERY, generator)
        return drawn, perturb(waveform, drawn, generator)

    seen = set()
    for index in range(20):
        drawn, changed = sound(0, 1, index)
        again, same = sound(0, 1, index)
        assert drawn == again and torch.equal(changed, same)
        seen.add(drawn)
    assert len(seen) == 20


@pytest.mark.spec("ASR-015", "every draw is a function of the generator passed in")
def test_draws_stay_in_their_ranges_and_reach_them():
    drawn = [draw_perturbation(EVERY, keyed_rng(7, i)) for i in range(2000)]
    assert {d.speed for d in drawn} == {0.9, 1.0, 1.1}
    decibels = [20 * math.log10(d.gain) for d in drawn]
    assert -6 <= min(decibels) < -5.9 and 5.9 < max(decibels) <= 6
    noisy = [d.snr_db for d in drawn if d.snr_db is not None]
    assert 900 < len(noisy) < 1100
    assert 5 <= min(noisy) < 5.3 and 19.7 < max(noisy) <= 20
    warps = {d.warp for d in drawn}
    assert min(warps) == 0.8 and max(warps) == 1.2 and len(warps) == 41
    both = torch.tensor([[d.warp for d in drawn], [d.tempo for d in drawn]])
    assert both.corrcoef()[0, 1].abs() < 0.2
    tempos = {d.tempo for d in drawn}
    assert min(tempos) == 0.7 and max(tempos) == 1.3 and len(tempos) == 61


@pytest.mark.spec("ASR-017", "puts the frames t times as far apart")
def test_tempo_moves_the_frames_apart_and_nothing_else():
    waveform = speech_like(2000, 8000)
    front_end = FrontEnd(FeatureConfig(cmvn="none"))
    found = front_end(waveform, tempo=1.25)
    assert len(found) == 1 + (2000 - 200) // 100
    same = front_end(waveform)  # frames of 80 and of 100 samples meet each 400
    torch.testing.assert_close(found[::4], same[::5][: len(found[::4])])


def test_one_option_does_not_move_the_draws_of_another():
    quiet = PerturbConfig(warp=0.2)
    for index in range(20):
        wanted = draw_perturbation(EVERY, keyed_rng(index)).warp
        assert draw_perturbation(quiet, keyed_rng(index)).warp == wanted


def test_the_defaults_change_nothing():
    waveform = speech_like(500, 8000)
    drawn = draw_perturbation(PerturbConfig(), keyed_rng(0))
    assert drawn == Perturbation()
    assert perturb(waveform, drawn, keyed_rng(0)) is waveform
    features = torch.ones(9, 4)
    assert spec_augment(features, SpecAugmentConfig(), keyed_rng(0)) is features


@pytest.mark.parametrize(
    "values, words",
    [
        ({"speeds": ()}, "speeds must be"),
        ({"speeds": (0.0,)}, "speeds must be"),
        ({"volume_db": (3.0, -3.0)}, "volume_db must rise"),
        ({"snr_db": (0.0, math.nan)}, "snr_db must rise"),
        ({"noise_chance": 1.5}, "noise_chance must be 0 to 1"),
        ({"warp": 0.9}, "warp must be 0 to 0.5"),
        ({"tempo": 0.6}, "tempo must be 0 to 0.5"),
    ],
)
def test_a_perturbation_that_cannot_be_is_refused(values, words):
    with pytest.raises(ValueError, match=words):
        PerturbConfig(**values)


@pytest.mark.parametrize("values", [{"time_masks": -1}, {"time_share": 1.5}])
def test_a_mask_that_cannot_be_is_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        SpecAugmentConfig(**values)


@pytest.mark.spec("ASR-014", "never beyond the length of the utterance nor wider")
@given(
    frames=st.integers(0, 60),
    mels=st.integers(1, 30),
    masks=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    widths=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    seed=st.integers(0, 9),
)
def test_bands_are_as_wide_as_allowed_at_most(frames, mels, masks, widths, share, seed):
    config = SpecAugmentConfig(masks[0], widths[0], masks[1], widths[1], share)
    features = torch.rand(frames, mels, generator=torch.Generator().manual_seed(seed))
    before = features.clone()
    found = spec_augment(features, config, keyed_rng(seed))
    assert torch.equal(features, before)
    assert found.shape == features.shape
    hidden = found != features
    rows, columns = hidden.all(1), hidden.all(0)
    longest = min(widths[1], int(share * frames))
    if frames > 1 and not columns.all() and not rows.all():
        assert rows.sum() <= masks[1] * longest
        assert columns.sum() <= masks[0] * min(widths[0], mels)
        inside = hidden & ~rows[:, None] & ~columns[None]
        assert not inside.any()
    mean = features.mean(0).expand_as(features) if frames else features
    assert torch.equal(found[hidden], mean[hidden])


@pytest.mark.spec("ASR-014", "hides bands of drawn width at the mean")
def test_each_width_and_each_place_is_drawn():
    config = SpecAugmentConfig(time_masks=1, time_width=3, time_share=1.0)
    features = torch.arange(10.0)[:, None].expand(10, 2)
    seen = set()
    for seed in range(400):
        hidden = (spec_augment(features, config, keyed_rng(seed)) != features)[:, 0]
        places = hidden.nonzero()[:, 0].tolist()
        seen.add((places[0], len(places)) if places else (0, 0))
    assert seen == {(0, 0)} | {(s, n) for n in (1, 2, 3) for s in range(11 - n)}


def test_stacked_frames_are_hidden_alike():
    config = SpecAugmentConfig(frequency_masks=1, frequency_width=4)
    features = torch.rand(9, 3 * 8)
    for seed in range(20):
        found = spec_augment(features, config, keyed_rng(seed), stacked=3)
        hidden = (found != features).view(9, 3, 8)
        assert torch.equal(hidden, hidden[:1, :1].expand_as(hidden))
