"""Levenshtein alignment by bit vectors (Myers 1999; Hyyrö 2003).

A column of the table of distances is held as two integers: bit i of `up` says that the
distance grows by one from row i to row i + 1, bit i of `down` that it falls by one. So
a column costs a dozen operations on integers of as many bits as the reference has
tokens, and both kinds of integer are enough to walk the path back.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple


BLOCK = 1024
"""Columns held at a time."""


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

    What both begin and end with is paired first. In the rest, with the table D of
    distances, from its end to its beginning: token i is deleted where D(i-1, j) is less
    than D(i, j), else token j inserted where D(i, j-1) < D(i-1, j-1), else both paired.
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
    """Walk from the last cell of the table to the first.

    Of a long hypothesis the columns are computed twice, a block at a time the second
    time, so that an hour of characters needs megabytes only.
    """
    places: dict[Hashable, int] = {}
    for row, token in enumerate(reference):
        places[token] = places.get(token, 0) | 1 << row
    rows = len(reference)
    before = [((1 << rows) - 1, 0)]  # the column that each block goes on from
    for at in range(0, len(hypothesis) - BLOCK, BLOCK):
        *_, last = _columns(before[-1], hypothesis[at : at + BLOCK], places, rows)
        before.append(last)
    row, column, pairs = rows, len(hypothesis), []
    for at in reversed(range(0, len(hypothesis), BLOCK)):
        start = before[at // BLOCK]
        block = [start, *_columns(start, hypothesis[at:column], places, rows)]
        while column > at:
            up, (_, down) = block[column - at][0], block[column - at - 1]
            if row and up >> (row - 1) & 1:  # D(i-1, j) = D(i, j) - 1
                row -= 1
                pairs.append(Pair(reference[row], None))
            elif not row or down >> (row - 1) & 1:  # D(i, j-1) < D(i-1, j-1)
                column -= 1
                pairs.append(Pair(None, hypothesis[column]))
            else:
                row, column = row - 1, column - 1
                pairs.append(Pair(reference[row], hypothesis[column]))
    pairs += [Pair(token, None) for token in reversed(reference[:row])]
    return pairs[::-1]


def _columns(
    column: tuple[int, int], hypothesis: Sequence, places: dict, rows: int
) -> Iterator[tuple[int, int]]:
    """`up` and `down` of the columns behind `column`, one for each token.

    With the letters of Hyyrö: VP and VN are `up` and `down`, D0 marks the diagonals
    along which the distance stays, HP and HN where it grows or falls along a row.
    """
    every = (1 << rows) - 1
    up, down = column
    for token in hypothesis:
        match = places.get(token, 0)
        same = (((match & up) + up) ^ up) | match | down
        grows = down | ~(same | up) & every
        falls = (same & up) << 1
        grows = grows << 1 | 1  # the row above the first grows with each column
        up = (falls | ~(same | grows)) & every
        down = same & grows & every
        yield up, down
