"""Masks and errors as pictures that people of every colour vision can read."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from .colours import LUMA, Colour, palette, rgb
from .contracts import contract
from .ignore import IGNORE_INDEX
from .plots import (
    BLUE,
    VERMILLION,
    YELLOW,
    new_figure,
    plain_text,
    save_figure,
)


if TYPE_CHECKING:
    from matplotlib.figure import Figure

HIT = "#E6E6E6"  # neutral: no hue that a class could have
FALSE_POSITIVE, FALSE_NEGATIVE, WRONG_CLASS = VERMILLION, BLUE, YELLOW
_DIMMED = 0.45  # of the brightness of the image below the errors

Legend = tuple[str, Sequence[tuple[str, Colour | None]]]
"""A heading, and a colour for each name; None: not tinted."""


class Labelled(NamedTuple):
    """One row of a contact sheet."""

    name: str
    image: Tensor
    """CHW in [0, 1], one or three channels."""
    mask: Tensor
    """HW class indices."""


class Judged(NamedTuple):
    """One row of a gallery."""

    name: str
    score: float
    image: Tensor
    prediction: Tensor
    target: Tensor


@contract
def overlay(
    image: Float[Tensor, "channel height width"],
    mask: Int[Tensor, "height width"],
    alpha: float = 0.5,
    background: int | None = 0,
) -> UInt8[Tensor, "height width 3"]:
    """`image` tinted with the colour of each pixel's class.

    Class `background` (None: no class) and pixels without a class stay as they are.
    """
    tint = (mask != IGNORE_INDEX) & (mask >= 0)
    if background is not None:
        tint = tint & (mask != background)
    index = torch.where(tint, mask, 0).cpu().long()
    colours = torch.tensor(palette(int(index.max()) + 1), dtype=torch.float32)
    return _blend(image, colours[index], tint.cpu(), alpha)


@contract
def error_overlay(
    image: Float[Tensor, "channel height width"],
    prediction: Int[Tensor, "height width"],
    target: Int[Tensor, "height width"],
    positive: int | None = None,
    alpha: float = 0.9,
) -> UInt8[Tensor, "height width 3"]:
    """Darkened grey `image`: hits light grey, false positives vermillion, misses blue.

    `positive` is the class that is judged. None judges all classes but 0 together: a
    foreground pixel of another foreground class is yellow. Ignored pixels stay bare.
    """
    grey = image.float().cpu().clamp(0, 1) * _DIMMED
    if len(grey) == 3:
        grey = (grey * torch.tensor(LUMA)[:, None, None]).sum(0, keepdim=True)
    prediction, target = prediction.cpu(), target.cpu()
    counted = target != IGNORE_INDEX
    if positive is None:
        found, true = prediction != 0, target != 0
    else:
        found, true = prediction == positive, target == positive
    wrong = found & true & (prediction != target)
    cases = (
        (found & true & ~wrong, HIT),
        (found & ~true, FALSE_POSITIVE),
        (~found & true, FALSE_NEGATIVE),
        (wrong, WRONG_CLASS),
    )
    colours = torch.zeros(*target.shape, 3)
    for where, colour in cases:
        colours[where] = torch.tensor(rgb(colour), dtype=torch.float32)
    return _blend(grey, colours, counted & (found | true), alpha)


def contact_sheet(
    rows: Sequence[Labelled],
    path: Path,
    class_names: Sequence[str] = (),
    title: str = "",
) -> None:
    """Each image beside itself tinted by its mask, the names of the classes below."""
    panels = [
        (row.name, [_blend(row.image), overlay(row.image, row.mask, 0.6)])
        for row in rows
    ]
    _sheet(panels, path, title, [("", _class_colours(class_names))])


def gallery(
    items: Sequence[Judged],
    path: Path,
    positive: int | None = None,
    title: str = "worst first",
    score_name: str = "score",
    class_names: Sequence[str] = (),
) -> None:
    """Image, truth, prediction, errors of each; lowest score first, undefined last."""
    items = sorted(items, key=lambda item: (math.isnan(item.score), item.score))
    panels = [
        (
            f"{plain_text(item.name, 24)}: {score_name} {item.score:.3f}",
            [
                _blend(item.image),
                overlay(item.image, item.target, 0.6),
                overlay(item.image, item.prediction, 0.6),
                error_overlay(item.image, item.prediction, item.target, positive),
            ],
        )
        for item in items
    ]
    errors = [
        ("correct", rgb(HIT)),
        ("false positive", rgb(FALSE_POSITIVE)),
        ("false negative (missed)", rgb(FALSE_NEGATIVE)),
    ]
    if positive is None and len(class_names) != 2:
        errors.append(("wrong class", rgb(WRONG_CLASS)))
    legends = [("errors", errors)]
    if class_names:
        legends.insert(0, ("truth, prediction", _class_colours(class_names)))
    columns = ("image", "truth", "prediction", "errors")
    _sheet(panels, path, title, legends, columns)


def _class_colours(names: Sequence[str]) -> list[tuple[str, Colour | None]]:
    colours = palette(len(names))
    return [(name, colours[c] if c else None) for c, name in enumerate(names)]


def _sheet(
    panels: Sequence[tuple[str, list[Tensor]]],
    path: Path,
    title: str,
    legends: Sequence[Legend],
    headings: Sequence[str] = (),
) -> None:
    """A grid of titled strips of pictures, `headings` below the pictures of a strip."""
    strips = [(name, _strip(pictures)) for name, pictures in panels]
    shape = max((s.shape[1] / s.shape[0] for _, s in strips), default=2.0)
    columns = min(len(strips) or 1, 3 if shape < 2.5 else 2)
    lines = -(-len(strips) // columns) or 1
    width = min(8.0, max(2.8, 2.3 * shape))  # inches
    figure = new_figure(columns * width, lines * (width / shape + 0.5) + 1.0)
    axes = figure.subplots(lines, columns, squeeze=False).flatten()
    for axis in axes:
        axis.set_axis_off()
    for axis, (name, strip) in zip(axes, strips, strict=False):
        axis.imshow(strip, interpolation="nearest" if strip.shape[0] < 200 else "auto")
        axis.set_title(plain_text(name, int(11 * width)), fontsize=9)
        for i, heading in enumerate(headings):
            place, style = (i + 0.5) / len(headings), {"ha": "center", "va": "top"}
            axis.text(place, -0.02, heading, transform=axis.transAxes, **style)
    figure.suptitle(plain_text(title, 90), fontsize=11)
    places = ("left", "right") if len(legends) == 2 else ("center",)
    for legend, place in zip(legends, places, strict=True):
        _legend(figure, legend, place, columns * width / len(places))
    save_figure(figure, path, dpi=130)


def _legend(figure: "Figure", legend: Legend, place: str, width: float) -> None:
    """A box below the pictures, `width` inches wide."""
    from matplotlib.patches import Patch

    heading, entries = legend
    handles = [
        Patch(
            facecolor="white" if colour is None else [v / 255 for v in colour],
            edgecolor="0.4",
            label=plain_text(name) + (" (not tinted)" if colour is None else ""),
        )
        for name, colour in entries
    ]
    if handles:
        figure.legend(
            handles=handles,
            title=heading or None,
            loc=f"outside lower {place}",
            ncols=min(len(handles), max(1, int(width / 1.9))),
            fontsize=9,
            title_fontsize=9,
            frameon=False,
        )


def _strip(pictures: list[Tensor]) -> np.ndarray:
    """Pictures of one size side by side with a white gap between them."""
    height, width, _ = pictures[0].shape
    gap = np.full((height, max(2, width // 40), 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (gap, picture.numpy())]
    return np.concatenate(parts[1:], axis=1)


def _blend(
    image: Tensor,
    colours: Tensor | None = None,
    tint: Tensor | None = None,
    alpha: float = 0.5,
) -> Tensor:
    """CHW in [0, 1] as HWC bytes, mixed with `colours` (HWC, 0 to 255) where `tint`."""
    if image.shape[0] not in (1, 3):
        raise ValueError(f"a picture needs 1 or 3 channels, not {image.shape[0]}")
    pixels = image.detach().float().cpu().clamp(0, 1).expand(3, -1, -1)
    pixels = pixels.permute(1, 2, 0) * 255
    if colours is not None:
        # Grey below the tint: a class has its hue whatever the colour of the image.
        grey = pixels @ torch.tensor(LUMA)
        mixed = (1 - alpha) * grey[..., None] + alpha * colours
        pixels = torch.where(tint[..., None], mixed, pixels)
    return pixels.round().to(torch.uint8)
