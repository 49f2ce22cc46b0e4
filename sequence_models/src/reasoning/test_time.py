"""What many answers to one question are worth: votes and choices at test time.

Each figure is an expectation over the n of N responses that one might have drawn, so
that a curve over n needs one drawing of N. Majority vote is self-consistency (Wang et
al. 2022, arXiv 2203.11171); votes weighted by a verifier and best-of-N are those of
Cobbe et al. 2021 (arXiv 2110.14168) and Li et al. 2022 (arXiv 2206.02336).

A vote's weight is the verifier's score and not the probability of the response: the
likely ones are drawn more often already, and Wang et al. (table 1) find no gain.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..utils.contracts import contract
from ..utils.seed import keyed_rng


NO_ANSWER = -1
"""The number of the answer of a response that is not in the format."""


def majority(
    answers: Sequence[str | None], weights: Sequence[float] | None = None
) -> str | None:
    """The answer with the most votes, of equals the first seen; None does not vote.

    Of no votes, or of none with a weight above 0, the result is None.
    """
    totals: dict[str, float] = {}
    for answer, weight in zip(answers, weights or [1.0] * len(answers), strict=True):
        if answer is not None and weight > 0:
            totals[answer] = totals.get(answer, 0.0) + weight
    return max(totals, key=totals.__getitem__, default=None)


def best_of(answers: Sequence[str | None], scores: Sequence[float]) -> str | None:
    """The answer of the highest score, of equals the first; None if there is none."""
    chosen = [
        (score, answer)
        for answer, score in zip(answers, scores, strict=True)
        if answer is not None
    ]
    return max(chosen, key=lambda one: one[0], default=(0.0, None))[1]


def number_answers(
    answers: Sequence[Sequence[str | None]],
) -> Int[Tensor, "problems samples"]:
    """The answers of each problem as numbers, by first appearance; None: NO_ANSWER."""
    rows = []
    for row in answers:
        numbers: dict[str | None, int] = {None: NO_ANSWER}
        rows.append([numbers.setdefault(one, len(numbers) - 1) for one in row])
    return torch.tensor(rows).reshape(len(rows), -1)


@contract
def vote_accuracy(
    answers: Int[Tensor, "problems samples"],
    right: Bool[Tensor, "problems samples"],
    weights: Float[Tensor, "problems samples"],
    chosen: Bool[Tensor, "subsets samples"],
) -> Float[Tensor, " problems"]:
    """How often the vote of a subset is right, the mean over these subsets.

    `answers` are numbered as `number_answers` does; equal ones are equally right. A tie
    counts as the share of its answers that are right: in a random order each of them
    is as often the first seen.
    """
    chosen = chosen.double()
    accuracy = []
    for own, good, weight in zip(answers, right, weights, strict=True):
        ballots = own[:, None] == torch.arange(max(1, int(own.max()) + 1))  # (N, K)
        totals = chosen @ (ballots * weight[:, None].double())
        tied = (totals == totals.amax(1, keepdim=True)) & (totals > 0)
        is_right = (ballots & good[:, None]).any(0)
        shares = (tied & is_right).sum(1).double() / tied.sum(1).clamp(min=1)
        accuracy.append(shares.mean())
    return torch.stack(accuracy)


@contract
def best_of_accuracy(
    right: Bool[Tensor, "problems samples"],
    scores: Float[Tensor, "problems samples"],
    size: int,
) -> Float[Tensor, " problems"]:
    """How often the best score among `size` of the samples has a right response.

    Exact: with the samples in descending order, the i-th (from 0) is the best of a
    random subset with the chance C(N-1-i, n-1) / C(N, n). Equal scores are chosen from
    evenly; -inf is chosen only where there is nothing else.
    """
    samples = right.shape[1]
    if not 1 <= size <= samples:
        raise ValueError(f"size = {size}: must be 1 to {samples}")
    order = scores.argsort(dim=1, descending=True, stable=True)
    ranked, good = scores.gather(1, order), right.gather(1, order).double()
    equal = (ranked[:, :, None] == ranked[:, None, :]).double()
    good = (equal @ good[:, :, None])[:, :, 0] / equal.sum(2)
    i = torch.arange(samples, dtype=torch.float64)
    falls = (samples - i[1:] - size + 1).clamp(min=0) / (samples - i[1:])
    chance = torch.cat([torch.ones(1, dtype=torch.float64), falls]).cumprod(0)
    return good @ (chance * size / samples)


def random_subsets(
    samples: int, size: int, count: int, seed: int
) -> Bool[Tensor, "subsets samples"]:
    """`count` random choices of `size` of the samples; one where there is only one."""
    if not 1 <= size <= samples:
        raise ValueError(f"size = {size}: must be 1 to {samples}")
    if size == samples:
        return torch.ones(1, samples, dtype=torch.bool)
    if size == 1:
        return torch.eye(samples, dtype=torch.bool)
    ranks = keyed_rng(seed, size).random((count, samples)).argsort(1).argsort(1)
    return torch.from_numpy(ranks < size)
