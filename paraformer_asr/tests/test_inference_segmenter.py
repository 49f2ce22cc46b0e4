"""Audio cut at silence: what is kept, where it is cut, for any size of block."""

import pytest
import torch

from src.inference.segmenter import LONGEST_S, Segmenter, has_sound, loudness


RATE = 1000


def noise(seconds, size=0.001, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return size * torch.randn(round(seconds * RATE), generator=generator)


def speech(seconds, size=0.3):
    """A tone whose loudness goes up and down four times a second."""
    t = torch.arange(round(seconds * RATE)) / RATE
    return size * torch.sin(600 * t) * (0.6 + 0.4 * torch.sin(25 * t)) + noise(seconds)


def cut(waveform, block=10**9, rate=RATE, **options):
    segmenter = Segmenter(rate, **options)
    found = [p for part in waveform.split(block) for p in segmenter.push(part)]
    return found + segmenter.finish()


def spans(pieces):
    return [(p.start / RATE, (p.start + len(p.waveform)) / RATE) for p in pieces]


@pytest.mark.spec("ASR-114", "in the middle of the longest silence")
def test_speech_without_pauses_is_cut_in_its_longest_silence():
    parts = [speech(6), noise(0.3), speech(5), noise(0.5), speech(14)]
    first, second = cut(torch.cat(parts))
    assert spans([first])[0] == pytest.approx((0, 11.55), abs=0.06)
    assert spans([second])[0] == pytest.approx((11.55, 25.8), abs=0.06)


@pytest.mark.spec("ASR-114", "at the quietest point where there is none")
def test_speech_without_silence_is_cut_where_it_is_quietest():
    waveform = torch.full((25 * RATE,), 0.5) * torch.sign(noise(25))
    waveform[14_000:14_200] *= 0.7
    first, second = cut(waveform)
    assert len(first.waveform) == pytest.approx(14_100, abs=60)
    assert second.start == len(first.waveform)


@pytest.mark.spec("ASR-114", "cut at each pause of 0.6 s")
@pytest.mark.spec("ASR-114", "leave out silence alone")
def test_pauses_are_left_out_and_all_speech_is_kept():
    said = [(3, 8), (9.5, 17), (57, 59), (59.7, 61.7)]
    waveform = noise(64)
    for start, end in said:
        waveform[round(start * RATE) : round(end * RATE)] = speech(end - start)
    found = spans(cut(waveform))
    assert len(found) == len(said)
    for (start, end), (first, last) in zip(said, found, strict=True):
        assert start - 0.35 <= first <= start and end <= last <= end + 0.35


@pytest.mark.spec("ASR-114", "the same for any block size")
@pytest.mark.parametrize("block", [1, 7, 1000, 20_000, 20_001, 50_000])
def test_block_sizes_change_nothing(block):
    parts = [noise(2), speech(4), noise(1), speech(18), noise(0.2), speech(9)]
    waveform = torch.cat(parts)[: 60 * RATE if block > 7 else 26 * RATE]
    whole, found = cut(waveform), cut(waveform, block)
    assert spans(found) == spans(whole) and len(whole) > 1
    for piece in found:
        end = piece.start + len(piece.waveform)
        assert piece.waveform.equal(waveform[piece.start : end])


@pytest.mark.spec("ASR-114", "pieces of at most 20 s")
@pytest.mark.parametrize("seed", range(8))
def test_pieces_are_short_follow_each_other_and_lose_nothing_loud(seed):
    generator = torch.Generator().manual_seed(seed)
    lengths = (4 * torch.rand(40, generator=generator)).tolist()
    parts = [speech(s) if i % 2 else noise(s / 4) for i, s in enumerate(lengths)]
    waveform = torch.cat(parts) + seed % 2 * 0.5  # an offset of half the scale
    found = spans(cut(waveform, 3000))
    assert all(0 < end - start <= LONGEST_S for start, end in found)
    assert all(a[1] <= b[0] for a, b in zip(found, found[1:], strict=False))
    time = 0.0
    for i, seconds in enumerate(lengths):
        if i % 2 and seconds > 0.3:
            middle = time + seconds / 2
            assert any(start <= middle <= end for start, end in found)
        time += seconds if i % 2 else seconds / 4


@pytest.mark.spec("ASR-113", "Audio of up to 20 s without a pause is heard as a whole")
@pytest.mark.parametrize(
    "waveform",
    [
        speech(20),
        torch.cat([noise(0.5), speech(2), noise(0.5)]),
        noise(5),
        speech(0.003),
    ],
    ids=["20 s", "silence at the ends", "noise", "three samples"],
)
def test_short_audio_is_untouched(waveform):
    (piece,) = cut(waveform, 500)
    assert piece.start == 0 and piece.waveform.equal(waveform)


@pytest.mark.parametrize("offset", [0.0, 0.5])
@pytest.mark.parametrize("seconds", [0, 0.001, 3, 70])
def test_digital_silence_gives_no_piece(seconds, offset):
    waveform = torch.full((round(seconds * RATE),), offset)
    assert cut(waveform, 700) == []
    assert not has_sound(waveform, RATE)


def test_a_pause_of_digital_silence_is_one_in_noise_too():
    waveform = torch.cat([noise(3, 0.2), torch.zeros(RATE), noise(3, 0.2)])
    assert len(cut(waveform)) == 2


def test_a_bang_does_not_make_speech_silent():
    waveform = torch.cat(
        [noise(1), speech(3, 0.012), noise(1), noise(0.3, 20), noise(1)]
    )
    found = spans(cut(waveform))
    assert any(start <= 1.2 and end >= 3.8 for start, end in found)


def test_quiet_speech_after_a_loud_minute_is_kept():
    waveform = torch.cat([noise(70, 0.3), noise(1), speech(10, 0.02), noise(12)])
    assert any(start <= 72 and end >= 80 for start, end in spans(cut(waveform)))


@pytest.mark.parametrize("rate", [200, 999, 44_100])
def test_any_sample_rate_is_cut(rate):
    waveform = torch.randn(50 * rate, generator=torch.Generator().manual_seed(0))
    found = cut(waveform, rate=rate)
    assert sum(len(p.waveform) for p in found) == len(waveform) and len(found) >= 3


def test_what_cannot_be_cut_is_refused_with_its_value():
    with pytest.raises(ValueError, match="sample_rate = 0"):
        Segmenter(0)
    with pytest.raises(ValueError, match="longest_s = 1"):
        Segmenter(8000, 1)


def test_loudness_is_that_of_the_definition():
    waveform = noise(0.105) + 0.5
    frames = [waveform[i : i + 10] for i in range(0, 100, 10)]
    expected = torch.stack([10 * f.double().var(correction=0).log10() for f in frames])
    found = loudness(waveform, 10)
    assert len(found) == 11
    torch.testing.assert_close(found[:10], expected.float())
    assert loudness(torch.zeros(0), 10).shape == (0,)
