"""Newton's method on a logistic regression: second derivatives in a few lines.

    python examples/newton.py

Each step solves H d = -g. Near the minimum the number of right digits doubles.
"""

import sys
from pathlib import Path

import numpy as np


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import src as ag


def problem() -> tuple[ag.Tensor, ag.Tensor]:
    """200 points of two overlapping classes: inputs with a 1 for the bias, and ±1."""
    rng = np.random.default_rng(0)
    signs = np.repeat([-1.0, 1.0], 100)
    points = rng.normal(size=(200, 2)) + 0.8 * signs[:, None]
    return ag.tensor(np.column_stack([points, np.ones(200)])), ag.tensor(signs)


def loss(w: ag.Tensor, x: ag.Tensor, signs: ag.Tensor) -> ag.Tensor:
    """Mean log(1 + e^(-sign · w·x)) + 0.0005 |w|², the penalty making it strictly
    convex."""
    margins = signs * (x @ w)
    return (1 + (-margins).exp()).log().mean() + 0.0005 * (w * w).sum()


def newton(steps: int = 8) -> list[tuple[float, float]]:
    """(loss, length of the gradient) before each step."""
    x, signs = problem()
    w = ag.tensor(np.zeros(3), requires_grad=True)
    history = []
    for _ in range(steps):
        value = loss(w, x, signs)
        (g,) = ag.grad(value, w, create_graph=True)
        rows = [ag.grad(each, w, retain_graph=True)[0].numpy() for each in g]
        gradient = g.detach().numpy()
        history.append((value.item(), float(np.linalg.norm(gradient))))
        with ag.no_grad():
            w -= ag.tensor(np.linalg.solve(np.stack(rows), gradient))
    return history


def main() -> None:
    print("step  loss            |gradient|")
    for step, (value, length) in enumerate(newton()):
        print(f"{step:>4}  {value:.10f}  {length:.2e}")


if __name__ == "__main__":
    main()
