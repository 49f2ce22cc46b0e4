"""Encoding one chunk with BPE: join the pair of the lowest rank, until none is left.

Of equal pairs the leftmost goes first. Two ways to the same ids: looking through all
pairs again after each join is quickest for a word; for a long chunk (a line of dashes,
a text without spaces) a heap keeps the time at n log n.
"""

import heapq
from collections.abc import Sequence
from itertools import repeat


Ranks = dict[tuple[int, int], int]
NEVER = 1 << 60
NONE = -1
LONG = 16


def merge(ids: list[int], ranks: Ranks, made: Sequence[int]) -> list[int]:
    """The ids after all joins; the pair of rank r becomes the id `made[r]`."""
    return (merge_long if len(ids) > LONG else merge_short)(ids, ranks, made)


def merge_short(ids: list[int], ranks: Ranks, made: Sequence[int]) -> list[int]:
    """Keeps the rank of each neighbouring pair in a list and searches its minimum."""
    ids, get = list(ids), ranks.get
    open_ranks = list(map(get, zip(ids, ids[1:], strict=False), repeat(NEVER)))
    while open_ranks and (best := min(open_ranks)) != NEVER:
        i = open_ranks.index(best)
        ids[i : i + 2] = [made[best]]
        del open_ranks[i]
        if i > 0:
            open_ranks[i - 1] = get((ids[i - 1], ids[i]), NEVER)
        if i < len(open_ranks):
            open_ranks[i] = get((ids[i], ids[i + 1]), NEVER)
    return ids


def merge_long(ids: list[int], ranks: Ranks, made: Sequence[int]) -> list[int]:
    """Keeps (rank, place) of the pairs in a heap and the ids in a linked list."""
    ids, get, size = list(ids), ranks.get, len(ids)
    left, right = list(range(-1, size - 1)), [*range(1, size), NONE]
    pairs = enumerate(zip(ids, ids[1:], strict=False))
    heap = [(ranks[pair], i) for i, pair in pairs if pair in ranks]
    heapq.heapify(heap)
    while heap:
        rank, i = heapq.heappop(heap)
        j = right[i]
        if ids[i] == NONE or j == NONE or get((ids[i], ids[j])) != rank:
            continue  # one of the two was joined to something else meanwhile
        ids[i], ids[j], right[i] = made[rank], NONE, right[j]
        before, after = left[i], right[j]
        if after != NONE:
            left[after] = i
            if (found := get((ids[i], ids[after]))) is not None:
                heapq.heappush(heap, (found, i))
        if before != NONE and (found := get((ids[before], ids[i]))) is not None:
            heapq.heappush(heap, (found, before))
    return [number for number in ids if number != NONE]
