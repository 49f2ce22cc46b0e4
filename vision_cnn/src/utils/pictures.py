"""What a classifier got wrong, as pictures that every colour vision can read."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .plots import BLUE, ORANGE, VERMILLION, new_figure, plain_text, save_figure


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


class Guessed(NamedTuple):
    """One tile of a contact sheet."""

    name: str
    image: Tensor
    """CHW in [0, 1], one or three channels."""
    guesses: Sequence[tuple[str, float]]
    """Classes with their probabilities, the likeliest first."""


def gallery(items: Sequence[Judged], path: Path, title: str = "worst first") -> None:
    """A tile for each image: the surest mistakes first, then the least sure hits.

    A mistake has a vermillion frame and both names, a hit a blue frame and one name.
    """
    _sheet(sorted(items, key=_badness), _judge, path, title, text_lines=2)


def contact_sheet(
    items: Sequence[Guessed], path: Path, title: str = "predictions"
) -> None:
    """A tile for each image in the order given, its likeliest classes above it."""
    lines = max((len(item.guesses) for item in items), default=1)
    _sheet(items, _guess, path, title, lines)


def confusion_picture(
    confusion: Tensor,
    class_names: Sequence[str],
    path: Path,
    title: str = "confusion",
) -> None:
    """Images of a true class (row) named as a class (column), in per cent of the row.

    Hits are blue and mistakes orange, each on a scale of its own, as a mistake of 2 %
    cannot be seen beside a hit of 95 %. The numbers are left out above 15 classes.
    """
    classes = len(class_names)
    if tuple(confusion.shape) != (classes, classes):
        raise ValueError(
            f"confusion is {tuple(confusion.shape)}, {classes} class names"
        )
    counts = confusion.detach().cpu().double().numpy()
    total = counts.sum(1, keepdims=True)
    share = np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0)
    side = max(3.6, min(12.0, 1.6 + 0.55 * classes))
    figure = new_figure(side + 0.8, side)
    axis = figure.subplots()
    axis.imshow(_confusion_colours(share))
    names = [plain_text(name, 16) for name in class_names]
    turned = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 4 else {}
    size = {"fontsize": 9 if classes <= 40 else 5}
    axis.set_xticks(range(classes), names, **turned, **size)
    axis.set_yticks(range(classes), names, **size)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    if classes <= 15:
        _write_cells(axis, share)
    figure.suptitle(plain_text(title, int(11 * side)), fontsize=11)
    worst = _largest_off(share)
    note = "per cent of the true class · blue: right"
    if worst:
        note += f" · orange: wrong, up to {100 * worst:.1f} %"
    figure.supxlabel(note, fontsize=8, color="0.3")
    save_figure(figure, path)


def reliability_picture(sums: Tensor, path: Path, title: str = "reliability") -> None:
    """Accuracy against confidence, and the share of images, in each bin of confidence.

    Rows of `sums` (from `calibration_bins`): images, summed confidence, hits. The bars
    between the points and the diagonal are the calibration errors of the bins.
    """
    if sums.ndim != 2 or len(sums) != 3:
        raise ValueError(f"sums must be 3 x bins, got {tuple(sums.shape)}")
    count, confidence, right = sums.detach().cpu().double().numpy()
    bins, filled = len(count), count > 0
    accuracy, mean = right[filled] / count[filled], confidence[filled] / count[filled]
    middle = ((np.arange(bins) + 0.5) / bins)[filled]
    share = count[filled] / max(1.0, count.sum())
    figure = new_figure(4.6, 5.0)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.plot([0, 1], [0, 1], color="0.4", linestyle="--", label="as sure as right")
    top.vlines(mean, mean, accuracy, color=ORANGE, linewidth=5, alpha=0.5, label="gap")
    sizes = 12 + 90 * np.sqrt(share)
    top.scatter(
        mean, accuracy, sizes, color=BLUE, zorder=3, label="images", clip_on=False
    )
    top.set(xlim=(0, 1), ylim=(-0.02, 1.02), ylabel="share that is right")
    top.text(0.97, 0.05, "below the line: too sure", ha="right", fontsize=8)
    above = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "ncols": 3}
    top.legend(**above, fontsize=8, frameon=False)
    bottom.bar(middle, share, 1 / bins, color=BLUE, edgecolor="white")
    bottom.set(xlabel="probability of the predicted class", ylabel="share of images")
    bottom.set_ylim(0, 1.1 * share.max(initial=0.1))
    figure.suptitle(plain_text(title, 54), fontsize=11)
    save_figure(figure, path)


def _pixels(image: Tensor) -> np.ndarray:
    """CHW in [0, 1], one or three channels, as height x width x 3 bytes."""
    if image.shape[0] not in (1, 3):
        raise ValueError(f"a picture needs 1 or 3 channels, not {image.shape[0]}")
    scaled = image.detach().float().cpu().nan_to_num(0).clamp(0, 1) * 255
    return scaled.expand(3, -1, -1).permute(1, 2, 0).round().to(torch.uint8).numpy()


def _badness(item: Judged) -> tuple[bool, float]:
    right = item.true == item.predicted
    return right, item.probability if right else -item.probability


def _sheet(
    items: Sequence[Judged] | Sequence[Guessed],
    write: Callable[["Axes", Any], None],
    path: Path,
    title: str,
    text_lines: int,
) -> None:
    """A grid of images; `write` puts the words to a tile."""
    columns = max(1, min(_COLUMNS, len(items)))
    lines = -(-len(items) // columns) or 1
    height = (1.78 + 0.16 * text_lines) * lines + 0.5
    figure = new_figure(max(4.5, 1.6 * columns), height)
    axes = figure.subplots(lines, columns, squeeze=False).flatten()
    for axis in axes[len(items) :]:
        axis.set_axis_off()
    for axis, item in zip(axes, items, strict=False):
        shown = _pixels(item.image)
        small = max(shown.shape) < 200
        axis.imshow(shown, interpolation="nearest" if small else "auto")
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_xlabel(plain_text(item.name, 22), fontsize=7, color="0.35")
        write(axis, item)
    if not items:
        axes[0].text(0.5, 0.5, "nothing to show", ha="center", va="center")
    width = int(13 * figure.get_figwidth())
    figure.suptitle(plain_text(title, width), fontsize=11)
    save_figure(figure, path, dpi=130)


def _guess(axis: "Axes", item: Guessed) -> None:
    words = [f"{plain_text(name, 16)}: {100 * p:.0f} %" for name, p in item.guesses]
    axis.set_title("\n".join(words), fontsize=8)


def _judge(axis: "Axes", item: Judged) -> None:
    right = item.true == item.predicted
    for edge in axis.spines.values():
        edge.set(color=BLUE if right else VERMILLION, linewidth=2.5)
    sure = f"{plain_text(item.predicted, 16)}: {100 * item.probability:.0f} %"
    text = sure if right else f"{sure}\nis {plain_text(item.true, 16)}"
    axis.set_title(text, fontsize=9, color="black" if right else "#A04000")


def _confusion_colours(share: np.ndarray) -> np.ndarray:
    """White to blue on the diagonal; white to orange off it, by the largest there."""
    from matplotlib.colors import to_rgb

    ends = np.empty((*share.shape, 3))
    ends[:] = to_rgb(ORANGE)
    ends[np.diag_indices(len(share))] = to_rgb(BLUE)
    depth = np.nan_to_num(share / max(_largest_off(share), 1e-9))
    depth[np.diag_indices(len(share))] = np.nan_to_num(np.diagonal(share))
    return 1 - depth[..., None] * (1 - ends)


def _write_cells(axis: "Axes", share: np.ndarray) -> None:
    for row, column in np.ndindex(share.shape):
        dark = row == column and share[row, column] > 0.5
        style = {"color": "white" if dark else "black", "fontsize": 8}
        text = _percent(share[row, column])
        axis.text(column, row, text, ha="center", va="center", **style)


def _largest_off(share: np.ndarray) -> float:
    off = share[~np.eye(len(share), dtype=bool)]
    return float(np.nanmax(off, initial=0.0)) if off.size else 0.0


def _percent(share: float) -> str:
    """One decimal; 0 and 100 only for what is exactly that, a dot for 0."""
    if np.isnan(share):
        return "-"
    if share in (0, 1):
        return "100" if share else "·"
    value = 100 * share
    return "<0.1" if value < 0.05 else ">99.9" if value >= 99.95 else f"{value:.1f}"
