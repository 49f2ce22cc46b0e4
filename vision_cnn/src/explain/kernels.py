"""The kernels of a convolution as pictures.

A kernel answers most to the patch that looks like it, so the first layer can be read:
edges, spots, pairs of opposite colours. A deeper kernel has one slice for each channel
that it reads; `principal_patterns` says which few shapes all slices are made of.
"""

from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.errors import InputError
from ..utils.plots import new_figure, plain_text
from .grids import GAP, colour_bar, colours, columns_for, common_scale, show, tile


if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Kernels(NamedTuple):
    """The weights of one convolution."""

    name: str
    """The layer, as in `model.named_modules()`."""
    weight: Tensor
    """(kernels, input channels, kernel height, kernel width)."""


def first_kernels(model: nn.Module) -> Kernels:
    """The kernels that look at the image: the first convolution or patch embedding.

    Raises ValueError where the model has no convolution.
    """
    names = convolutions(model)
    if not names:
        raise ValueError(f"{type(model).__name__} has no convolution")
    return layer_kernels(model, names[0])


def layer_kernels(model: nn.Module, name: str) -> Kernels:
    """The kernels of the convolution `name`; raises InputError for another name."""
    known = convolutions(model)
    if name not in known:
        raise InputError(
            f"layer {name}: not a convolution of this model; it has {', '.join(known)}"
        )
    return Kernels(name, model.get_submodule(name).weight.detach().cpu().float())


def convolutions(model: nn.Module) -> list[str]:
    """The names of all convolutions over images, in the order of the model's file."""
    return [n for n, m in model.named_modules() if isinstance(m, nn.Conv2d)]


@contract
def strongest(weight: Float[Tensor, "kernels ..."], limit: int) -> list[int]:
    """Which `limit` entries of the first axis have the largest norm, largest first.

    All of them in their own order where there are no more than `limit`.
    """
    if len(weight) <= limit:
        return list(range(len(weight)))
    norms = weight.reshape(len(weight), -1).double().nan_to_num(0).norm(dim=1)
    return norms.argsort(descending=True, stable=True)[:limit].tolist()


@contract
def principal_patterns(
    weight: Float[Tensor, "count channel height width"],
) -> tuple[Float[Tensor, "patterns height width"], Float[Tensor, " patterns"]]:
    """The shapes of which all slices are sums, and the share of each in their energy.

    The right singular vectors of the slices as rows; the shares are the squared
    singular values over their sum. Nothing is centred: a blur is a shape as well. The
    entry of a shape with the largest magnitude is positive.
    """
    count, channel, height, width = weight.shape
    slices = weight.double().reshape(count * channel, height * width)
    _, values, shapes = torch.linalg.svd(slices, full_matrices=False)
    largest = shapes.gather(1, shapes.abs().argmax(1, keepdim=True))
    shapes = shapes * torch.where(largest < 0, -1.0, 1.0)
    energy = values.square()
    shares = energy / energy.sum().clamp_min(torch.finfo(energy.dtype).tiny)
    return shapes.reshape(-1, height, width).float(), shares.float()


def draw_kernels(
    axis: "Axes", kernels: Kernels, limit: int = 64, aspect: float = 2.0
) -> None:
    """All kernels, or the `limit` strongest, each a picture on one common scale.

    Kernels over three channels are drawn as colours around grey, which is zero, others
    as the mean of their slices in blue and red around white. Where the largest is more
    than ten times the median, each has a scale of its own, and the title says so. The
    grid is about `aspect` times as wide as tall.
    """
    chosen = strongest(kernels.weight, limit)
    weight, total = kernels.weight[chosen], len(kernels.weight)
    in_colour = weight.shape[1] == 3
    weight = weight if in_colour else weight.mean(1, keepdim=True)
    peaks = weight.flatten(1).nan_to_num(0).abs().amax(1)
    scale, spread = common_scale(weight), peaks.max() / peaks.median()
    if own := bool(spread > 10):
        weight = weight / peaks.clamp_min(1e-12)[:, None, None, None]
    relative = weight if own else weight / scale
    if in_colour:
        pictures = relative.nan_to_num(0).permute(0, 2, 3, 1) / 2 + 0.5
    else:
        pictures = colours(relative[:, 0], 1.0)
    show(axis, tile(pictures, columns_for(len(chosen), aspect)))
    size = "{}×{}".format(*weight.shape[-2:])
    count = (
        f"{total}" if total == len(chosen) else f"{len(chosen)} strongest of {total}"
    )
    told = f"{'grey' if in_colour else 'white'} is zero"
    told += ", each on its own scale" if own else f", the largest weight {scale:.2g}"
    name = plain_text(kernels.name)
    axis.set_title(f"{name}: {count} kernels of {size}; {told}", fontsize=9)
    if not in_colour and not own:
        colour_bar(axis, scale)


def draw_slices(
    axis: "Axes", kernels: Kernels, inputs: int = 8, limit: int = 16
) -> None:
    """A row for each input channel, a column for each kernel: the strongest."""
    columns = strongest(kernels.weight, limit)
    rows = strongest(kernels.weight.transpose(0, 1), inputs)
    weight = kernels.weight[columns][:, rows].transpose(0, 1)
    scale = common_scale(weight)
    show(axis, tile(colours(weight.flatten(0, 1), scale), len(columns)))
    total, channels = kernels.weight.shape[:2]
    told = "red, green, blue" if channels == 3 else f"{len(rows)} of {channels} inputs"
    told += f" (rows) in {len(columns)} of {total} kernels (columns)"
    axis.set_title(f"{plain_text(kernels.name)}: {told}", fontsize=9)
    colour_bar(axis, scale)


def draw_patterns(axis: "Axes", kernels: Kernels, limit: int = 9) -> None:
    """The shapes of which the layer's slices are made, each with its share."""
    shapes, shares = principal_patterns(kernels.weight)
    shapes, shares = shapes[:limit], shares[:limit]
    columns = columns_for(len(shapes))
    picture = tile(colours(shapes, common_scale(shapes)), columns)
    show(axis, picture, "its slices are sums of these shapes")
    step = (picture.shape[1] + GAP) / columns
    for place, share in enumerate(shares.tolist()):
        row, column = divmod(place, columns)
        text = axis.text(column * step + 3, row * step + 3, f"{share:.0%}", fontsize=8)
        text.set(va="top", bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})


def kernels_figure(model: nn.Module, deeper: int = 2) -> "Figure":
    """The first layer, then slices of it and of `deeper` layers further in."""
    names = convolutions(model)
    first = first_kernels(model)
    inside = [n for n in names[1:] if min(model.get_submodule(n).kernel_size) > 1]
    steps = {round((i + 1) * (len(inside) - 1) / deeper): None for i in range(deeper)}
    layers = [layer_kernels(model, inside[step]) for step in steps] if inside else []
    if first.weight.shape[1] == 3:
        layers = [first, *layers]
    heights = [3.4, *[2.1 if layer is first else 3.0 for layer in layers]]
    figure = new_figure(10, sum(heights))
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)
    draw_kernels(parts[0, 0].subplots(), first)
    for part, kernels in zip(parts[1:, 0], layers, strict=True):
        left, right = part.subplots(1, 2, width_ratios=[2.6, 1])
        draw_slices(left, kernels)
        draw_patterns(right, kernels)
    return figure
