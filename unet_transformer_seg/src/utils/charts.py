"""Figures of a trained model: confusion, reliability, attention.

These write files and therefore check what they are given themselves, without a
contract.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from .plots import BLUE, ORANGE, VERMILLION, new_figure, plain_text, save_figure


def confusion_picture(
    confusion: Tensor,
    class_names: Sequence[str],
    path: Path,
    title: str = "confusion",
) -> None:
    """Pixels of true class (row) named as a class (column), as share of the row.

    A class without true pixels has an empty row. Numbers are left out above 15 classes.
    """
    classes = len(class_names)
    if tuple(confusion.shape) != (classes, classes):
        raise ValueError(
            f"confusion is {tuple(confusion.shape)}, {classes} class names"
        )
    counts = confusion.detach().cpu().double().numpy()
    total = counts.sum(1, keepdims=True)
    share = np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0)
    side = max(3.2, min(14.0, 1.6 + 0.75 * classes))
    figure = new_figure(side + 1.2, side)
    axis = figure.subplots()
    drawn = axis.imshow(share, vmin=0, vmax=1, cmap="cividis")
    names = [plain_text(name, 16) for name in class_names]
    turned = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 6 else {}
    axis.set_xticks(range(classes), names, **turned)
    axis.set_yticks(range(classes), names)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    figure.suptitle(plain_text(title, int(11 * side)), fontsize=11)
    for row, column in np.ndindex(classes, classes) if classes <= 15 else ():
        value = share[row, column]
        text = "-" if np.isnan(value) else f"{value:.1%}"
        colour = "white" if value < 0.55 else "black"
        axis.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    figure.colorbar(drawn, ax=axis, label="share of the true class", shrink=0.85)
    save_figure(figure, path)


def reliability_picture(sums: Tensor, path: Path, title: str = "reliability") -> None:
    """Accuracy against confidence, and the share of pixels, in each bin of confidence.

    Rows of `sums` (from `calibration_bins`): pixels, summed confidence, right pixels.
    """
    if sums.ndim != 2 or len(sums) != 3:
        raise ValueError(f"sums must be 3 x bins, got {tuple(sums.shape)}")
    count, confidence, right = sums.detach().cpu().double().numpy()
    bins = len(count)
    filled = count > 0
    accuracy = right[filled] / count[filled]
    mean = confidence[filled] / count[filled]
    middle = ((np.arange(bins) + 0.5) / bins)[filled]
    share = count[filled] / max(1.0, count.sum())
    figure = new_figure(4.2, 4.8)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.plot([0, 1], [0, 1], color="0.4", linestyle="--", label="perfect")
    top.plot(mean, accuracy, "o-", color=VERMILLION, markersize=4, label="the model")
    top.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
    top.set_title(plain_text(title, 44), fontsize=11)
    top.legend(loc="upper left", fontsize=8)
    bottom.bar(middle, share, 1 / bins, color=BLUE, edgecolor="white")
    bottom.set(xlabel="confidence", ylabel="share of pixels", ylim=(0, 1))
    save_figure(figure, path)


def attention_picture(
    image: Tensor,
    maps: Tensor,
    stride: int,
    pixel: tuple[int, int],
    path: Path,
    title: str = "attention",
) -> None:
    """What the bottleneck token at `pixel` (row, column) looks at, layer by layer.

    `image` is CHW in [0, 1]; `maps` are the weights of this image, layers x heads x
    tokens x tokens, of tokens of `stride` pixels that cover the image after its padding
    (equal on both sides). Shown is the mean over heads, from 0 to the layer's largest
    weight, as share of all that the token looks at.
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    _, height, width = image.shape
    rows, columns = (max(2, -(-side // stride)) for side in (height, width))
    if maps.ndim != 4 or tuple(maps.shape[2:]) != (rows * columns,) * 2:
        raise ValueError(
            f"maps are {tuple(maps.shape)}; {rows}x{columns} tokens of {stride} pixels"
        )
    if not (0 <= pixel[0] < height and 0 <= pixel[1] < width):
        raise ValueError(f"pixel {pixel} is outside the image of {height}x{width}")
    top, left = (rows * stride - height) // 2, (columns * stride - width) // 2
    y, x = (pixel[0] + top) // stride, (pixel[1] + left) // stride
    weights = maps[:, :, y * columns + x].detach().float().mean(1).cpu()
    weights = weights.reshape(-1, rows, columns).numpy()
    pixels = image.detach().float().cpu().clamp(0, 1).expand(3, -1, -1)
    shown = pixels.permute(1, 2, 0).numpy()
    right, bottom = columns * stride - left, rows * stride - top
    place = (-left - 0.5, right - 0.5, bottom - 0.5, -top - 0.5)
    panels = len(weights) + 1
    figure = new_figure(2.8 * panels, 2.8 * height / width + 1.0)
    for index, axis in enumerate(figure.subplots(1, panels)):
        axis.set_axis_off()
        if index:
            drawn = axis.imshow(weights[index - 1], cmap="magma", vmin=0, extent=place)
            axis.set_title(f"layer {index}", fontsize=9)
            figure.colorbar(
                drawn,
                ax=axis,
                location="bottom",
                format=PercentFormatter(1.0),
                ticks=MaxNLocator(3),
            ).ax.tick_params(labelsize=8)
        else:
            axis.imshow(shown)
            axis.set_title("image, token framed", fontsize=9)
        axis.set_anchor("N")  # after the scale, which moves the panel that it is of
        _mark(axis, x * stride - left, y * stride - top, stride)
        axis.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    scale = (
        f"share of its attention, mean of {maps.shape[1]} heads; "
        f"{1 / (rows * columns):.2%} each if it looked everywhere alike"
    )
    figure.suptitle(f"{plain_text(title, 26 * panels)}\n{scale}", fontsize=10)
    save_figure(figure, path)


def _mark(axis, left: int, top: int, side: int) -> None:
    """A frame around a token that shows on light and dark."""
    from matplotlib.patches import Rectangle

    for colour, width in (("black", 3.0), (ORANGE, 1.5)):
        frame = Rectangle(
            (left - 0.5, top - 0.5), side, side, fill=False, color=colour, lw=width
        )
        axis.add_patch(frame)
