"""The graph of any expression as a picture: `draw(loss, "loss.svg")`.

    from src.look.graph import draw
    draw(loss, "loss.svg", names={"W": weight})                  # before backward
    draw(loss, "loss.svg", names={"W": weight}, backward=True)   # with all gradients

Run as a program it draws one example a level into docs/pictures.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.tensor import tensor
from ..scalar import Scalar
from ..strided import tensor as strided_tensor
from ..utils.plots import write_bytes
from .read_graph import read_graph
from .retain import gradients
from .svg import render


LIMIT = 400  # boxes; more is no picture any more


def draw(
    root: Any,
    path: str | Path,
    *,
    names: Mapping[str, Any] | None = None,
    backward: bool = False,
    caption: str = "",
) -> None:
    """Write the graph of a Scalar, a strided or an engine Tensor as SVG.

    Before `backward` a gradient is "not computed yet", never 0. With `backward=True`
    the pass is run here and every inner gradient is shown; without, levels 2 and 3 show
    those of leaves, as their engines keep no others. The rule of a node is its tooltip.
    More than 400 nodes: a ValueError.
    """
    known = gradients(root) if backward else None
    nodes = read_graph(root, names, known)
    if len(nodes) > LIMIT:
        raise ValueError(
            f"draw: {len(nodes)} nodes; beyond {LIMIT} nobody reads the picture. Draw "
            "a smaller input, or one layer"
        )
    write_bytes(Path(path), render(nodes, caption).encode())


def example(level: int) -> tuple[Any, dict[str, Any]]:
    """A small expression of each engine and the names of its leaves."""
    if level == 1:
        a, b, c = Scalar(2.0, "a"), Scalar(-3.0, "b"), Scalar(10.0, "c")
        return ((a * b + c) * (a * b + c).tanh() + a**2) / 2, {}
    values = {
        "x": np.array([[1.0, -2.0]]),
        "W": np.array([[0.5, -1.0], [0.25, 0.5]]),
        "b": np.array([0.1, -0.2]),
    }
    if level == 2:
        x = strided_tensor(values.pop("x"))
        leaves = {k: strided_tensor(v, requires_grad=True) for k, v in values.items()}
    else:
        x = tensor(values.pop("x"))
        leaves = {k: tensor(v, requires_grad=True) for k, v in values.items()}
    hidden = (x @ leaves["W"] + leaves["b"]).tanh()
    return (hidden * hidden).mean(), {"x": x, **leaves}


def main() -> None:
    """Draw the examples into docs/pictures."""
    folder = Path(__file__).resolve().parents[2] / "docs" / "pictures"
    for level, what in enumerate(("scalars", "strided tensors", "the engine"), 1):
        root, names = example(level)
        path = folder / f"graph_level{level}.svg"
        caption = f"Level {level}, {what}: after backward"
        draw(root, path, names=names, backward=True, caption=caption)
        print(path)


if __name__ == "__main__":
    main()
