"""How much of one text is in another: shared n-grams, and the longest copy.

A validation text that shares long n-grams with the training text measures memory; so
does a sample that copies it (Lee et al. 2022, arXiv 2107.06499). All runs of a length
are compared at once by 64-bit polynomial hashes (Karp & Rabin 1987), at about 40 bytes
of memory a symbol.
"""

from typing import NamedTuple

import numpy as np
from torch import Tensor

from .draws import mix


Symbols = str | Tensor | np.ndarray | list[int]
"""Characters, or ids."""

START = 16  # symbols: the first length that is tried
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2 ** 64


class Copy(NamedTuple):
    """`length` symbols, at `place` of the text and at `source` of the other."""

    length: int
    place: int
    source: int


def ngram_overlap(train: Symbols, val: Symbols, n: int) -> float:
    """Share of the n-grams of `val`, each as often as it occurs, that `train` has.

    NaN where `val` has none.
    """
    if n < 1:
        raise ValueError(f"n is {n}; at least 1")
    ours = _Hashes(val).of_length(n)
    if not len(ours):
        return float("nan")
    return float(_is_in(ours, _Hashes(train).of_length(n)).mean())


def longest_copy(text: Symbols, train: Symbols) -> Copy:
    """The longest run of `text` that is in `train` too; of several, the first.

    Exact: runs whose hashes agree are compared. The length is doubled, then bisected,
    with only those places kept at which a shorter run agreed.
    """
    ours, theirs = _Hashes(text), _Hashes(train)
    best, places = Copy(0, 0, 0), np.arange(len(ours.symbols))
    # Of the length `high` there is none.
    high = min(len(ours.symbols), len(theirs.symbols)) + 1
    length = START
    while best.length + 1 < high:
        length = min(length, high - 1)
        found, agreeing = _first_common(ours, theirs, length, places)
        if found:
            best, places = found, agreeing
            length = 2 * best.length
        else:
            high = length
        if length >= high:
            length = (best.length + high) // 2
    return best


class _Hashes:
    """The hash of every run of any one length, in a few operations on arrays.

    With prefix sums P[i] = sum over j < i of s[j] B**j, the run of length n at i has
    the hash (P[i+n] - P[i]) B**-i.
    """

    def __init__(self, symbols: Symbols):
        self.symbols = _integers(symbols)
        powers = _powers(_BASE, len(self.symbols))
        self.inverse = _powers(pow(_BASE, -1, 1 << 64), len(self.symbols))
        self.sums = np.zeros(len(self.symbols) + 1, np.uint64)
        np.cumsum(mix(self.symbols.astype(np.uint64)) * powers, out=self.sums[1:])

    def of_length(self, n: int) -> np.ndarray:
        count = max(len(self.symbols) - n + 1, 0)
        if not count:
            return np.empty(0, np.uint64)
        return (self.sums[n:] - self.sums[:count]) * self.inverse[:count]


def _first_common(
    ours: _Hashes, theirs: _Hashes, length: int, places: np.ndarray
) -> tuple[Copy | None, np.ndarray]:
    """The first common run of this length, made as long as it goes.

    Looks only at `places` of ours, and gives those of them at which hashes agree.
    """
    left, right = ours.of_length(length), theirs.of_length(length)
    places = places[: np.searchsorted(places, len(left))]
    places = places[_is_in(left[places], right)]
    for place in places:
        for source in np.flatnonzero(right == left[place]):
            same = _same(ours.symbols[place:], theirs.symbols[source:])
            if same >= length:
                return Copy(same, int(place), int(source)), places
    return None, places


def _same(first: np.ndarray, second: np.ndarray) -> int:
    """How many symbols agree before the first that do not."""
    n = min(len(first), len(second))
    differ = first[:n] != second[:n]
    return int(differ.argmax()) if differ.any() else n


def _is_in(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """As `np.isin`; most of what is not in both falls out before anything is sorted."""
    maybe = _may_be_in(values, table)
    known = np.unique(table[_may_be_in(table, values)])
    if not len(known):
        return np.zeros(len(values), bool)
    spots = np.searchsorted(known, values[maybe]).clip(max=len(known) - 1)
    maybe[maybe] = known[spots] == values[maybe]
    return maybe


def _may_be_in(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """True at every value that `table` has, and where chance gave the same 24 bits."""
    seen = np.zeros(1 << 24, bool)
    seen[table >> np.uint64(40)] = True
    return seen[values >> np.uint64(40)]


def _powers(base: int, count: int) -> np.ndarray:
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, dtype=np.uint64)


def _integers(symbols: Symbols) -> np.ndarray:
    if isinstance(symbols, str):
        return np.frombuffer(symbols.encode("utf-32-le", "surrogatepass"), "<u4")
    return np.asarray(symbols)
