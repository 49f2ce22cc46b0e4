"""The pictures of the data check: examples of each class, and how many there are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from ..utils.errors import InputError
from ..utils.plots import BLUE, GREEN, ORANGE, new_figure, plain_text, save_figure
from .image_set import ImageSet
from .names import show


ROWS, COLUMNS = 20, 10
"""Classes and examples of each on the sheet."""
MOST_BARS = 50
COLOURS = {"train": BLUE, "val": ORANGE, "test": GREEN}


def draw_pictures(datasets: Mapping[str, ImageSet], out: Path) -> list[Path]:
    """Write contact_sheet.png and class_balance.png into `out`; InputError if not."""
    sheet, balance = out / "contact_sheet.png", out / "class_balance.png"
    try:
        draw_sheet(datasets["train"], sheet)
        draw_balance(datasets, balance)
    except OSError as error:
        raise InputError(
            f"--out {show(out)}: cannot be written ({error.strerror}); choose another "
            "folder"
        ) from None
    return [sheet, balance]


def draw_sheet(train: ImageSet, path: Path) -> None:
    """A row of training images for each class, spread evenly over it."""
    names = train.info.class_names
    chosen = _spread(len(names), ROWS)
    scale = max(1, round(48 / train.info.width))
    rows = [_row(train, label, scale) for label in chosen]
    sheet = np.concatenate(rows)
    height = max(1.6, 0.62 * len(chosen) * train.info.height / train.info.width + 0.7)
    figure = new_figure(8, min(height, 40))
    axis = figure.subplots()
    grey = sheet.shape[2] == 1
    axis.imshow(
        sheet[..., 0] if grey else sheet,
        cmap="gray" if grey else None,
        vmin=0,
        vmax=255,
        interpolation="nearest",
    )
    step = len(rows[0])
    labels = [plain_text(names[label], 20) for label in chosen]
    axis.set_yticks([step * (i + 0.5) for i in range(len(rows))], labels, fontsize=9)
    axis.set_xticks([])
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    left_out = f", {len(chosen)} of {len(names)} classes" if len(names) > ROWS else ""
    axis.set_title(f"training images of each class{left_out}", fontsize=10)
    save_figure(figure, path, dpi=150)


def draw_balance(datasets: Mapping[str, ImageSet], path: Path) -> None:
    """Bars of how many images each class has, the splits one behind the other."""
    names = datasets["train"].info.class_names
    chosen = _spread(len(names), MOST_BARS)
    figure = new_figure(7, max(2.0, 0.9 + 0.24 * len(chosen)))
    axis = figure.subplots()
    start = np.zeros(len(chosen))
    for part, data in datasets.items():
        counts = torch.bincount(data.labels, minlength=len(names)).numpy()[chosen]
        axis.barh(
            range(len(chosen)),
            counts,
            left=start,
            color=COLOURS[part],
            label=f"{part} ({len(data.labels):,})",
        )
        start += counts
    labels = [plain_text(names[label], 20) for label in chosen]
    axis.set_yticks(range(len(chosen)), labels, fontsize=9)
    axis.set_ylim(len(chosen) - 0.5, -0.5)
    axis.set_xlabel("images")
    left_out = (
        f" ({len(chosen)} of {len(names)} classes)" if len(chosen) < len(names) else ""
    )
    figure.suptitle(f"images of each class{left_out}", fontsize=11)
    figure.legend(loc="outside lower center", ncols=3, fontsize="small", frameon=False)
    axis.grid(axis="x", alpha=0.3)
    axis.set_axisbelow(True)
    save_figure(figure, path)


def _spread(count: int, most: int) -> Sequence[int]:
    """All of 0..count-1, or `most` of them spread evenly."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()


def _row(train: ImageSet, label: int, scale: int) -> np.ndarray:
    """Up to COLUMNS images beside each other, a white gap around each."""
    members = torch.nonzero(train.labels == label)[:, 0]
    tiles = []
    if len(members):
        picked = members[torch.tensor(_spread(len(members), COLUMNS))]
        tiles = list(train.images[picked].permute(0, 2, 3, 1).numpy())
    shape = (train.info.height, train.info.width, train.info.in_channels)
    tiles += [np.full(shape, 255, np.uint8)] * (COLUMNS - len(tiles))
    large = [tile.repeat(scale, 0).repeat(scale, 1) for tile in tiles]
    gap = max(2, scale * shape[1] // 16)
    framed = [
        np.pad(tile, ((gap, gap), (gap, gap), (0, 0)), constant_values=255)
        for tile in large
    ]
    return np.concatenate(framed, 1)
