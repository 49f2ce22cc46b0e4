"""The stepper's panel: an expression or a network, forwards and backwards, by steps.

What each step says comes from `look.steps`, where the boxes lie from `look.geometry`.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any, get_args

import numpy as np

from ..look.geometry import arrange
from ..look.nodes import NOT_YET, Node
from ..look.read_graph import read_graph
from ..look.stepper import XOR, descent_steps, name_parameters
from ..look.steps import Step, backward_steps, forward_steps
from ..scalar import MLP, Scalar, topological_order
from ..scalar.train import log_loss, mean_log_loss
from ..utils.errors import InputError
from .expression import LENGTH, read_expression
from .levels import Activation, scalar_network
from .page import Question


EXAMPLES = {
    "used twice": "a = 2; b = -3; c = 5.5\nd = a * b + c\nd * tanh(d) + a**2",
    "a product": "a = 2; b = -3\na * b",
    "a sum of one value": "a = 3\na + a",
    "why an order": "a = 3\nb = a + a\nb + b",
    "a quotient": "a = 1; b = 4\na / b - b / a",
    "a power": "x = 3\nx**2 + 2**x",
    "a chain": "x = 0.5\ntanh(exp(x) - 1)",
    "a sigmoid by hand": "x = -1\n1 / (1 + exp(-x))",
    "a neuron": "x1 = 2; w1 = -3; x2 = 0; w2 = 1; b = 6.9\ntanh(w1*x1 + w2*x2 + b)",
    "a dead relu": "x = 1; w = -2; b = 0.5\nrelu(w * x + b) * 3",
    "a loss": "w = 0.5; b = -1\nsoftplus(-(w * 2 + b))",
    "no number": "x = 0\nx * log(x)",
}
"""Title -> text; a saved page holds them."""

SOON = "not yet"
"""Instead of NOT_YET: boxes are narrower by half."""

HIDDEN, NODES = 4, 200
"""Widest hidden layer that can be chosen; most boxes (two points of 2-8-8-1: 178)."""


class Stepper:
    """What the stepper's panel asks for."""

    def start(self) -> dict[str, Any]:
        """The examples and limits, and the first of the examples."""
        text = next(iter(EXAMPLES.values()))
        return {
            "examples": [[title, text] for title, text in EXAMPLES.items()],
            "length": LENGTH,
            "hidden": HIDDEN,
            "activations": get_args(Activation),
            "points": [_pair(x, y) for x, y in zip(*XOR, strict=True)],
            "scene": self.expression(text),
        }

    def expression(self, text: str) -> dict[str, Any]:
        """Both passes of a typed expression; InputError says where it is wrong."""
        return _scene(read_expression(text))

    def network(
        self,
        hidden: int,
        activation: Activation,
        point: int,
        seed: int = 3,
        fused: bool = True,
    ) -> dict[str, Any]:
        """A training step of a perceptron 2-`hidden`-1 on XOR.

        `point` is one of its four points, -1 all of them; with `fused` a neuron is one
        node, otherwise one a product and a sum.
        """
        limits = (("hidden", hidden, 1, HIDDEN), ("point", point, -1, 3))
        for name, value, least, most in (*limits, ("seed", seed, 0, 999)):
            if not least <= value <= most:
                raise InputError(f"{name} is {value}; choose {least} to {most}")
        model = MLP(2, [hidden, 1], activation, seed=seed, fused=fused)
        chosen = range(4) if point < 0 else [point]
        return _step_of(model, [XOR[0][i] for i in chosen], [XOR[1][i] for i in chosen])

    def given(
        self,
        activation: Activation,
        parameters: list[list[Any]],
        x: list[list[float]],
        y: list[int],
        rate: float,
    ) -> dict[str, Any]:
        """A training step of the playground's network: weights, points and labels."""
        fit = len(x) == len(y) > 0 and all(len(point) == 2 for point in x)
        if not fit or not set(y) <= {0, 1}:
            raise InputError("a point is two numbers, and each has a label 0 or 1")
        if not np.isfinite([*np.ravel(x), rate]).all():
            raise InputError("points and rate must be finite numbers")
        arrays = _arrays(parameters)
        _limit(sum(array.size for array in arrays) + len(x))  # before it is built
        return _step_of(scalar_network(arrays, activation), x, y, rate)

    def exported(self) -> list[Question]:
        """What a saved page steps through: the examples, and networks up to 2-3-1."""
        texts = [("stepper/expression", {"text": text}) for text in EXAMPLES.values()]
        networks = [
            {"hidden": hidden, "activation": activation, "point": point}
            for hidden in (1, 2, 3)
            for activation in ("tanh", "relu")
            for point in range(-1, 4)
        ]
        rest = {"seed": 3, "fused": True}
        return [
            ("stepper/start", {}),
            *texts,
            *(("stepper/network", network | rest) for network in networks),
        ]


def _arrays(parameters: list) -> list[np.ndarray]:
    """W1, b1, W2, b2, ... from two inputs to one logit, each with its shape."""
    try:
        sizes = [2, *(len(bias) for bias in parameters[1::2])]
        shapes = [shape for pair in pairwise(sizes) for shape in (pair, pair[1:])]
        arrays = [
            np.array(values, np.float64).reshape(shape)
            for values, shape in zip(parameters, shapes, strict=True)
        ]
        if sizes[-1] != 1 or not all(np.isfinite(each).all() for each in arrays):
            raise ValueError
    except (ValueError, TypeError):
        raise InputError("parameters are not W1, b1, W2, b2, ... from 2 to 1") from None
    return arrays


def _step_of(model: MLP, x: list, y: list, rate: float = 0.5) -> dict[str, Any]:
    """Forward, backward and update of a network on these points."""
    name_parameters(model)
    if len(x) == 1:  # so few boxes that the inputs may be leaves too
        inputs = [Scalar(value, f"x{i}") for i, value in enumerate(x[0])]
        loss = log_loss(model(inputs)[0], y[0])
    else:
        loss = mean_log_loss(model, x, y)
    loss.name = "loss"
    _limit(len(topological_order(loss)))
    return _scene(loss, lambda: descent_steps(model, loss, (x, y), rate))


def _limit(count: int) -> None:
    if count > NODES:
        raise InputError(
            f"{count} boxes cannot be followed, at most {NODES}: take a smaller "
            "network or fewer points"
        )


def _scene(root: Scalar, after: Callable[[], list[Step]] = list) -> dict[str, Any]:
    """Boxes, arrows, and the steps of both passes, then those of `after`."""
    nodes = [_shortened(node) for node in read_graph(root)]  # no gradient is known yet
    first, *rest = [*forward_steps(root), *backward_steps(root), *after()]
    first = replace(first, texts=dict.fromkeys(first.texts, SOON))
    steps = [first, *rest]
    return {
        "nodes": [asdict(node) for node in nodes],
        "picture": _rounded(arrange(_at_their_widest(nodes, steps)).plain()),
        "steps": [step.plain() for step in steps],
        "soon": SOON,
    }


def _shortened(node: Node) -> Node:
    rows = [(label, SOON if text == NOT_YET else text) for label, text in node.rows]
    return replace(node, rows=tuple(rows))


def _at_their_widest(nodes: list[Node], steps: list[Step]) -> list[Node]:
    """The nodes with the longest text that a step writes into each row, and bold."""
    longest = {}
    for step in steps:
        for name, text in step.texts.items():
            longest[name] = max(longest.get(name, ""), text, key=len)
    out = []
    for i, node in enumerate(nodes):
        rows = [
            (label, max(text, longest.get(f"n{i}r{row}", ""), key=len) + "0")
            for row, (label, text) in enumerate(node.rows)
        ]
        out.append(replace(node, rows=tuple(rows)))
    return out


def _rounded(value: Any) -> Any:
    """Tenths of a pixel."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return round(value, 1) if isinstance(value, float) else value


def _pair(x: tuple, y: int) -> str:
    return f"({x[0]}, {x[1]}) → {y}"
