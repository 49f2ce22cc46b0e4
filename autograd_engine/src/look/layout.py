"""Places for the boxes of a graph: layers, few crossings, straight edges.

Sugiyama, Tagawa and Toda 1981 in three steps. A node stands one layer left of the
leftmost of its users. An edge over several layers gets a waypoint in each of them. Each
layer is sorted by the mean place of its neighbours, to and fro, and the order with the
fewest crossings stays; then heights move to that mean as far as the order allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """`layers[i]` and `heights[i]` of node i; `routes` the edges with their waypoints.

    A route is (source, target, use, [(layer, height), ...]) where `use` numbers the
    inputs of the target. Layer 0, on the left, has the deepest nodes.
    """

    layers: list[int]
    heights: list[float]
    routes: list[tuple[int, int, int, list[tuple[int, float]]]]


def lay_out(parents: Sequence[Sequence[int]], sizes: Sequence[float]) -> Layout:
    """Layers and heights of nodes in topological order, the root first."""
    depth = [0] * len(parents)
    for node, above in enumerate(parents):
        for parent in above:
            if parent <= node:
                raise ValueError(f"node {parent} is used by {node} but not behind it")
            depth[parent] = max(depth[parent], depth[node] + 1)
    chains, rows, links = _waypoints(parents, depth)
    sizes = [*sizes, *[14.0] * (len(links) - len(sizes))]
    rows = _order(rows, links)
    heights = _heights(rows, links, sizes, len(parents))
    last = max(depth)
    place = [0] * len(links)
    for layer, row in enumerate(rows):
        for item in row:
            place[item] = last - layer
    routes = [
        (source, target, use, [(place[w], heights[w]) for w in way])
        for source, target, use, way in chains
    ]
    count = len(parents)
    return Layout(place[:count], heights[:count], routes)


def crossings(rows: list[list[int]], links: list[tuple[list[int], list[int]]]) -> int:
    """Pairs of edges between neighbouring layers that cross."""
    total = 0
    for row in rows[:-1]:
        ends = [sorted(_index(rows, links[item][1])) for item in row]
        flat: list[int] = []
        for targets in ends:
            total += sum(other > target for target in targets for other in flat)
            flat += targets
    return total


def _index(rows: list[list[int]], items: Sequence[int]) -> list[int]:
    places = {item: place for row in rows for place, item in enumerate(row)}
    return [places[item] for item in items]


def _waypoints(parents: Sequence[Sequence[int]], depth: list[int]) -> tuple:
    """Edges in pieces from layer to layer: chains, layers, and links up and down."""
    rows: list[list[int]] = [[] for _ in range(max(depth) + 1)]
    for node, layer in enumerate(depth):
        rows[layer].append(node)
    links: list[tuple[list[int], list[int]]] = [([], []) for _ in parents]
    chains = []
    for target, above in enumerate(parents):
        for use, source in enumerate(above):
            way, before = [], target
            for layer in range(depth[target] + 1, depth[source]):
                links.append(([], []))
                rows[layer].append(len(links) - 1)
                way.append(len(links) - 1)
                _join(links, before, way[-1])
                before = way[-1]
            _join(links, before, source)
            chains.append((source, target, use, way[::-1]))
    return chains, rows, links


def _join(links: list[tuple[list[int], list[int]]], user: int, used: int) -> None:
    links[user][1].append(used)
    links[used][0].append(user)


def _order(rows: list[list[int]], links: list, sweeps: int = 12) -> list[list[int]]:
    """Barycentre ordering, down and up in turn; the best order seen."""
    best, fewest = [list(row) for row in rows], crossings(rows, links)
    for sweep in range(sweeps):
        side = sweep % 2  # 0: by the users, 1: by what is used
        turn = range(1, len(rows)) if side == 0 else range(len(rows) - 2, -1, -1)
        for layer in turn:
            fixed = rows[layer - 1 if side == 0 else layer + 1]
            place = {item: i for i, item in enumerate(fixed)}
            keys = {
                item: _mean([place[n] for n in links[item][side]], i)
                for i, item in enumerate(rows[layer])
            }
            rows[layer].sort(key=keys.__getitem__)
        found = crossings(rows, links)
        if found < fewest:
            best, fewest = [list(row) for row in rows], found
    return best


def _heights(rows: list, links: list, sizes: Sequence[float], count: int) -> list:
    """Centres: near the mean of the neighbours, in order, without overlap.

    Items from `count` on are waypoints: among each other they pull harder, so that
    long edges run straight.
    """
    heights = [0.0] * len(links)
    for row in rows:
        _settle(row, [0.0] * len(row), sizes, heights)
    for sweep in range(16):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wishes = []
            for item in row:
                near = links[item][0] + links[item][1]
                if item >= count:
                    near = near + 3 * [n for n in near if n >= count]
                wishes.append(_mean([heights[n] for n in near], heights[item]))
            _settle(row, wishes, sizes, heights)
    return heights


def _settle(row: list[int], wishes: list[float], sizes, heights: list[float]) -> None:
    """The closest centres to the wishes, in least squares, that keep the distances.

    Without the distances this is isotonic regression, solved by pooling neighbours
    that are in the wrong order (Ayer et al. 1955).
    """
    shifts, total = [], 0.0
    for i, item in enumerate(row):
        if i:
            total += (sizes[row[i - 1]] + sizes[item]) / 2
        shifts.append(total)
    pools: list[list[float]] = []  # [sum of wishes, how many]
    for wish, shift in zip(wishes, shifts, strict=True):
        pools.append([wish - shift, 1])
        while len(pools) > 1 and _level(pools[-2]) > _level(pools[-1]):
            high = pools.pop()
            pools[-1] = [pools[-1][0] + high[0], pools[-1][1] + high[1]]
    levels = [_level(pool) for pool in pools for _ in range(int(pool[1]))]
    for item, level, shift in zip(row, levels, shifts, strict=True):
        heights[item] = level + shift


def _level(pool: list[float]) -> float:
    return pool[0] / pool[1]


def _mean(values: list, otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
