"""Points of a plane, coloured by class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..utils.plots import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    plain_text,
)


if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, "#8C6D1F", "#777777")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
NAMED = 24
"""Classes, above which neither a legend nor names are drawn: they would hide it all."""


def draw_scatter(
    axis: "Axes",
    points: Tensor,
    target: Tensor,
    predicted: Tensor,
    class_names: Sequence[str],
) -> None:
    """Points (count, 2): a colour and a marker a class, its name at its middle point.

    What the model takes for another class has a black edge and lies on top.
    """
    size = max(5.0, min(26.0, 9000 / max(1, len(points))))
    right = predicted == target
    for rows, edge, width in ((right, "white", 0.25), (~right, BLACK, 0.9)):
        for number in target[rows].unique().tolist():
            colour, marker = _look_of(number, len(class_names))
            x, y = points[rows & (target == number)].T.numpy()
            style = {"c": colour, "marker": marker, "s": size, "edgecolors": edge}
            axis.scatter(x, y, linewidths=width, alpha=0.9, **style)
    if len(class_names) <= NAMED:
        _name_classes(axis, points, target, class_names)
        _draw_legend(axis, class_names)
    axis.set_xticks([])
    axis.set_yticks([])


def _look_of(number: int, classes: int) -> tuple[str, str]:
    """Colour and marker of a class; up to seven classes differ in both."""
    turn = number if classes <= len(COLOURS) else number // len(COLOURS)
    return COLOURS[number % len(COLOURS)], MARKERS[turn % len(MARKERS)]


def _draw_legend(axis: "Axes", class_names: Sequence[str]) -> None:
    for number, name in enumerate(class_names):
        colour, marker = _look_of(number, len(class_names))
        axis.scatter([], [], c=colour, marker=marker, label=plain_text(name, 18))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8, frameon=False)


def _name_classes(
    axis: "Axes", points: Tensor, target: Tensor, class_names: Sequence[str]
) -> None:
    from matplotlib.patheffects import withStroke

    for number, name in enumerate(class_names):
        rows = points[target == number]
        if len(rows):
            x, y = rows[torch.cdist(rows, rows).sum(1).argmin()].tolist()
            halo = [withStroke(linewidth=2.5, foreground="white")]
            text = plain_text(name, 14)
            axis.text(x, y, text, ha="center", va="center", fontsize=9, weight="bold",
                      path_effects=halo)  # fmt: skip
