"""Step through a backward pass in the browser: one HTML file, no network.

    python -m src.look.stepper                   # writes stepper.html
    python -m src.look.stepper -o somewhere.html

Buttons, the arrow keys and Home/End; a link ending in `#2,14` opens scene 2 at step 14.
"""

import argparse
import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ..scalar import MLP, Scalar
from ..scalar.train import mean_log_loss
from ..utils.plots import write_bytes
from .read_graph import read_graph
from .stepper_page import PAGE, SCENE
from .steps import Step, backward_steps, update_steps
from .svg import render


XOR = ([(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0])


@dataclass(frozen=True, slots=True)
class Scene:
    """One expression of the page: its picture before backward, and the steps."""

    title: str
    note: str
    svg: str
    steps: list[Step]


def scene(root: Scalar, title: str, note: str = "", ids: str = "s") -> Scene:
    """The expression `root` with its backward pass; `ids` tells scenes apart."""
    svg = render(read_graph(root), ids=ids)
    return Scene(title, note, svg, backward_steps(root))


def write_stepper(scenes: list[Scene], path: Path) -> None:
    """One page with a tab for each scene; `ids` of the scenes are s1, s2, ..."""
    bodies = "\n".join(
        SCENE.format(number=i, note=escape(each.note), svg=each.svg)
        for i, each in enumerate(scenes, 1)
    )
    tabs = "".join(
        f'<button class="tab" data-scene="{i}">{escape(each.title)}</button>'
        for i, each in enumerate(scenes, 1)
    )
    data = [[step.plain() for step in each.steps] for each in scenes]
    # "</script>" inside a name would end the script early.
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    page = PAGE.replace("@TABS@", tabs).replace("@SCENES@", bodies)
    write_bytes(path, page.replace("@DATA@", text).encode())


def example() -> Scene:
    """An expression in which two nodes are used twice."""
    a, b, c = Scalar(2.0, "a"), Scalar(-3.0, "b"), Scalar(5.5, "c")
    d = a * b + c
    d.name = "d"
    note = (
        "y = d · tanh(d) + a², with d = a · b + c. The gradients of a and of d arrive "
        "in two parts each: d waits for both before it passes anything on."
    )
    return scene(d * d.tanh() + a**2, "An expression", note, "s1")


def xor_step(rate: float = 0.5) -> Scene:
    """One training step of a perceptron 2-2-1 on the four points of XOR."""
    model = MLP(2, [2, 1], "tanh", seed=3)
    name_parameters(model)
    loss = mean_log_loss(model, *XOR)
    shown = scene(
        loss,
        "A training step of XOR",
        "A perceptron 2-2-1 with tanh on four points, mean log loss. Each weight is "
        "used by all four points, so that its gradient arrives in four parts.",
        "s2",
    )
    shown.steps.extend(descent_steps(model, loss, XOR, rate))
    return shown


def name_parameters(model: MLP) -> None:
    """`hidden1 w0`, `out b`: the layer, the neuron, weight or bias."""
    last = len(model.layers) - 1
    for depth, layer in enumerate(model.layers):
        where = "out" if depth == last else f"hidden{depth + 1 if last > 1 else ''}"
        for number, neuron in enumerate(layer.neurons):
            at = where if len(layer.neurons) == 1 else f"{where}{number}"
            neuron.bias.name = f"{at} b"
            for i, weight in enumerate(neuron.weights):
                weight.name = f"{at} w{i}"


def descent_steps(
    model: MLP, loss: Scalar, points: tuple[list, list], rate: float
) -> list[Step]:
    """Update, the loss of `points` (x, labels) afterwards, and zero_grad.

    The gradients are there already; the values of the parameters stay.
    """
    parameters = list(model.parameters())
    old = [parameter.data for parameter in parameters]
    for parameter in parameters:
        parameter.data -= rate * parameter.grad
    after = mean_log_loss(model, *points).data
    for parameter, value in zip(parameters, old, strict=True):
        parameter.data = value
    return update_steps(loss, parameters, rate, after)


def main(arguments: list[str] | None = None) -> int:
    """Write the page of both examples."""
    parser = argparse.ArgumentParser(
        prog="python -m src.look.stepper", description=__doc__.split("\n")[0]
    )
    parser.add_argument("-o", "--output", default="stepper.html", metavar="FILE")
    path = Path(parser.parse_args(arguments).output)
    write_stepper([example(), xor_step()], path)
    print(f"{path}: open it in a browser; arrow keys step")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
