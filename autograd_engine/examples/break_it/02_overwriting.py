"""Break it, 2: `=` where `+=` belongs.

A value that is used twice acts on the result along two paths, whose effects add up. An
assignment keeps the last path only.
"""

import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.scalar import Scalar, topological_order


def overwriting_backward(root: Scalar) -> None:
    """The right order, but each gradient replaces the one before."""
    root.grad = 1.0
    for node in topological_order(root):
        for parent, local in zip(node.parents, node.local_gradients, strict=True):
            parent.grad = local * node.grad


def expression() -> tuple[Scalar, Scalar]:
    x = Scalar(3.0, "x")
    return x, x * x


x, y = expression()
overwriting_backward(y)
print(f"wrong: d(x·x)/dx = {x.grad:g}")
print(
    "why:   x is used twice and gets 3 by each path; `=` forgets the first, `+=` "
    "gives 3 + 3"
)
x, y = expression()
y.backward()
print(f"right: d(x·x)/dx = {x.grad:g}")
