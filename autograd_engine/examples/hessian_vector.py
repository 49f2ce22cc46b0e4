"""A Hessian-vector product without the Hessian: the gradient of (gradient · v).

    python examples/hessian_vector.py

Pearlmutter 1994: one more backward pass, and memory for n numbers instead of n².
"""

import sys
from pathlib import Path

import numpy as np


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import src as ag


def rosenbrock(x: ag.Tensor) -> ag.Tensor:
    """Σ 100 (x[i+1] - x[i]²)² + (1 - x[i])², a long curved valley."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def hessian_vector(f, x: ag.Tensor, v: ag.Tensor) -> ag.Tensor:
    """H v, with H the second derivatives of `f` at `x`."""
    (gradient,) = ag.grad(f(x), x, create_graph=True)
    (product,) = ag.grad((gradient * v).sum(), x)
    return product


def hessian(f, x: ag.Tensor) -> np.ndarray:
    """All n² second derivatives, one backward pass a row."""
    (gradient,) = ag.grad(f(x), x, create_graph=True)
    rows = [ag.grad(each, x, retain_graph=True)[0].numpy() for each in gradient]
    return np.stack(rows)


def exact(x: np.ndarray) -> np.ndarray:
    """The Hessian of `rosenbrock` by hand, to compare with."""
    n = len(x)
    h = np.zeros((n, n))
    for i in range(n - 1):
        h[i, i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        h[i + 1, i + 1] += 200
        h[i, i + 1] = h[i + 1, i] = -400 * x[i]
    return h


def main() -> None:
    rng = np.random.default_rng(0)
    values, vector = rng.normal(size=6), rng.normal(size=6)
    x = ag.tensor(values, requires_grad=True)
    product = hessian_vector(rosenbrock, x, ag.tensor(vector)).numpy()
    rows = hessian(rosenbrock, x)
    print("H v by two backward passes:   ", product.round(4))
    print("explicit H (6 passes), times v:", (rows @ vector).round(4))
    print(f"difference: {np.abs(product - rows @ vector).max():.1e}")
    print(f"H by hand differs by: {np.abs(rows - exact(values)).max():.1e}")


if __name__ == "__main__":
    main()
