"""Equal parameters: the size at which a model has as many numbers as the budget.

An era is a shape, not a size. Which width gives the budget is found by counting, on
`meta` tensors that have a shape and no numbers.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from ..utils.errors import InputError


LARGEST = 2**16
"""Multiples of a step that are looked at."""


class Match(NamedTuple):
    sizes: dict[str, int]
    """The fields that were searched, with what was found."""
    parameters: int


def match(
    count: Callable[[dict[str, int]], int],
    steps: Mapping[str, int],
    budget: int,
    tolerance: float = 0.02,
) -> Match:
    """The sizes that bring `count(sizes)` nearest to `budget`.

    `steps` names the fields and the number that each must be a multiple of, such as
    {"d_model": 8, "ffn_dim": 8}; `count` must grow with each. A later field, which
    otherwise stays at its default, is searched only where those before it do not come
    within `tolerance`, a share of the budget. InputError where none does.
    """
    if budget < 1 or not 0 < tolerance < 1 or not steps:
        raise ValueError(f"budget {budget}, tolerance {tolerance}, steps {steps}")
    sizes: dict[str, int] = {}
    for name, step in steps.items():
        sizes[name] = _nearest(partial(_with, count, sizes, name), step, budget)
        found = Match(dict(sizes), count(sizes))
        if abs(found.parameters - budget) <= tolerance * budget:
            return found
    shown = ", ".join(f"{name} = {value}" for name, value in sizes.items())
    raise InputError(
        f"no size comes within {tolerance:.1%} of {budget:,} parameters: the nearest, "
        f"{shown}, has {found.parameters:,}. Search another field too, change the "
        "layers, or allow a larger tolerance"
    )


def _with(count: Callable, sizes: dict[str, int], name: str, value: int) -> int:
    return count({**sizes, name: value})


def _nearest(count: Callable[[int], int], step: int, budget: int) -> int:
    """The multiple of `step` whose count, which grows with it, is nearest."""
    low, high = 1, 2
    while count(high * step) < budget and high < LARGEST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle * step) < budget else (low, middle)
    return step * min((low, high), key=lambda n: abs(count(n * step) - budget))
