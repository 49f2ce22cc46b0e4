"""Levenshtein alignment by bit vectors (Myers 1999; Hyyrö 2003).

A column of the table of distances is held as two integers: bit i of `up` says that the
distance grows by one from row i to row i + 1, bit i of `down` that it falls by one. So
a column costs a dozen operations on integers of as many bits as the reference has
tokens, and both kinds of integer are enough to walk the path back.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple


class Pair(NamedTuple):
    """A step of an alignment; no `reference`: inserted, no `hypothesis`: deleted."""

    reference: Hashable | None
    hypothesis: Hashable | None

    @property
    def right(self) -> bool:
        return self.reference == self.hypothesis


def align(
    reference: Sequence[Hashable], hypothesis: Sequence[Hashable]
) -> tuple[Pair, ...]:
    """The pairs of an alignment with the fewest errors, none of them (None, None).

    What both begin and end with is paired first. In the rest, from the end to the
    beginning, a deletion goes before an insertion, and both before a substitution.
    No token may be None.
    """
    start, ends = _shared_ends(reference, hypothesis)
    stops = len(reference) - ends, len(hypothesis) - ends
    return (
        *(Pair(token, token) for token in reference[:start]),
        *_path(reference[start : stops[0]], hypothesis[start : stops[1]]),
        *(Pair(token, token) for token in reference[stops[0] :]),
    )


def edit_distance(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> int:
    """Fewest insertions, deletions and substitutions that make one of the other."""
    return sum(not pair.right for pair in align(reference, hypothesis))


def _shared_ends(one: Sequence, other: Sequence) -> tuple[int, int]:
    """Tokens that both begin with, and of the rest those that both end with."""
    shortest = min(len(one), len(other))
    start = 0
    while start < shortest and one[start] == other[start]:
        start += 1
    ends = 0
    while ends < shortest - start and one[-1 - ends] == other[-1 - ends]:
        ends += 1
    return start, ends


def _path(reference: Sequence, hypothesis: Sequence) -> list[Pair]:
    columns = _columns(reference, hypothesis)
    row, column = len(reference), len(hypothesis)
    pairs = []
    while row or column:
        up, _ = columns[column]
        if row and up >> (row - 1) & 1:  # the cell above is one less: deleted
            row -= 1
            pairs.append(Pair(reference[row], None))
        elif column and (not row or columns[column - 1][1] >> (row - 1) & 1):
            column -= 1  # the cell to the left is the least of the three: inserted
            pairs.append(Pair(None, hypothesis[column]))
        else:
            row, column = row - 1, column - 1
            pairs.append(Pair(reference[row], hypothesis[column]))
    return pairs[::-1]


def _columns(reference: Sequence, hypothesis: Sequence) -> list[tuple[int, int]]:
    """`up` and `down` of each column, the one before the first token included.

    With the letters of Hyyrö: VP and VN are `up` and `down`, D0 marks the diagonals
    along which the distance stays, HP and HN where it grows or falls along a row.
    """
    every = (1 << len(reference)) - 1
    places: dict[Hashable, int] = {}
    for row, token in enumerate(reference):
        places[token] = places.get(token, 0) | 1 << row
    up, down = every, 0
    columns = [(up, down)]
    for token in hypothesis:
        match = places.get(token, 0)
        same = (((match & up) + up) ^ up) | match | down
        rises = down | ~(same | up) & every
        falls = same & up
        rises = rises << 1 | 1  # the row above the first grows with each column
        falls <<= 1
        up = (falls | ~(same | rises)) & every
        down = same & rises & every
        columns.append((up, down))
    return columns
