"""Break it, 1: recursion instead of topological order.

Each node hands its gradient on as soon as something arrives. In b = a + a; c = b + b
the second arrival at b makes b hand on the first part once more.
"""

import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from src.scalar import Scalar


def naive_backward(node: Scalar, arriving: float) -> None:
    """Looks right, and is right as long as no inner node is used twice."""
    node.grad += arriving
    for parent, local in zip(node.parents, node.local_gradients, strict=True):
        naive_backward(parent, local * node.grad)


def expression() -> tuple[Scalar, Scalar]:
    a = Scalar(3.0, "a")
    b = a + a
    return a, b + b


a, c = expression()
naive_backward(c, 1.0)
print(f"wrong: dc/da = {a.grad:g}")
print(
    "why:   b handed on 1 when the first edge from c arrived, and 2 (1 of it again) "
    "at the second: a got 2 · 1 + 2 · 2. b must wait for all of its users"
)
a, c = expression()
c.backward()  # topological order: each node once, after everything that uses it
print(f"right: dc/da = {a.grad:g}")
