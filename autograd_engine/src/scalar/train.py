"""Train a perceptron of Scalars to tell two classes of points apart.

    python -m src.scalar.train --points xor

Stochastic gradient descent: a few points at a time, in a new order each epoch, forward,
backward, p.data -= rate * p.grad.
"""

import argparse
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

from .module import MLP
from .scalar import Scalar


@dataclass(frozen=True, slots=True)
class Result:
    """The trained model; `losses` has the mean over the points of each epoch."""

    model: MLP
    losses: list[float]
    accuracy: float


def train(
    points: Sequence[Sequence[float]],
    labels: Sequence[int],
    *,
    hidden: int = 10,
    rate: float = 0.3,
    epochs: int = 100,
    batch: int = 5,
    seed: int = 0,
    report: Callable[[int, float], None] = lambda epoch, loss: None,
) -> Result:
    """Fit an MLP with two hidden layers to labels 0 and 1 by gradient descent.

    `report` is called with the number of the epoch, from 1, and its loss.
    """
    _check(points, labels)
    for name, value in (("hidden", hidden), ("epochs", epochs), ("batch", batch)):
        if value < 1:
            raise ValueError(f"train: {name} is {value}; it must be at least 1")
    model = MLP(len(points[0]), [hidden, hidden, 1], seed=seed)
    order, rng = list(range(len(points))), random.Random(seed)
    losses = []
    for epoch in range(1, epochs + 1):
        rng.shuffle(order)
        step = rate * (1 - (epoch - 1) / epochs)  # ever smaller, to come to rest
        total = 0.0
        for start in range(0, len(order), batch):
            some = order[start : start + batch]
            loss = mean_log_loss(
                model, [points[i] for i in some], [labels[i] for i in some]
            )
            model.zero_grad()  # or the gradients of all steps so far would add up
            loss.backward()
            for parameter in model.parameters():
                parameter.data -= step * parameter.grad
            total += loss.data * len(some)
        losses.append(total / len(order))
        report(epoch, losses[-1])
    return Result(model, losses, accuracy(model, points, labels))


def mean_log_loss(
    model: MLP, points: Sequence[Sequence[float]], labels: Sequence[int]
) -> Scalar:
    """The mean of `log_loss` over the points."""
    total = Scalar(0.0)
    for point, label in zip(points, labels, strict=True):
        (logit,) = model(point)
        total = total + log_loss(logit, label)
    return total / len(points)


def log_loss(logit: Scalar, label: int) -> Scalar:
    """-log p(label) with p(1) = sigmoid(logit): softplus(-logit) for 1, of logit for 0.

    By `sigmoid` and `log` it would be infinite from a logit of 37 on.
    """
    return (-logit if label == 1 else logit).softplus()


def accuracy(
    model: MLP, points: Sequence[Sequence[float]], labels: Sequence[int]
) -> float:
    """The share of points on the right side of logit 0."""
    right = sum(
        (model(point)[0] > 0) == (label == 1)
        for point, label in zip(points, labels, strict=True)
    )
    return right / len(points)


def main(arguments: list[str] | None = None) -> int:
    """The command above: prints the loss as it falls, then the accuracy."""
    from ..data.points import PointsName, make_points

    parser = argparse.ArgumentParser(
        prog="python -m src.scalar.train", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--points", choices=get_args(PointsName), default="xor")
    parser.add_argument("--n", type=_whole, default=50, help="points (50)")
    parser.add_argument("--hidden", type=_whole, default=10, help="width (10)")
    parser.add_argument("--rate", type=_positive, default=0.3, help="first step (0.3)")
    parser.add_argument("--epochs", type=_whole, default=100, help="epochs (100)")
    parser.add_argument("--batch", type=_whole, default=5, help="points a step (5)")
    parser.add_argument("--seed", type=int, default=0, help="points and weights (0)")
    options = parser.parse_args(arguments)
    try:
        points, labels = make_points(options.points, options.n, options.seed)
    except ValueError as error:
        parser.error(str(error))

    def report(epoch: int, loss: float) -> None:
        if epoch == 1 or epoch % (max(options.epochs, 10) // 10) == 0:
            print(f"epoch {epoch:>5}  loss {loss:.4f}")

    result = train(
        points.tolist(),
        labels.tolist(),
        hidden=options.hidden,
        rate=options.rate,
        epochs=options.epochs,
        batch=options.batch,
        seed=options.seed,
        report=report,
    )
    print(f"{options.points}: {result.accuracy:.0%} of {options.n} points right")
    return 0


def _check(points: Sequence[Sequence[float]], labels: Sequence[int]) -> None:
    if not points or len(points) != len(labels):
        raise ValueError(
            f"train: {len(points)} points and {len(labels)} labels; "
            "give one label a point, and at least one point"
        )
    for index, label in enumerate(labels):
        if label not in (0, 1):
            raise ValueError(f"train: label {index} is {label!r}; labels are 0 and 1")


def _whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


if __name__ == "__main__":
    sys.exit(main())
