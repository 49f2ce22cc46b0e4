"""Several texts under each other, so that what differs stands out."""

from collections.abc import Sequence

from .edit_distance import align


def aligned(rows: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """The rows with gaps, None, where one says less: all have as many cells.

    Each is aligned to the first; what it says between two tokens of that one stands in
    columns of its own.
    """
    placed = [_slots(rows[0], row) for row in rows]
    cells: list[list[str | None]] = [[] for _ in rows]
    for place in range(len(rows[0]) + 1 if rows else 0):
        widest = max(len(between[place]) for between, _ in placed)
        for row, (between, at) in zip(cells, placed, strict=True):
            row += [*between[place], *[None] * (widest - len(between[place]))]
            row += at[place : place + 1]
    return cells


def _slots(
    first: Sequence[str], row: Sequence[str]
) -> tuple[list[list[str]], list[str | None]]:
    """What stands before each token of `first`, and behind the last; what at it."""
    between: list[list[str]] = [[] for _ in range(len(first) + 1)]
    at: list = []
    for token, said in align(first, row):
        if token is None:
            between[len(at)].append(said)
        else:
            at.append(said)
    return between, at
