"""Points of a plane, coloured by class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    """Points (count, 2): each class has its colour and marker, its name at its median.

    What the model takes for another class has a black edge.
    """
    size = max(5.0, min(26.0, 9000 / max(1, len(points))))
    for number, name in enumerate(class_names):
        rows = target == number
        if not rows.any():
            continue
        place = points[rows].numpy()
        wrong = (predicted[rows] != number).numpy()
        axis.scatter(
            place[:, 0],
            place[:, 1],
            s=size,
            c=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number // len(COLOURS) % len(MARKERS)]
            if len(class_names) > len(COLOURS)
            else MARKERS[number % len(MARKERS)],
            edgecolors=[BLACK if w else "white" for w in wrong],
            linewidths=[0.9 if w else 0.25 for w in wrong],
            label=plain_text(name, 18),
            alpha=0.9,
        )
    if len(class_names) <= NAMED:
        _name_classes(axis, points, target, class_names)
        axis.legend(
            loc="center left",
            bbox_to_anchor=(1, 0.5),
            fontsize=8,
            frameon=False,
            markerscale=1.5,
        )
    axis.set_xticks([])
    axis.set_yticks([])


def _name_classes(
    axis: "Axes", points: Tensor, target: Tensor, class_names: Sequence[str]
) -> None:
    from matplotlib.patheffects import withStroke

    for number, name in enumerate(class_names):
        rows = points[target == number]
        if len(rows):
            x, y = rows.median(0).values.tolist()
            halo = [withStroke(linewidth=2.5, foreground="white")]
            text = plain_text(name, 14)
            axis.text(x, y, text, ha="center", va="center", fontsize=9, weight="bold",
                      path_effects=halo)  # fmt: skip
