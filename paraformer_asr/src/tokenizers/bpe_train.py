"""How merges are learnt (Sennrich et al. 2016): join the commonest pair, again.

The symbols of the distinct words stand in one doubly linked list; each pair knows its
count and where it may begin, so that a merge touches only the places where its pair
stands. A heap gives the commonest pair.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable


NONE = -1


def learn_merges(
    chunks: Iterable[tuple[list[int], int]], count: int, alphabet: int
) -> list[tuple[int, int]]:
    """At most `count` pairs to join, in order; the k-th makes symbol alphabet + k.

    Of equally common pairs the one with the smaller left id is taken, then the smaller
    right id. Ends early when no pair occurs twice.
    """
    corpus = _Corpus(chunks)
    heap = [(-n, pair) for pair, n in corpus.counts.items()]
    heapq.heapify(heap)
    merges: list[tuple[int, int]] = []
    while heap and len(merges) < count:
        negative, pair = heapq.heappop(heap)
        now = corpus.counts[pair]
        if now != -negative:  # became rarer since it was put here
            if now > 1:
                heapq.heappush(heap, (-now, pair))
            continue
        if now < 2:
            break
        for fresh in corpus.merge(pair, alphabet + len(merges)):
            heapq.heappush(heap, (-corpus.counts[fresh], fresh))
        merges.append(pair)
    return merges


class _Corpus:
    """The symbols of all chunks as linked lists, with the counts of their pairs."""

    def __init__(self, chunks: Iterable[tuple[list[int], int]]) -> None:
        self.symbols: list[int] = []
        self.left: list[int] = []
        self.right: list[int] = []
        self.times: list[int] = []
        self.counts: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.places: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for symbols, times in chunks:
            self._append(symbols, times)

    def _append(self, symbols: list[int], times: int) -> None:
        start, size = len(self.symbols), len(symbols)
        self.symbols += symbols
        self.times += [times] * size
        self.left += [NONE, *range(start, start + size - 1)]
        self.right += [*range(start + 1, start + size), NONE]
        for place, pair in enumerate(zip(symbols, symbols[1:], strict=False), start):
            self.counts[pair] += times
            self.places[pair].append(place)

    def merge(self, pair: tuple[int, int], made: int) -> set[tuple[int, int]]:
        """Join `pair` wherever it stands, left to right; gives the pairs that arose."""
        first, second = pair
        symbols, left, right = self.symbols, self.left, self.right
        counts, places, arose = self.counts, self.places, set()
        for i in places.pop(pair):  # from left to right, as they were found
            j = right[i]
            if symbols[i] != first or j == NONE or symbols[j] != second:
                continue  # joined to something else meanwhile
            times, before, after = self.times[i], left[i], right[j]
            symbols[i], symbols[j], right[i] = made, NONE, after
            if before != NONE:
                old, new = (symbols[before], first), (symbols[before], made)
                counts[old] -= times
                counts[new] += times
                places[new].append(before)
                arose.add(new)
            if after != NONE:
                left[after] = i
                old, new = (second, symbols[after]), (made, symbols[after])
                counts[old] -= times
                counts[new] += times
                places[new].append(i)
                arose.add(new)
        counts[pair] = 0
        return arose
