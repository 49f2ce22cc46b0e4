"""How far can an accuracy, or the difference of two on the same images, be trusted?"""

import math
from statistics import NormalDist
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..utils.contracts import contract


EXACT_BELOW = 25
"""Images that only one of two models has right, from which chi-square is used."""


class McNemar(NamedTuple):
    only_a: int
    """Images that A has right and B wrong."""
    only_b: int
    p: float
    """Chance of a split this uneven, or more, if A and B are equally good."""
    method: str
    """exact, or chi-square."""


@contract
def mcnemar(
    right_a: Bool[Tensor, " batch"], right_b: Bool[Tensor, " batch"]
) -> McNemar:
    """McNemar's test (1947) of two models on the same images, two-sided.

    Only images count that one of the two has right. Fewer than `EXACT_BELOW`: the
    binomial distribution; else chi-square with the continuity correction of Edwards
    (1948), (|a - b| - 1)^2 / (a + b). No such image: p = 1.
    """
    a = int((right_a & ~right_b).sum())
    b = int((right_b & ~right_a).sum())
    if a + b < EXACT_BELOW:
        tail = sum(math.comb(a + b, i) for i in range(min(a, b) + 1))
        return McNemar(a, b, min(1.0, 2 * tail / 2 ** (a + b)), "exact")
    statistic = max(0, abs(a - b) - 1) ** 2 / (a + b)
    return McNemar(a, b, math.erfc(math.sqrt(statistic / 2)), "chi-square")


@contract
def difference_interval(
    right_a: Bool[Tensor, " batch"],
    right_b: Bool[Tensor, " batch"],
    confidence: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of accuracy A - accuracy B, images drawn anew in pairs.

    A resample matters by two counts only, images right in A alone and in B alone, which
    are drawn from their multinomial distribution instead of image by image. NaN without
    images.
    """
    n = len(right_a)
    if not n:
        return math.nan, math.nan
    generator = torch.Generator().manual_seed(seed)
    a = float((right_a & ~right_b).sum())
    b = float((right_b & ~right_a).sum())
    only_a = _binomial(torch.full((draws,), float(n)), a / n, generator)
    only_b = _binomial(n - only_a, b / (n - a) if n > a else 0.0, generator)
    tail = (1 - confidence) / 2
    ends = torch.tensor([tail, 1 - tail], dtype=torch.float64)
    low, high = torch.quantile((only_a - only_b) / n, ends).tolist()
    return low, high


def wilson_interval(
    right: int, images: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Where the accuracy of endless such images lies (Wilson 1927); NaN without any."""
    if not 0 <= right <= images:
        raise ValueError(f"{right} of {images} images cannot be right")
    if not images:
        return math.nan, math.nan
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, shrink = right / images, 1 + z**2 / images
    centre = (share + z**2 / (2 * images)) / shrink
    spread = share * (1 - share) / images + z**2 / (4 * images**2)
    half = z * math.sqrt(spread) / shrink
    low = 0.0 if right == 0 else centre - half  # the ends are exact, rounding is not
    return low, 1.0 if right == images else centre + half


def _binomial(
    count: Float[Tensor, " draws"], share: float, generator: torch.Generator
) -> Float[Tensor, " draws"]:
    count = count.double()
    return torch.binomial(count, torch.full_like(count, share), generator=generator)
