"""What a classifier got wrong, as pictures that every colour vision can read."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .plots import BLUE, VERMILLION, new_figure, plain_text, save_figure


if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 6


class Judged(NamedTuple):
    """One tile of a gallery."""

    name: str
    image: Tensor
    """CHW in [0, 1], one or three channels."""
    true: str
    """Names of classes."""
    predicted: str
    probability: float
    """Of the predicted class."""


def gallery(items: Sequence[Judged], path: Path, title: str = "worst first") -> None:
    """A tile for each image: the surest mistakes first, then the least sure hits.

    A mistake has a vermillion frame and both names, a hit a blue frame and one name.
    """
    items = sorted(items, key=_badness)
    columns = max(1, min(_COLUMNS, len(items)))
    lines = -(-len(items) // columns) or 1
    figure = new_figure(max(4.5, 1.6 * columns), 2.1 * lines + 0.5)
    axes = figure.subplots(lines, columns, squeeze=False).flatten()
    for axis in axes[len(items) :]:
        axis.set_axis_off()
    for axis, item in zip(axes, items, strict=False):
        _tile(axis, item)
    if not items:
        axes[0].text(0.5, 0.5, "nothing to show", ha="center", va="center")
    width = int(13 * figure.get_figwidth())
    figure.suptitle(plain_text(title, width), fontsize=11)
    save_figure(figure, path, dpi=130)


def pixels(image: Tensor) -> np.ndarray:
    """CHW in [0, 1], one or three channels, as height x width x 3 bytes."""
    if image.shape[0] not in (1, 3):
        raise ValueError(f"a picture needs 1 or 3 channels, not {image.shape[0]}")
    scaled = image.detach().float().cpu().nan_to_num(0).clamp(0, 1) * 255
    return scaled.expand(3, -1, -1).permute(1, 2, 0).round().to(torch.uint8).numpy()


def _badness(item: Judged) -> tuple[bool, float]:
    right = item.true == item.predicted
    return right, item.probability if right else -item.probability


def _tile(axis: "Axes", item: Judged) -> None:
    shown = pixels(item.image)
    axis.imshow(shown, interpolation="nearest" if max(shown.shape) < 200 else "auto")
    axis.set_xticks([])
    axis.set_yticks([])
    right = item.true == item.predicted
    for edge in axis.spines.values():
        edge.set(color=BLUE if right else VERMILLION, linewidth=2.5)
    sure = f"{plain_text(item.predicted, 16)} {100 * item.probability:.0f} %"
    text = sure if right else f"{sure}\nis {plain_text(item.true, 16)}"
    axis.set_title(text, fontsize=9, color="black" if right else "#A04000")
    axis.set_xlabel(plain_text(item.name, 22), fontsize=7, color="0.35")
