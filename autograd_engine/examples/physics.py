"""A force is the negative gradient of an energy: three bodies on springs.

    python examples/physics.py

Nobody derives the forces by hand: only the energy is written down. Leapfrog steps then
keep the total energy, which is how one sees that the forces are right.
"""

import sys
from pathlib import Path

import numpy as np


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import src as ag


def energy(places: ag.Tensor) -> ag.Tensor:
    """Springs of rest length 1 between all pairs, and gravity (g = 9.81, mass 1)."""
    total = 9.81 * places[:, 1].sum()
    for i in range(len(places)):
        for j in range(i):
            distance = ((places[i] - places[j]) ** 2).sum().sqrt()
            total = total + 50 * (distance - 1) ** 2
    return total


def force(places: np.ndarray) -> tuple[np.ndarray, float]:
    """-dE/dplace of each body, and E."""
    x = ag.tensor(places, requires_grad=True)
    value = energy(x)
    (gradient,) = ag.grad(value, x)
    return -gradient.numpy(), value.item()


def simulate(steps: int = 400, dt: float = 0.002) -> list[float]:
    """The total energy after each leapfrog step, bodies thrown from a triangle."""
    places = np.array([[0.0, 0.0], [1.2, 0.0], [0.5, 0.9]])
    speeds = np.array([[0.0, 3.0], [1.0, 3.0], [-1.0, 4.0]])
    f, potential = force(places)
    history = [potential + 0.5 * float((speeds**2).sum())]
    for _ in range(steps):
        speeds = speeds + 0.5 * dt * f
        places = places + dt * speeds
        f, potential = force(places)
        speeds = speeds + 0.5 * dt * f
        history.append(potential + 0.5 * float((speeds**2).sum()))
    return history


def main() -> None:
    places = np.array([[0.0, 0.0], [1.2, 0.0], [0.5, 0.9]])
    print("forces at the start:", force(places)[0].round(3).tolist())
    print("without springs each would be [0, -9.81]; their sum is", end=" ")
    print((force(places)[0].sum(0).round(6) + 0.0).tolist())
    history = simulate()
    print(f"total energy {history[0]:.4f} at first, {history[-1]:.4f} after 400 steps")
    print(f"it never strays by more than {np.ptp(history) / abs(history[0]):.1e} of it")


if __name__ == "__main__":
    main()
