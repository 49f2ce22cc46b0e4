"""t-SNE: points of many dimensions as points of a plane, neighbours kept together.

van der Maaten & Hinton 2008, "Visualizing Data using t-SNE" (JMLR 9). P says how much
each pair are neighbours among the features, Q among the points:

    p_j|i = exp(-b_i |x_i - x_j|^2) / sum_k exp(-b_i |x_i - x_k|^2)     b_i: perplexity
    p_ij = (p_j|i + p_i|j) / 2n          q_ij = w_ij / sum_kl w_kl
    w_ij = 1 / (1 + |y_i - y_j|^2)       KL(P|Q) = sum_ij p_ij log(p_ij / q_ij)
    d KL / d y_i = 4 sum_j (p_ij - q_ij) w_ij (y_i - y_j)

Exact, n^2 a step. The descent is that of the paper (momentum, gains, early
exaggeration) with the rate n / exaggeration of Belkina et al. 2019, and it starts from
the principal components (Kobak & Berens 2019), so that no random number is needed.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ..utils.contracts import contract
from .embedding import pca


BLOCK = 128  # rows at a time: what belongs to them stays in the processor's cache
TINY = 1e-12


class TSNE(NamedTuple):
    points: Tensor
    """(n, 2), centred."""
    divergence: float
    """KL(P|Q) in nats, at the end."""
    perplexity: float
    """The one used: at most (n - 1) / 3."""


@contract
def tsne(
    features: Float[Tensor, "count features"],
    *,
    perplexity: float = 30.0,
    steps: int = 500,
    exaggeration: float = 12.0,
    exaggerated_steps: int = 150,
) -> TSNE:
    """Points of a plane whose neighbours are those of the features; always the same.

    Raises ValueError for features that are not finite and for none at all.
    """
    count = len(features)
    _check_finite(features)
    perplexity = max(1.0, min(perplexity, (count - 1) / 3))
    if count == 1:
        return TSNE(features.new_zeros(1, 2), 0.0, perplexity)
    p = joint_probabilities(features, perplexity).float()
    y = _start(features)
    rate = max(count / exaggeration, min(50.0, count / 4))
    velocity, gains = torch.zeros_like(y), torch.ones_like(y)
    p *= exaggeration
    for step in range(steps):
        if step == exaggerated_steps:
            p /= exaggeration
        slope = gradient(p, y)
        same = (slope > 0) == (velocity > 0)
        gains = torch.where(same, gains * 0.8, gains + 0.2).clamp_min(0.01)
        momentum = 0.5 if step < exaggerated_steps else 0.8
        velocity = momentum * velocity - rate * gains * slope
        y = y + velocity
        y = y - y.mean(0)
    if steps <= exaggerated_steps:
        p /= exaggeration
    return TSNE(y.to(features.dtype), divergence(p, y), perplexity)


@contract
def joint_probabilities(
    features: Float[Tensor, "count features"], perplexity: float
) -> Float[Tensor, "count count"]:
    """p_ij: symmetric, sums to one, zero on the diagonal; float64."""
    conditional = conditional_probabilities(squared_distances(features), perplexity)
    return (conditional + conditional.T) / (2 * len(features))


@contract
def conditional_probabilities(
    distances: Float[Tensor, "count count"], perplexity: float
) -> Float[Tensor, "count count"]:
    """p_j|i in row i, from squared distances; exp of each row's entropy: perplexity.

    The precision b_i of each row is found by bisection, of all rows at once. A row
    that cannot have it, because too many neighbours are equally near, comes as close
    as its distances allow.
    """
    count = len(distances)
    target = math.log(min(perplexity, count - 1))
    others = ~torch.eye(count, dtype=torch.bool, device=distances.device)
    d = distances[others].view(count, count - 1).double()
    d = d - d.amin(1, keepdim=True)  # changes no probability, and no row is all zeros
    unit = d.mean(1, keepdim=True).clamp_min(TINY)
    d /= unit  # so that the precision is near one whatever the features' unit
    low, high = torch.zeros_like(unit), torch.full_like(unit, math.inf)
    precision = torch.ones_like(unit)
    for _ in range(100):
        weight = torch.exp(-precision * d)
        total = weight.sum(1, keepdim=True)
        entropy = total.log() + precision * (weight * d).sum(1, keepdim=True) / total
        if bool(((entropy - target).abs() < 1e-6).all()):
            break
        wide = entropy > target
        low, high = (
            torch.where(wide, precision, low),
            torch.where(wide, high, precision),
        )
        middle = torch.where(high.isinf(), 2 * precision, (low + high) / 2)
        precision = middle.clamp_max(1e30)
    result = distances.new_zeros(count, count, dtype=torch.float64)
    result[others] = (weight / total).flatten()
    return result


@contract
def squared_distances(
    features: Float[Tensor, "count features"],
) -> Float[Tensor, "count count"]:
    """|x_i - x_j|^2 of all pairs, float64; centred first, against cancellation."""
    x = features.double()
    x = x - x.mean(0)
    square = x.square().sum(1)
    distances = square[:, None] + square[None, :] - 2 * x @ x.T
    return distances.clamp_min(0).fill_diagonal_(0)


@contract
def gradient(
    p: Float[Tensor, "count count"], y: Float[Tensor, "count 2"]
) -> Float[Tensor, "count 2"]:
    """d KL / d y. The sum of all w, in q, factors out: one walk over blocks of rows.

    4 [ sum_j p_ij w_ij (y_i - y_j) - sum_j w_ij^2 (y_i - y_j) / sum w ].
    """
    ones = torch.cat([y, y.new_ones(len(y), 1)], 1)  # column 3 gives the sums of a row
    pull, push, total = [], [], y.new_zeros(())
    for rows in range(0, len(y), BLOCK):
        w = _closeness(y, rows)
        pull.append((p[rows : rows + BLOCK] * w) @ ones)
        total = total + w.sum()
        push.append(w.square_() @ ones)
    forces = torch.cat(pull) - torch.cat(push) / total.clamp_min(TINY)
    return 4 * (forces[:, 2:] * y - forces[:, :2])


@contract
def divergence(p: Float[Tensor, "count count"], y: Float[Tensor, "count 2"]) -> float:
    """KL(P|Q) in nats."""
    p, y = p.double(), y.double()
    rows = range(0, len(y), BLOCK)
    w = torch.cat([_closeness(y, row) for row in rows])
    q = (w / w.sum().clamp_min(TINY)).clamp_min(TINY)
    return float(torch.where(p > 0, p * (p.clamp_min(TINY) / q).log(), 0.0).sum())


def _start(features: Tensor) -> Tensor:
    """The first two principal components, small; equal points a hair apart, float32."""
    count = len(features)
    scores = pca(features.double(), 2).scores
    y = scores.new_zeros(count, 2)
    y[:, : scores.shape[1]] = scores
    y = 1e-4 * y / y[:, 0].std(correction=0).clamp_min(TINY)
    turn = torch.arange(count, dtype=torch.float64) * math.pi * (3 - 5**0.5)
    spiral = torch.stack([turn.cos(), turn.sin()], 1)  # the golden angle: no two meet
    return (y + 1e-6 * spiral.to(y.device)).float()


def _closeness(y: Tensor, row: int) -> Tensor:
    """w_ij of the rows from `row` on, BLOCK of them."""
    first, second = y[row : row + BLOCK, :1], y[row : row + BLOCK, 1:]
    w = (first - y[:, 0]).square_()
    w = w.add_((second - y[:, 1]).square_()).add_(1).reciprocal_()
    w.diagonal(row).zero_()  # a point is no neighbour of itself
    return w


def _check_finite(features: Tensor) -> None:
    """Raises ValueError, naming the first row that is not finite."""
    if not len(features):
        raise ValueError("no features: there must be at least one row")
    wrong = (~features.isfinite()).any(1).nonzero()
    if len(wrong):
        raise ValueError(
            f"{len(wrong)} rows are not finite, the first is number {int(wrong[0])}"
        )
