"""What a picture shows of one node, whichever engine it comes from."""

from dataclasses import dataclass
from typing import Any

import numpy as np


NOT_YET = "not computed yet"
"""A gradient before `backward`. Zero would be a claim: that nothing depends on it."""

NOT_KEPT = "not kept"
"""A value that no rule needs, so that the engine let it go after the forward pass."""


@dataclass(frozen=True, slots=True)
class Node:
    """One box: a title, rows of (label, text), the rule as a tooltip, its inputs.

    `parents` are places in the list of nodes, one for each use; `locals` the local
    gradients written on their edges, where they are numbers.
    """

    title: str
    family: str
    rows: tuple[tuple[str, str], ...]  # no label: the row goes on with the one above
    rule: str
    parents: tuple[int, ...]
    locals: tuple[str, ...] = ()


def number(value: float, digits: int = 4) -> str:
    """Four significant digits: enough to follow, short enough for a box."""
    return f"{value:.{digits}g}".replace("-", "−")


def rows_of(label: str, values: Any, limit: int = 6) -> list[tuple[str, str]]:
    """The values if they are few, a row for each of a matrix; else their extent."""
    values = np.asarray(values)
    if values.size > limit and values.dtype.kind in "fiu":
        low, high = number(float(values.min())), number(float(values.max()))
        return [(label, f"{low} … {high}")]
    if values.size > limit or values.size == 0:
        return [(label, f"{values.size} elements")]
    if values.ndim != 2:
        return [(label, _nested(values))]
    return [(label if i == 0 else "", _nested(row)) for i, row in enumerate(values)]


def shape(sizes: tuple[int, ...], dtype: Any = "") -> str:
    """`2×3 float32`; a tensor without axes is a number."""
    text = "×".join(map(str, sizes)) if sizes else "number"
    return f"{text} {dtype}".strip()


def _nested(values: np.ndarray) -> str:
    if values.ndim == 0:
        kind = values.dtype.kind
        return number(float(values)) if kind == "f" else str(values)
    return "[" + ", ".join(_nested(part) for part in values) + "]"
