"""Runs compared two by two, paired by seed: one family of tests."""

from collections.abc import Sequence
from typing import NamedTuple

from ..metrics.significance import EXACT_UP_TO, holm, paired_t, sign_flip


LEVEL = 0.05
"""Adjusted p-values below it are called significant."""


class Comparison(NamedTuple):
    """a - b, over the seeds that both have."""

    a: str
    b: str
    pairs: int
    difference: float
    low: float
    high: float
    p_t: float
    p_flip: float
    p_holm: float
    """The p-value of the t-test, corrected for the number of tests of the family."""

    @property
    def significant(self) -> bool:
        return self.p_holm < LEVEL


def compare(
    values: dict[str, dict[int, float]], couples: Sequence[tuple[str, str]]
) -> list[Comparison]:
    """One family of tests; couples with fewer than two seeds in common are left out."""
    found = []
    for a, b in couples:
        seeds = sorted(values.get(a, {}).keys() & values.get(b, {}).keys())
        if len(seeds) < 2:
            continue
        ours, theirs = ([values[name][seed] for seed in seeds] for name in (a, b))
        t = paired_t(ours, theirs)
        exact = len(seeds) <= EXACT_UP_TO
        flip = sign_flip(ours, theirs) if exact else float("nan")
        found.append((a, b, len(seeds), t.difference, t.low, t.high, t.p, flip))
    adjusted = holm([row[6] for row in found])
    return [Comparison(*row, p) for row, p in zip(found, adjusted, strict=True)]
