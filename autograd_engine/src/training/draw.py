"""What the model makes of validation samples: a picture, or a text that it wrote."""

from pathlib import Path

import numpy as np

from ..data import ArrayDataset, decode
from ..metrics import confusion_matrix
from ..utils.atomic import write_atomically
from ..utils.plots import LINES, new_figure, plain_text, save_figure
from .predict import continue_text, probabilities, unlabelled
from .task import Setup


IMAGES, CHARACTERS = 24, 500
LOOKED_AT = 1000
"""Validation images of which the worst are shown."""


def draw_predictions(setup: Setup, device: str, run: Path) -> str:
    """Draw or write for the kind of data; the file, as the run folder names it."""
    info = setup.splits.info
    if info["name"] == "text":
        name = "predictions/sample.txt"
        write_atomically(run / name, sample_text(setup, device).encode())
        return name
    name = "plots/predictions.png"
    draw = {"points": _regions, "table": _table, "sentiment": _table}
    draw.get(info["name"], _gallery)(setup, device, run / name)
    return name


def sample_text(setup: Setup, device: str, count: int = CHARACTERS) -> str:
    """A text that the model goes on with after the first line break that it knows."""
    info = setup.splits.info
    vocabulary, block = info["vocabulary"], info["input_shape"][0]
    first = max(vocabulary.find("\n"), 0)
    ids = np.array([first], np.int64)
    drawn = continue_text(setup.model, ids, count, block, device=device)
    return decode(drawn, vocabulary) + "\n"


def draw_confusion(counts: np.ndarray, classes: list[str], path: Path) -> None:
    """The confusion matrix as a picture: rows are the truth."""
    side = max(3.2, 0.5 * len(classes) + 1.6)
    figure = new_figure(side, side)
    axis = figure.subplots()
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts) if len(classes) <= 20 else ():
        colour = "white" if share[row, column] > 0.5 else "black"
        axis.text(column, row, str(count), ha="center", va="center", color=colour)
    names = [plain_text(name, 16) for name in classes]
    axis.set_xticks(range(len(classes)), names, rotation=45, ha="right")
    axis.set_yticks(range(len(classes)), names)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    save_figure(figure, path)


def _table(setup: Setup, device: str, path: Path) -> None:
    val, classes = setup.splits.val, setup.splits.info["classes"]
    guess = probabilities(setup.model, val, device).argmax(1)
    draw_confusion(confusion_matrix(guess, val.labels, len(classes)), classes, path)


def _regions(setup: Setup, device: str, path: Path) -> None:
    """The validation points over the probability of class 1 in the plane."""
    val = setup.splits.val
    low, high = val.features.min(0), val.features.max(0)
    edge = 0.08 * (high - low)
    x, y = np.linspace(low - edge, high + edge, 101, dtype=np.float32).T
    grid = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    chance = probabilities(setup.model, unlabelled(grid), device)[:, 1]
    figure = new_figure(5, 4.4)
    axis = figure.subplots()
    levels = np.linspace(0, 1, 11)
    regions = axis.contourf(
        x, y, chance.reshape(101, 101), levels, cmap="PuOr_r", alpha=0.7
    )
    figure.colorbar(regions, ax=axis, label="probability of class 1")
    for code, colour in ((0, LINES[5]), (1, LINES[1])):
        at = val.features[val.labels == code]
        axis.scatter(at[:, 0], at[:, 1], 8, color=colour, edgecolors="k", lw=0.3)
    right = probabilities(setup.model, val, device).argmax(1) == val.labels
    axis.set_title(f"val: {right.sum()} of {len(right)} right")
    save_figure(figure, path)


def _gallery(setup: Setup, device: str, path: Path) -> None:
    """Validation images, those with the least probability of their class first."""
    classes = [plain_text(name, 12) for name in setup.splits.info["classes"]]
    val = setup.splits.val
    # From the whole of it: an image folder has its classes one after the other.
    spread = np.linspace(0, len(val) - 1, min(LOOKED_AT, len(val)))
    val = val.subset(np.unique(spread.astype(np.int64)))
    chance = probabilities(setup.model, val, device)
    of_truth = chance[np.arange(len(val)), val.labels]
    worst = np.argsort(of_truth, kind="stable")[:IMAGES]
    figure = new_figure(9, 6.4)
    for axis, i in zip(figure.subplots(4, 6).flatten(), worst, strict=False):
        axis.imshow(_pixels(val, i), cmap="gray", vmin=0, vmax=255)
        guess, truth = int(chance[i].argmax()), int(val.labels[i])
        axis.set_title(
            f"{classes[guess]} {chance[i, guess]:.0%}\n(true: {classes[truth]})",
            fontsize="small",
            color="black" if guess == truth else LINES[3],
        )
    for axis in figure.axes:
        axis.axis("off")
    right = int((chance.argmax(1) == val.labels).sum())
    figure.suptitle(f"val, worst first · {right} of {len(val)} right")
    save_figure(figure, path)


def _pixels(dataset: ArrayDataset, index: int) -> np.ndarray:
    """An image as it was before it was normalised: grey or colour, channels last."""
    image = np.moveaxis(dataset.features[index], 0, -1)
    return image[..., 0] if image.shape[-1] == 1 else image
