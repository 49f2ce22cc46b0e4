"""Break it, 5: gradient descent without `zero_grad`.

`backward` adds to `.grad`. Who forgets to empty it follows the sum of all gradients so
far: like a ball without friction, past the minimum and away.
"""

import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import src as ag


def descend(zero: bool, steps: int = 20, lr: float = 0.1) -> float:
    """Minimise (x - 3)² from 0 by `steps` steps; x at the end."""
    x = ag.tensor(0.0, dtype=ag.float64, requires_grad=True)
    for _ in range(steps):
        if zero:
            x.grad = None
        ((x - 3.0) ** 2).backward()
        with ag.no_grad():
            x -= lr * x.grad
    return x.item()


print(f"wrong: after 20 steps x = {descend(zero=False):.6f}")
print(
    "why:   each backward added to the gradients of the steps before; the minimum is "
    "at 3 and x swings around it without coming to rest"
)
print(f"right: after 20 steps x = {descend(zero=True):.6f}")
