"""When tokens were said."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.decoding.timestamps import TokenTime, token_times
from src.models.cif import cif


def times(alphas, tail=0.45, frame_seconds=0.04):
    out = cif(torch.ones(1, len(alphas), 1), torch.tensor([alphas]), tail=tail)
    tokens = [str(u) for u in range(int(out.lengths))]
    return token_times(tokens, out.boundaries[0], out.alphas[0], frame_seconds)


@pytest.mark.spec("ASR-079", "from the end of the one before")
def test_tokens_follow_one_another_between_frames():
    found = times([0.5, 0.6, 0.6, 0.3])
    cut = (1 + 0.5 / 0.6) * 0.04
    assert [t.token for t in found] == ["0", "1"]
    assert found[0].start_s == 0 and found[0].end_s == pytest.approx(cut)
    assert found[1].start_s == pytest.approx(cut)
    assert found[1].end_s == pytest.approx(4 * 0.04)


@pytest.mark.spec("ASR-079", "the silence around it is left out")
def test_silence_before_between_and_behind_belongs_to_no_token():
    silence = [0.01] * 10
    found = times([*silence, 0.5, 0.5, *silence, 0.5, 0.5, *silence])
    # The silence weighs a little: it moves the ends inside the frames, no further.
    assert found[0].start_s == pytest.approx(10 * 0.04)
    assert 11 * 0.04 < found[0].end_s <= 12 * 0.04
    assert found[1].start_s == pytest.approx(22 * 0.04)
    assert 23 * 0.04 < found[1].end_s <= 24 * 0.04


@pytest.mark.spec("ASR-079", "a short gap inside belongs to it")
@pytest.mark.parametrize("gap, inside", [(2, True), (6, False)])
def test_a_gap_is_bridged_where_it_is_short(gap, inside):
    (found,) = times([0.0, 0.3, 0.2, *[0.0] * gap, 0.5, 0.0], tail=0.01)
    whole = (0.04, (4 + gap) * 0.04)
    longest = (found.start_s, found.end_s)
    assert (longest == pytest.approx(whole)) is inside


@pytest.mark.spec("ASR-079", "in order, without overlap")
@given(
    seed=st.integers(0, 2**31 - 1),
    time=st.integers(0, 60),
    power=st.sampled_from([1, 4, 12]),
)
def test_times_keep_their_order_and_do_not_overlap(seed, time, power):
    alphas = torch.rand(time, generator=torch.Generator().manual_seed(seed)) ** power
    found = times(alphas.tolist() if time else [])
    at = 0.0
    for token in found:
        assert at - 1e-6 <= token.start_s <= token.end_s <= time * 0.04 + 1e-6
        at = token.end_s


def test_a_time_says_what_it_is():
    (found,) = token_times(
        ["a"], torch.tensor([2.0]), torch.tensor([0.5, 0.5]), 0.01, [0.75]
    )
    assert found == TokenTime(token="a", start_s=0.0, end_s=0.02, confidence=0.75)
    assert type(found.start_s) is float and type(found.confidence) is float


def test_as_many_boundaries_as_tokens():
    with pytest.raises(ValueError, match="2 tokens with 1 boundaries and 2 conf"):
        token_times("ab", torch.tensor([2.0]), torch.tensor([0.5, 0.5]), 0.01)


def test_no_token_has_no_time():
    assert token_times([], torch.zeros(0), torch.zeros(5), 0.01) == []


def test_of_two_stretches_the_heavier_is_the_token_not_the_longer():
    (found,) = times([0.12] * 4 + [0.0] * 6 + [0.53, 0.0], tail=0.01)
    assert found.start_s == pytest.approx(10 * 0.04)
    assert 10.9 * 0.04 < found.end_s <= 11 * 0.04
