"""Break it, 6: a recursive topological sort of a long chain.

The textbook sort calls itself for each input. A sum of 5,000 terms is a chain of 5,000
nodes, deeper than Python's stack.
"""

import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.scalar import Scalar


def recursive_order(root: Scalar) -> list[Scalar]:
    order, seen = [], set()

    def visit(node: Scalar) -> None:
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order[::-1]


x = Scalar(2.0, "x")
total = Scalar(0.0)
for _ in range(5000):
    total = total + x
try:
    recursive_order(total)
except RecursionError as error:
    print(f"wrong: {type(error).__name__} and no gradient")
print(
    f"why:   one call a node, and Python stops at {sys.getrecursionlimit()} calls; a "
    "loop with a list of its own has no such end"
)
total.backward()
print(f"right: d total/dx = {x.grad:g}")
