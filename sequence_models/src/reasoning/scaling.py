"""Accuracy against what is spent at test time, with intervals over the problems."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..metrics.passing import pass_at_k
from ..utils.contracts import contract
from ..utils.seed import keyed_rng
from .drawn import Drawn
from .test_time import (
    NO_ANSWER,
    best_of_accuracy,
    number_answers,
    random_subsets,
    vote_accuracy,
)


SUBSETS = 400
"""Random choices of n samples over which the accuracy of a vote is averaged."""
RESAMPLES = 4000
BEST, MAJORITY = "best of N, the task's verifier", "majority vote"
WEIGHTED, CHOSEN = "vote weighted by the step verifier", "best of N, step verifier"


class Estimate(NamedTuple):
    """One method with one budget."""

    method: str
    budget: int
    """Samples, attempts or slots."""
    tokens: float
    """Written for a problem, the mean."""
    values: Float[Tensor, " problems"]
    """How likely each problem is answered rightly."""
    cpu_seconds: float
    """For all the problems."""


class Point(NamedTuple):
    """An estimate as it is shown."""

    method: str
    budget: int
    tokens: float
    accuracy: float
    low: float
    high: float
    cpu_seconds: float


def sampled(drawn: Drawn, judged: bool, seed: int) -> list[Estimate]:
    """What n of the samples are worth, n = 1, 2, 4, ...; all four methods in one.

    Without `judged`, the scores of a process verifier, only two of them.
    """
    problems, samples = drawn.right.shape
    numbers, equal = number_answers(drawn.answers), torch.ones(problems, samples)
    scores = drawn.scores.masked_fill(numbers == NO_ANSWER, -torch.inf)
    found = []
    for n in budgets(samples):
        share, some = n / samples, random_subsets(samples, n, SUBSETS, seed)
        drawing, judging = drawn.cpu_seconds * share, drawn.judging_seconds * share
        tokens = n * drawn.tokens.double().mean().item()
        right = drawn.right.sum(1)
        values = {
            BEST: pass_at_k(samples, right, n),
            MAJORITY: vote_accuracy(numbers, drawn.right, equal, some),
        }
        if judged:
            values[WEIGHTED] = vote_accuracy(numbers, drawn.right, drawn.scores, some)
            values[CHOSEN] = best_of_accuracy(drawn.right, scores, n)
        for method, value in values.items():
            cost = drawing + judging * (method in (WEIGHTED, CHOSEN))
            found.append(Estimate(method, n, tokens, value, cost))
    return sorted(found, key=lambda one: list(values).index(one.method))


def budgets(most: int) -> list[int]:
    """1, 2, 4, ... and `most` itself."""
    return sorted({2**k for k in range(most.bit_length())} | {most})


def points(estimates: Sequence[Estimate], seed: int) -> list[Point]:
    """With intervals; the problems are resampled alike for all, as they are paired."""
    values = torch.stack([one.values.double() for one in estimates], 1)
    low, high = bootstrap(values, seed)
    return [
        Point(x.method, x.budget, x.tokens, *(v.item() for v in three), x.cpu_seconds)
        for x, *three in zip(estimates, values.mean(0), low, high, strict=True)
    ]


@contract
def bootstrap(
    values: Float[Tensor, "problems points"],
    seed: int,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
) -> tuple[Float[Tensor, " points"], Float[Tensor, " points"]]:
    """Percentile interval of the mean of each column (Efron 1979).

    How often a problem comes in a resample is multinomial. It is too narrow where
    nearly all problems agree: of those that are all right its width is 0.
    """
    problems = len(values)
    counts = keyed_rng(seed).multinomial(
        problems, np.full(problems, 1 / problems), resamples
    )
    # Divided at last: the mean of ones is 1, and not a little more.
    means = torch.from_numpy(counts).double() @ values.double() / problems
    tail = (1 - confidence) / 2
    low, high = means.quantile(torch.tensor([tail, 1 - tail]).double(), 0)
    return low.to(values), high.to(values)
