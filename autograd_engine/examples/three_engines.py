"""One program on three engines: the same perceptron, weights and losses.

    python examples/three_engines.py

Level 1 computes number by number, level 2 strided tensors by loops (in Python, or numba
where it is installed), level 3 numpy arrays. docs/LEVELS.md: what each costs and buys.
"""

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import src as ag
from src import scalar, strided
from src.data.points import make_points
from src.scalar.train import mean_log_loss


SIZES, LR = (2, 8, 8, 1), 0.5
Step = Callable[[], float]


def problem(count: int = 50, sizes: tuple[int, ...] = SIZES) -> tuple:
    """Points and labels of XOR, weights (in, out) and biases of the perceptron."""
    rng, pairs = np.random.default_rng(0), zip(sizes, sizes[1:], strict=False)
    weights = [rng.normal(size=pair) / np.sqrt(pair[0]) for pair in pairs]
    return *make_points("xor", count, 0), weights, [np.zeros(n) for n in sizes[1:]]


def level1(x, y, weights: list, biases: list) -> Step:
    """A neuron is a row of Scalars."""
    model = scalar.MLP(len(weights[0]), [len(bias) for bias in biases])
    for layer, weight, bias in zip(model.layers, weights, biases, strict=True):
        for neuron, column, b in zip(layer.neurons, weight.T, bias, strict=True):
            neuron.bias.data = float(b)
            for parameter, w in zip(neuron.weights, column, strict=True):
                parameter.data = float(w)

    def step() -> float:
        loss = mean_log_loss(model, x.tolist(), y.tolist())
        model.zero_grad()
        loss.backward()
        for parameter in model.parameters():
            parameter.data -= LR * parameter.grad
        return loss.data

    return step


def level2(x, y, weights: list, biases: list, backend: str) -> Step:
    """A layer is a matrix product whose loops are the backend's."""
    model = strided.MLP(weights, biases, backend)

    def step() -> float:
        loss = model.loss(x, y)
        loss.backward()
        model.step(LR)
        return loss.item()

    return step


def level3(x, y, weights: list, biases: list, lib: ModuleType = ag) -> Step:
    """A batch is one array. Word for word a program of torch: pass it as `lib`."""
    params = [lib.tensor(p, requires_grad=True) for p in (*weights, *biases)]
    inputs, target = lib.tensor(x), lib.tensor(y[:, None].astype(float))

    def step() -> float:
        out, depth = inputs, len(weights)
        for i in range(depth):
            out = (out if i == 0 else out.relu()) @ params[i] + params[depth + i]
        # log(1 + e^z) - z y
        loss = (lib.logaddexp(out, lib.zeros_like(out)) - out * target).mean()
        loss.backward()
        with lib.no_grad():
            for p in params:
                p -= LR * p.grad
                p.grad = None
        return loss.item()

    return step


def engines(
    data: tuple, fast: bool = True, torch: ModuleType | None = None
) -> dict[str, Step]:
    """A training step of each engine; numba where it is installed, torch if given."""
    steps = {"1 scalars": level1(*data), "2 simple": level2(*data, "simple")}
    if fast and find_spec("numba"):
        steps["2 fast"] = level2(*data, "fast")
    steps["3 engine"] = level3(*data)
    if torch is not None:
        steps["torch"] = level3(*data, torch)
    return steps


if __name__ == "__main__":
    print("engine      loss of step 1      of step 10           of step 20    CPU ms")
    for name, step in engines(problem()).items():
        losses = [step()]
        started = time.process_time()  # without the first, in which numba compiles
        losses += [step() for _ in range(19)]
        ms = 1e3 * (time.process_time() - started) / 19
        print(f"{name:<10}", *(f"{losses[i]:.16f}  " for i in (0, 9, 19)), f"{ms:6.2f}")
