"""Curves of accuracy against tokens, and their intervals."""

import numpy as np
import pytest
import torch
from scipy import stats

from src.metrics.passing import pass_at_k
from src.reasoning.drawn import Drawn
from src.reasoning.scaling import (
    BEST,
    CHOSEN,
    MAJORITY,
    WEIGHTED,
    Estimate,
    bootstrap,
    budgets,
    points,
    sampled,
)
from src.reasoning.test_time import majority


@pytest.mark.spec("SEQ-216", "equals scipy's percentile bootstrap")
def test_the_interval_is_that_of_scipy():
    values = np.random.default_rng(0).random(40) ** 2
    low, high = bootstrap(torch.from_numpy(values)[:, None], 1, resamples=40_000)
    known = stats.bootstrap(
        (values,), np.mean, n_resamples=40_000, method="percentile", rng=2
    ).confidence_interval
    assert low.item() == pytest.approx(known.low, abs=0.003)
    assert high.item() == pytest.approx(known.high, abs=0.003)


@pytest.mark.spec("SEQ-216", "holds the true accuracy in 95 % of simulated experiments")
def test_the_interval_covers():
    truth, draw = 0.7, np.random.default_rng(3)
    experiments = torch.from_numpy(draw.random((100, 600)) < truth).double()
    low, high = bootstrap(experiments, 0, resamples=1000)
    covered = ((low <= truth) & (truth <= high)).double().mean().item()
    assert 0.92 <= covered <= 0.98  # 0.95, and three standard errors
    narrow = bootstrap(experiments, 0, resamples=1000, confidence=0.5)
    half = ((narrow[0] <= truth) & (truth <= narrow[1])).double().mean().item()
    assert 0.43 <= half <= 0.58


@pytest.mark.spec("SEQ-216", "resampled alike for all methods")
def test_the_problems_are_resampled_alike_for_all():
    own = torch.rand(30, generator=torch.Generator().manual_seed(0))
    both = torch.stack((own, own, 1 - own), 1)
    low, high = bootstrap(both, 0)
    assert low[0] == low[1] and torch.allclose(low[2], 1 - high[0], atol=1e-6)
    again, other = bootstrap(both, 0), bootstrap(both, 1)
    assert torch.equal(again[0], low) and not torch.equal(other[0], low)
    for problems in (9, 49, 200):  # 49 * (1 / 49) is less than 1
        all_right = bootstrap(torch.ones(problems, 1).double(), 0)
        assert all_right[0].item() == all_right[1].item() == 1


def drawn_of(samples=6):
    """Three problems; the scores are those of a good but not perfect verifier."""
    names = ["aabcab", "xyxyzz", "------"]
    answers = [[None if c in "-z" else c for c in row[:samples]] for row in names]
    right = torch.tensor([[c in "ax" for c in row[:samples]] for row in names])
    scores = torch.linspace(0.1, 0.9, 3 * samples).double().view(3, samples)
    tokens = torch.arange(3 * samples).view(3, samples) + 1
    return Drawn(names, answers, right, tokens, scores, 6.0, 3.0)


@pytest.mark.spec("SEQ-211", "from one drawing of N")
def test_all_methods_begin_at_the_accuracy_of_one_sample():
    drawn = drawn_of()
    found = sampled(drawn, True, 0)
    ones = [x for x in found if x.budget == 1]
    assert [x.method for x in ones] == [BEST, MAJORITY, WEIGHTED, CHOSEN]
    for one in ones:
        expected = [0.5, 1 / 3, 0]
        assert one.values.tolist() == pytest.approx(expected), one.method
    whole = {x.method: x for x in found if x.budget == 6}
    votes = [majority(row) for row in drawn.answers]
    assert votes == ["a", "x", None]
    assert whole[MAJORITY].values.tolist() == [1, 0.5, 0]  # x and y are as many
    assert whole[CHOSEN].values.tolist() == [0, 0, 0]  # the last is b, then y
    counts = drawn.right.sum(1)
    for x in found:
        assert x.tokens == pytest.approx(x.budget * 9.5)
        if x.method == BEST:
            assert torch.equal(x.values, pass_at_k(6, counts, x.budget))
    assert whole[BEST].cpu_seconds == 6 and whole[CHOSEN].cpu_seconds == 9
    assert [x.method for x in sampled(drawn, False, 0)] == [BEST] * 4 + [MAJORITY] * 4


def test_a_response_without_an_answer_is_not_chosen():
    names = [["a", None]]
    right, scores = torch.tensor([[True, False]]), torch.tensor([[0.1, 0.9]])
    drawn = Drawn(names, names, right, torch.ones(1, 2).int(), scores, 1.0, 1.0)
    best = [x for x in sampled(drawn, True, 0) if x.method == CHOSEN]
    assert [x.values.tolist() for x in best] == [[0.5], [1.0]]


def test_budgets_double_up_to_the_number_of_samples():
    assert budgets(1) == [1] and budgets(8) == [1, 2, 4, 8]
    assert budgets(12) == [1, 2, 4, 8, 12]


def test_points_are_the_means_of_estimates():
    values = torch.tensor([0.0, 1.0, 1.0, 1.0])
    (point,) = points([Estimate("vote", 4, 12.5, values, 0.3)], 0)
    assert point[:4] == ("vote", 4, 12.5, 0.75) and point.cpu_seconds == 0.3
    assert point.low < 0.75 < point.high <= 1
