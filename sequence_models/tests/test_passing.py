"""pass@k against whole numbers, and against every choice of k attempts."""

import math
from fractions import Fraction
from itertools import combinations

import pytest
import torch

from src.metrics.passing import pass_at_k


def exact(n: int, c: int, k: int) -> Fraction:
    return 1 - Fraction(math.comb(n - c, k), math.comb(n, k))


@pytest.mark.spec("SEQ-208", "1 - C(n-c, k) / C(n, k)")
@pytest.mark.parity("pass@k", "math.comb, exact fractions")
@pytest.mark.parametrize("n", range(1, 13))
def test_as_binomials_give_it(parity, n):
    for k in range(1, n + 1):
        expected = [float(exact(n, c, k)) for c in range(n + 1)]
        got = pass_at_k(n, torch.arange(n + 1), k)
        parity.value(got.tolist(), expected, atol=1e-14)
        assert got[0] == 0 and got[n] == 1 and got.dtype is torch.float64


@pytest.mark.spec("SEQ-208", "the mean over all choices of k of the n attempts")
@pytest.mark.parametrize("n", [1, 4, 7])
def test_as_all_choices_of_attempts_give_it(n):
    for c in range(n + 1):
        attempts = [True] * c + [False] * (n - c)
        for k in range(1, n + 1):
            passed = [any(chosen) for chosen in combinations(attempts, k)]
            got = pass_at_k(n, torch.tensor([c]), k).item()
            assert got == pytest.approx(sum(passed) / len(passed), abs=1e-14)


@pytest.mark.spec("SEQ-208", "unbiased")
@pytest.mark.parametrize(("n", "k"), [(5, 1), (6, 3), (16, 4)])
def test_its_expectation_is_the_chance_to_pass(n, k):
    p = 0.3
    weights = [math.comb(n, c) * p**c * (1 - p) ** (n - c) for c in range(n + 1)]
    got = pass_at_k(n, torch.arange(n + 1), k) @ torch.tensor(
        weights, dtype=torch.float64
    )
    assert got.item() == pytest.approx(1 - (1 - p) ** k, rel=1e-12)


@pytest.mark.spec("SEQ-208", "without overflow for n = 10,000")
@pytest.mark.parametrize("k", [1, 16, 5_000, 9_999, 10_000])
def test_many_attempts(k):
    n, correct = 10_000, [0, 1, 17, 5_000, 9_999, 10_000]
    got = pass_at_k(n, torch.tensor(correct), k).tolist()
    assert got == pytest.approx([float(exact(n, c, k)) for c in correct], rel=1e-9)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_any_whole_numbers_and_no_problems(dtype):
    got = pass_at_k(3, torch.tensor([0, 1, 3], dtype=dtype), 2)
    assert got.tolist() == pytest.approx([0, 2 / 3, 1])
    assert pass_at_k(3, torch.tensor([], dtype=dtype), 2).tolist() == []


@pytest.mark.spec("SEQ-208", "what does not fit is refused")
@pytest.mark.parametrize("k", [0, -1, 6])
def test_k_beyond_the_attempts(k):
    with pytest.raises(ValueError, match=rf"^pass@{k} of 5 attempts: k must be 1..5$"):
        pass_at_k(5, torch.tensor([1]), k)


@pytest.mark.spec("SEQ-208", "what does not fit is refused")
@pytest.mark.parametrize("correct", [[6, 0], [0, -1]])
def test_more_right_than_attempts(correct):
    with pytest.raises(ValueError, match=r"^correct = \[.*\]: must be 0..5$"):
        pass_at_k(5, torch.tensor(correct), 1)
