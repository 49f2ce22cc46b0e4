"""The playground: a perceptron on points of the plane, trained by one of the engines.

Nothing is kept between questions. The page holds the state of every frame (weights,
what the optimiser remembers) and sends the one to go on from: `back` needs no more.
"""

import time
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np

from ..data.points import PointsName, make_points
from ..ops.creation import tensor
from ..utils.config import to_dict
from ..utils.errors import InputError
from .levels import (
    LEVELS,
    Activation,
    Parameters,
    gradients,
    graph_size,
    logits,
    start_parameters,
)
from .playground_setup import (
    MOST,
    OPTIMISERS,
    Setup,
    batch_at,
    make_optimiser,
    points_a_step,
    read_setup,
    read_state,
    steps_a_frame,
    write_state,
)


FRAMES = 120
RECORDED: dict[PointsName, tuple[dict[str, Any], int]] = {
    "simple": ({}, 2),
    "diag": ({}, 2),
    "split": ({}, 3),
    "xor": ({}, 3),
    "circle": ({}, 3),
    "moons": ({}, 3),
    "spiral": ({"hidden": (16, 16), "count": 200}, 5),
}
"""What suits each set: settings other than the defaults, and steps a frame."""


class Playground:
    """What the playground's panel asks for."""

    def start(self) -> dict[str, Any]:
        """Choices, limits, and settings that suit each set of points."""
        return {
            "points": list(RECORDED),
            "activations": list(get_args(Activation)),
            "optimisers": list(OPTIMISERS),
            "levels": [[number, text] for number, text in LEVELS.items()],
            "most": MOST,
            "setups": {name: to_dict(suited(name)) for name in RECORDED},
            "steps": {name: steps for name, (_, steps) in RECORDED.items()},
        }

    def begin(self, setup: dict) -> dict[str, Any]:
        """The points, and the network before its first step."""
        return _begin(read_setup(setup))

    def advance(self, setup: dict, state: dict, steps: int = 1) -> dict[str, Any]:
        """The frame some steps after `state`; after none, that of `state` itself.

        A slow engine takes fewer steps; the frame says how many there were.
        """
        chosen = read_setup(setup)
        if not 0 <= steps <= MOST["steps"]:
            raise InputError(f"steps: {steps}, but a frame has 0 to {MOST['steps']}")
        return _advance(chosen, read_state(chosen, state), steps)

    def record(self, points: PointsName) -> Iterator[dict[str, Any]]:
        """The start, then each frame, of a training with what suits `points`."""
        setup, steps = suited(points), RECORDED[points][1]
        first = _begin(setup)
        frame = first["frame"]
        state = read_state(setup, frame.pop("state"))
        yield first
        for _ in range(FRAMES):
            frame = _advance(setup, state, steps)
            state = read_state(setup, frame.pop("state"))
            yield frame

    def cost(self, setup: dict) -> list[dict[str, Any]]:
        """A forward and backward pass on each engine: the same loss, and its price."""
        chosen = read_setup(setup)
        x, y = make_points(chosen.points, chosen.count, chosen.seed)
        few = min(points_a_step(chosen, level) for level in LEVELS)
        given = (_first(chosen), chosen.activation, x[:few], y[:few])
        return [{"level": level, "points": few} | _price(level, *given)
                for level in LEVELS]  # fmt: skip


def recordings() -> list[tuple[str, dict[str, Any]]]:
    """What a saved page can be asked: a recorded training of each set."""
    questions: list[tuple[str, dict]] = [("playground/start", {})]
    for name in RECORDED:
        questions.append(("playground/record", {"points": name}))
        questions.append(("playground/cost", {"setup": to_dict(suited(name))}))
    return questions


def suited(points: PointsName) -> Setup:
    """Settings with which the set is learned in a recording."""
    return Setup(points=points, **RECORDED[points][0])


def _first(setup: Setup) -> Parameters:
    return start_parameters(setup.hidden, setup.activation, setup.seed)


def _begin(setup: Setup) -> dict[str, Any]:
    x, y = make_points(setup.points, setup.count, setup.seed)
    state = {"step": 0, "parameters": _first(setup), "optimiser": {}}
    return {
        "setup": to_dict(setup),
        "x": x.tolist(),
        "y": y.tolist(),
        "frame": _advance(setup, state, 0),
    }


def _advance(setup: Setup, state: dict[str, Any], steps: int) -> dict[str, Any]:
    x, y = make_points(setup.points, setup.count, setup.seed)
    leaves = [tensor(p, requires_grad=True) for p in state["parameters"]]
    values = [leaf.data for leaf in leaves]  # changed in place by the optimiser
    optimiser, step = make_optimiser(setup, leaves, state["optimiser"]), state["step"]

    def backward() -> tuple[float, Parameters]:
        rows = batch_at(setup, step)
        return gradients(setup.level, values, setup.activation, x[rows], y[rows])

    with np.errstate(all="ignore"):  # what is not finite is refused below
        started, count = time.thread_time(), min(steps, steps_a_frame(setup))
        for _ in range(count):
            for leaf, slope in zip(leaves, backward()[1], strict=True):
                leaf.grad = tensor(slope)
            optimiser.step()
            step += 1
        spent = time.thread_time() - started
        batch_loss, slopes = backward()
        seen = _seen(setup, values, x, y)
    if not all(np.isfinite(part).all() for part in (batch_loss, *values, *slopes)):
        raise InputError(
            f"after step {step} the loss is not finite: a rate of {setup.rate:g} is "
            "too large here. Step back, lower it and go on"
        )
    size = points_a_step(setup, setup.level)
    return seen | {
        "step": step,
        "points": size,
        "cut": size < min(setup.batch or setup.count, setup.count),
        "milliseconds": 1e3 * spent / count if count else None,
        "batch_loss": batch_loss,
        "parameters": values,
        "gradients": slopes,
        "state": write_state(step, values, optimiser),
    }


def _seen(setup: Setup, values: Parameters, x: Any, y: Any) -> dict[str, float]:
    """Loss and accuracy on the points, and accuracy on as many new ones."""
    out = logits(values, setup.activation, x)
    more = make_points(setup.points, setup.count, setup.seed + 1, phase=0.5)
    fresh = logits(values, setup.activation, more[0])
    return {
        "loss": float(np.mean(np.logaddexp(0.0, out) - out * y)),
        "accuracy": float(np.mean((out > 0) == y)),
        "accuracy_new": float(np.mean((fresh > 0) == more[1])),
    }


def _price(level: int, *given: Any) -> dict[str, Any]:
    """CPU time of a pass: the mean of as many as fit into 5 ms, at least one."""
    loss, _ = gradients(level, *given)
    started, count = time.thread_time(), 0
    while (spent := time.thread_time() - started) < 0.005:
        gradients(level, *given)
        count += 1
    return {
        "milliseconds": 1e3 * spent / count,
        "nodes": graph_size(level, *given),
        "loss": loss,
    }
