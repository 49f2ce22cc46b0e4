"""The recorded graph as the backward pass sees it: an order, and sums of gradients."""

from collections.abc import Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from .tensor import Tensor, make


def _alone() -> int:
    results = (np.zeros(1),)
    result = results[0]
    return getrefcount(result)


# What `getrefcount` says of an array that one tuple and one variable hold.
ALONE = _alone()


def topological_order(roots: Sequence[Any]) -> list[Any]:
    """Operations and leaves below `roots`, each after everything that uses it.

    Without recursion: count the users of each node on the way down, then emit a node
    when its last user was emitted.
    """
    users: dict[Any, int] = dict.fromkeys(roots, 0)
    stack = list(users)
    while stack:
        for edge in edges_of(stack.pop()):
            if edge.target in users:
                users[edge.target] += 1
            else:
                users[edge.target] = 1
                stack.append(edge.target)
    order, ready = [], [node for node, count in users.items() if count == 0]
    while ready:
        node = ready.pop()
        order.append(node)
        for edge in edges_of(node):
            users[edge.target] -= 1
            if users[edge.target] == 0:
                ready.append(edge.target)
    return order


def edges_of(node: Any) -> list:
    """Where the gradients of `node` go; nowhere from a leaf."""
    if isinstance(node, Tensor):
        return []
    return [edge for edge in node.edges if edge is not None]


def useful_nodes(order: list, wanted: dict) -> set:
    """The operations from which a wanted input can be reached."""
    useful = set()
    for node in reversed(order):
        for edge in edges_of(node):
            if edge.target in useful or (edge.target, edge.output) in wanted:
                useful.add(node)
    return useful


class Sums:
    """Gradients on their way: node -> output -> (gradient, is it ours to change)."""

    def __init__(self, create_graph: bool) -> None:
        self.create_graph = create_graph
        self.grads: dict[Any, dict[int, tuple[Tensor, bool]]] = {}

    def add(self, node: Any, output: int, gradient: Tensor, fresh: bool) -> None:
        """The first is stored, the second makes a new sum, later ones add in place."""
        slots = self.grads.setdefault(node, {})
        if output not in slots:
            slots[output] = (gradient, fresh)
            return
        held, ours = slots[output]
        if self.create_graph:
            slots[output] = (held + gradient, False)
        elif ours:
            np.add(held.data, gradient.data, out=held.data)
        else:
            total = held.data + gradient.data
            total = np.asarray(total) if isinstance(total, np.generic) else total
            total = make(total, False, None)
            slots[output] = (total, True)

    def take(self, node: Any) -> dict[int, tuple[Tensor, bool]] | None:
        return self.grads.pop(node, None)
