"""Break it, 4: two tensors that share one gradient buffer.

Addition gives the same gradient to both inputs. Handing on the array itself saves a
copy, until somebody adds to it in place.
"""

import sys
from pathlib import Path

import numpy as np


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import src as ag


class Aliasing:
    """An engine of + and * that stores gradients without a copy and adds in place."""

    def __init__(self, value, parents=(), rule=None) -> None:
        self.value, self.parents, self.rule = np.asarray(value, float), parents, rule
        self.grad = None

    def __add__(self, other: "Aliasing") -> "Aliasing":
        return Aliasing(self.value + other.value, (self, other), lambda g: (g, g))

    def __mul__(self, number: float) -> "Aliasing":
        return Aliasing(self.value * number, (self,), lambda g: (g * number,))

    def receive(self, gradient: np.ndarray) -> None:
        if self.grad is None:
            self.grad = gradient  # the array of somebody else
        else:
            self.grad += gradient  # and now it changes there, too


def backward(order: list[Aliasing]) -> None:
    order[0].receive(np.ones_like(order[0].value))
    for node in order:
        for parent, part in zip(node.parents, node.rule(node.grad), strict=True):
            parent.receive(part)


a, b = Aliasing([1.0, 2.0]), Aliasing([3.0, 4.0])
c = a + b
d = a * 3.0
e = c + d
backward([e, c, d])  # a topological order
print(f"wrong: db = {b.grad.tolist()}")
print(
    "why:   c gave one array to a and to b; when 3 arrived at a by d, it was added "
    "in place, and b, which never met d, shows 1 + 3"
)
a = ag.tensor(np.array([1.0, 2.0]), requires_grad=True)
b = ag.tensor(np.array([3.0, 4.0]), requires_grad=True)
((a + b) + a * 3.0).sum().backward()  # first arrival stored, the second makes a sum
print(f"right: db = {b.grad.tolist()}")
