"""What the playground trains, its limits, and its state as the page holds it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..data.points import PointsName
from ..engine.tensor import Tensor
from ..optim import SGD, Adam, Optimizer, RMSprop
from ..utils.config import from_dict
from ..utils.errors import InputError
from .levels import Activation, Parameters


OptimiserName = Literal["sgd", "momentum", "rmsprop", "adam"]
OPTIMISERS = {
    "sgd": (SGD, {}, ()),
    "momentum": (SGD, {"momentum": 0.9}, ("momentum_buffer",)),
    "rmsprop": (RMSprop, {}, ("square_avg",)),
    "adam": (Adam, {}, ("step", "exp_avg", "exp_avg_sq")),
}
"""Class, options, and what it remembers of each parameter."""

MOST = {"points": 200, "layers": 3, "width": 16, "steps": 20}
PASS, FRAME = 16_000, 40_000
"""Microseconds that a forward and backward pass, and a whole frame, may take."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A training, but for its state."""

    points: PointsName = "xor"
    count: int = 100
    """Points of the set."""
    hidden: tuple[int, ...] = (8, 8)
    """Widths; none: a linear neuron."""
    activation: Activation = "tanh"
    optimiser: OptimiserName = "adam"
    rate: float = 0.03
    level: Literal[1, 2, 3] = 3
    batch: int = 0
    """Points a step; 0: all."""
    seed: int = 0
    """Of the points, of the first weights and of the batches."""

    def __post_init__(self) -> None:
        points, layers, width, _ = MOST.values()
        limits = {
            f"count must be even, from 2 to {points}": (
                2 <= self.count <= points and self.count % 2 == 0
            ),
            f"hidden must have at most {layers} layers, of 1 to {width} neurons": (
                len(self.hidden) <= layers
                and all(1 <= size <= width for size in self.hidden)
            ),
            "rate must be from 0.00001 to 10": 1e-5 <= self.rate <= 10,
            f"batch must be from 0 (all) to {points}": 0 <= self.batch <= points,
            "seed must be from 0 to 999999": 0 <= self.seed < 1_000_000,
        }
        for sentence, holds in limits.items():
            if not holds:
                raise ValueError(sentence)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of W1, b1, W2, b2, ..."""
        sizes = (2, *self.hidden, 1)
        pairs = zip(sizes[:-1], sizes[1:], strict=True)
        return [shape for pair in pairs for shape in (pair, pair[1:])]


def read_setup(given: dict) -> Setup:
    """The settings that a page sent."""
    return from_dict(Setup, given, "the settings")


def points_a_step(setup: Setup, level: int) -> int:
    """As many as were asked for and fit into the time of a pass.

    It is estimated, not measured: the same settings give the same training everywhere.
    """
    asked = setup.batch or setup.count
    return max(1, min(asked, setup.count, int(PASS / a_point(setup, level))))


def steps_a_frame(setup: Setup) -> int:
    """The most that fit into the time of a frame, whose own gradients cost a pass."""
    one = 1500 + a_point(setup, setup.level) * points_a_step(setup, setup.level)
    return max(1, min(MOST["steps"], int(FRAME / one) - 1))


def a_point(setup: Setup, level: int) -> float:
    """Microseconds, from above, of a point in a forward and backward pass."""
    neurons = sum(setup.hidden) + 1
    parameters = sum(int(np.prod(shape)) for shape in setup.shapes)
    price = {1: (0.6, 5.0, 2.0), 2: (0.3, 1.5, 2.0), 3: (0.001, 0.01, 0.0)}[level]
    return price[0] * parameters + price[1] * neurons + price[2]


def batch_at(setup: Setup, step: int) -> np.ndarray:
    """The points of a step: a new order each epoch, a pure function of the two."""
    size = points_a_step(setup, setup.level)
    if size == setup.count:
        return np.arange(size)
    steps = -(-setup.count // size)
    rng = np.random.default_rng([setup.seed, step // steps])
    return rng.permutation(setup.count)[step % steps * size :][:size]


def make_optimiser(setup: Setup, leaves: list[Tensor], memory: dict) -> Optimizer:
    """The optimiser of `leaves` with what it remembers."""
    kind, options, _ = OPTIMISERS[setup.optimiser]
    made = kind(leaves, lr=setup.rate, **options)
    made.load_state_dict({**made.state_dict(), "state": memory})
    return made


def write_state(step: int, values: Parameters, optimiser: Optimizer) -> dict[str, Any]:
    """Plain numbers, of which JSON loses no bit."""
    memory = {
        index: {key: _flat(value) for key, value in kept.items()}
        for index, kept in optimiser.state_dict()["state"].items()
    }
    flat = [_flat(value) for value in values]
    return {"step": step, "parameters": flat, "optimiser": memory}


def read_state(setup: Setup, given: dict) -> dict[str, Any]:
    """The state with its arrays; InputError where it does not fit the network."""
    keys, shapes = OPTIMISERS[setup.optimiser][2], setup.shapes
    try:
        step, memory = given["step"], given["optimiser"]
        values = _arrays(given["parameters"], shapes)
        kept = {
            str(i): {key: _kept(key, memory[str(i)][key], shape) for key in keys}
            for i, shape in enumerate(shapes if memory and keys else ())
        }
        if type(step) is not int or step < 0:
            raise ValueError
    except (KeyError, TypeError, ValueError, IndexError, OverflowError):
        raise InputError(
            "the state does not fit the network or the optimiser: start anew"
        ) from None
    return {"step": step, "parameters": values, "optimiser": kept}


def _flat(value: Any) -> Any:
    return value.reshape(-1).tolist() if isinstance(value, np.ndarray) else value


def _kept(key: str, value: Any, shape: tuple[int, ...]) -> Any:
    if key != "step":
        return _arrays([value], [shape])[0]
    if type(value) is not int or value < 1:
        raise ValueError
    return value


def _arrays(values: list, shapes: list[tuple[int, ...]]) -> Parameters:
    found = []
    for value, shape in zip(values, shapes, strict=True):
        array = np.array(value, np.float64).reshape(shape)
        if not np.isfinite(array).all():
            raise ValueError
        found.append(array)
    return found
