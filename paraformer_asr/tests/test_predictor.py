"""The weights of frames, and what the second pass is shown."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.models.predictor import AlphaPredictor
from src.models.sampler import sample_glances
from src.utils.lengths import length_mask


@pytest.mark.spec("ASR-072", "between 0 and 1, and 0 at padding")
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("time", [1, 2, 9])
def test_weights_are_those_of_the_row_alone(causal, kernel, time):
    torch.manual_seed(0)
    predictor = AlphaPredictor(8, kernel, causal=causal).double()
    hidden = torch.randn(3, time, 8, dtype=torch.float64)
    lengths = torch.tensor([time, (time + 1) // 2, 0])
    mask = length_mask(lengths, time)
    alphas = predictor(hidden, mask)
    assert (alphas[mask] > 0).all() and (alphas <= 1).all()
    assert (alphas[~mask] == 0).all()
    for b, n in enumerate(lengths.tolist()):
        alone = predictor(hidden[b : b + 1, :n], mask[b : b + 1, :n])
        assert (alphas[b, :n] - alone[0]).abs().le(1e-12).all()


@pytest.mark.spec("ASR-072", "causal, from none behind it")
@pytest.mark.parametrize("causal", [False, True])
def test_a_causal_predictor_sees_no_later_frame(causal):
    predictor = AlphaPredictor(4, causal=causal)
    hidden = torch.randn(1, 6, 4, requires_grad=True)
    predictor(hidden, torch.ones(1, 6, dtype=torch.bool))[0, 2].backward()
    seen = hidden.grad[0].abs().sum(1).nonzero().flatten().tolist()
    assert seen == ([0, 1, 2] if causal else [1, 2, 3])


@pytest.mark.spec("ASR-072", "0.12 of a token in a frame")
def test_an_untrained_predictor_counts_an_eighth_of_the_frames():
    torch.manual_seed(0)
    hidden = torch.randn(8, 100, 64)
    alphas = AlphaPredictor(64)(hidden, torch.ones(8, 100, dtype=torch.bool))
    assert float(alphas.detach().mean()) == pytest.approx(0.12, abs=0.03)


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="kernel = 4: must be odd and positive"):
        AlphaPredictor(8, 4)


def test_weights_are_float32_under_autocast():
    predictor = AlphaPredictor(8)
    with torch.autocast("cpu", torch.bfloat16):
        alphas = predictor(torch.randn(1, 5, 8), torch.ones(1, 5, dtype=torch.bool))
    assert alphas.dtype == torch.float32


def glances(guess, tokens, lengths, ratio, seed=0):
    """Which positions are shown the true token."""
    acoustic = torch.zeros(*tokens.shape, 2)
    true = torch.ones(*tokens.shape, 2)
    mask = length_mask(lengths, tokens.shape[1])
    draw = torch.Generator().manual_seed(seed)
    mixed = sample_glances(acoustic, true, guess, tokens, mask, ratio, draw)
    assert (mixed[..., 0] == mixed[..., 1]).all()
    return mixed[..., 0].bool(), mask


@pytest.mark.spec("ASR-073", "floor(lambda * wrong)")
@pytest.mark.spec("ASR-073", "none at padding")
@given(
    seed=st.integers(0, 2**31 - 1),
    batch=st.integers(1, 4),
    size=st.integers(0, 12),
    ratio=st.sampled_from([0.0, 0.2, 0.4, 0.75, 1.0]),
)
def test_as_many_are_shown_as_the_share_of_the_wrong(seed, batch, size, ratio):
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, 3, (batch, size), generator=draw)
    guess = torch.randint(0, 3, (batch, size), generator=draw)
    lengths = torch.randint(0, size + 1, (batch,), generator=draw)
    shown, mask = glances(guess, tokens, lengths, ratio, seed)
    assert not (shown & ~mask).any()
    for b in range(batch):
        wrong = int((guess[b] != tokens[b])[mask[b]].sum())
        assert int(shown[b].sum()) == math.floor(ratio * wrong)


@pytest.mark.spec("ASR-073", "any valid position, right or wrong")
def test_every_valid_position_is_shown_equally_often():
    tokens = torch.zeros(4000, 5, dtype=torch.long)
    guess = torch.tensor([1, 1, 0, 0, 1]).expand(4000, 5)  # the last is padding
    shown, _ = glances(guess, tokens, torch.full((4000,), 4), 0.75)
    share = shown.double().mean(0)
    assert (share[:4] - 0.25).abs().max() < 0.03 and share[4] == 0


def test_glances_pass_the_gradient_to_what_is_shown():
    embeds, true = (torch.randn(2, 4, 3, requires_grad=True) for _ in range(2))
    guess, tokens = torch.ones(2, 4).long(), torch.zeros(2, 4).long()
    mask = torch.ones(2, 4, dtype=torch.bool)
    mixed = sample_glances(embeds, true, guess, tokens, mask, 0.5)
    mixed.sum().backward()
    assert (embeds.grad + true.grad == 1).all()
    assert int(true.grad[..., 0].sum()) == 4
