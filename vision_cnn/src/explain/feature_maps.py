"""What the channels of a layer make of one image."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.errors import InputError
from ..utils.plots import new_figure, plain_text
from .grids import (
    colour_bar,
    colours,
    columns_for,
    common_scale,
    palette_of,
    show,
    tile,
)
from .layers import as_map, capture, layer_shapes


if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


PASSING = (nn.Identity, nn.Dropout)  # layers that show what the one before showed


class FeatureMaps(NamedTuple):
    """The strongest channels of one layer for one image."""

    name: str
    maps: Tensor
    """(channels, rows, columns), strongest first."""
    channels: tuple[int, ...]
    """Their places in the layer."""
    total: int
    """Channels that the layer has."""


@contract
def feature_maps(
    model: nn.Module,
    image: Float[Tensor, "1 channel height width"],
    names: Sequence[str],
    limit: int = 16,
) -> list[FeatureMaps]:
    """The `limit` channels of each layer with the largest root mean square.

    Tokens of a transformer are laid out on the grid of their patches. Raises InputError
    for a layer that has no positions.
    """
    result = []
    with torch.no_grad(), capture(model, image, names) as seen:
        for name in names:
            grid = as_map(seen.outputs[name], image)
            if grid is None:
                shape = "x".join(map(str, seen.outputs[name].shape))
                raise InputError(
                    f"layer {name}: its output of shape {shape} has no positions, so "
                    "it cannot be drawn as maps; choose a layer before the pooling"
                )
            maps = grid[0].float().cpu()
            order = strength(maps).argsort(descending=True, stable=True)[:limit]
            chosen = tuple(order.tolist())
            result.append(FeatureMaps(name, maps[order], chosen, len(maps)))
    return result


@contract
def strength(maps: Float[Tensor, "channel height width"]) -> Float[Tensor, " channel"]:
    """Root mean square of each channel; what is not finite counts as zero."""
    return maps.double().nan_to_num(0, 0, 0).square().mean((1, 2)).sqrt()


@contract
def layers_across(
    model: nn.Module, image: Float[Tensor, "1 channel height width"], count: int = 6
) -> list[str]:
    """`count` blocks with maps, evenly from the first to the last.

    A block is what the model and its `nn.Sequential`s are lists of; the parts of blocks
    count where there are fewer than three.
    """
    shapes = layer_shapes(model, image)
    names: list[str] = []
    for opened in range(4):
        names = [n for n in _blocks(model, opened) if _is_grid(shapes.get(n), image)]
        if len(names) >= 3:
            break
    steps = [round(i * (len(names) - 1) / max(1, count - 1)) for i in range(count)]
    return [names[step] for step in dict.fromkeys(steps)] if names else []


def draw_feature_maps(axis: "Axes", maps: FeatureMaps, columns: int = 0) -> None:
    """The maps as tiles on the layer's one scale, zero white."""
    scale, palette = common_scale(maps.maps), palette_of(maps.maps)
    pictures = colours(maps.maps, scale, palette)
    columns = columns or columns_for(len(pictures), 2.0)
    height, width = maps.maps.shape[1:]
    count = f"{len(pictures)} of {maps.total} channels"
    title = f"{plain_text(maps.name)}: {count}, {height}×{width}"
    show(axis, tile(pictures, columns), title)
    colour_bar(axis, scale, palette)


def maps_figure(
    picture: Tensor, layers: Sequence[FeatureMaps], title: str = ""
) -> "Figure":
    """The image (channel height width), in [0, 1], and a row of maps for each layer."""
    columns = max(len(maps.maps) for maps in layers)
    figure = new_figure(1.5 + 0.75 * columns, 0.6 + 1.05 * len(layers))
    left, right = figure.subfigures(1, 2, width_ratios=[1.5, 0.75 * columns])
    axis = left.subplots()
    seen = picture.detach().cpu().expand(3, -1, -1).permute(1, 2, 0)
    show(axis, seen, "the image")
    axis.set_anchor("N")
    axes = right.subplots(len(layers), 1, squeeze=False)[:, 0]
    for axis, maps in zip(axes, layers, strict=True):
        draw_feature_maps(axis, maps, columns)
    figure.suptitle(title or "the strongest channels, layer by layer", fontsize=11)
    return figure


def _blocks(module: nn.Module, opened: int, prefix: str = "") -> Iterator[str]:
    """Names of the parts, with Sequentials opened, and others `opened` levels deep."""
    for name, child in module.named_children():
        if isinstance(child, PASSING):
            continue
        path, plain = prefix + name, type(child) is not nn.Sequential
        if plain and not (opened and any(child.children())):
            yield path
        else:
            yield from _blocks(child, opened - plain, f"{path}.")


def _is_grid(shape: tuple[int, ...] | None, image: Tensor) -> bool:
    """Whether an output of this shape has more than one position."""
    if shape is None:
        return False
    grid = as_map(torch.empty(shape, device="meta"), image)
    return grid is not None and grid.shape[2] * grid.shape[3] > 1
