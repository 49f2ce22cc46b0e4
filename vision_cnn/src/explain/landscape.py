"""The loss around the weights of a trained network (Li et al. 2018, arXiv 1712.09913).

A network computes the same when one layer grows and the next shrinks, so a step of a
given length means nothing; a step of a given share of each filter does. Directions are
Gaussian, and each filter of a direction has the norm of the network's own filter
(section 4): at coordinate 1 every filter has moved by its own length.

Weights with one axis (biases, batch norm, layer scale) stay as they are, as in the
paper. Batch norm uses its stored statistics: what is drawn is the loss that the
network as it was saved would have in evaluation.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call

from ..utils.contracts import contract
from .layers import evaluating


if TYPE_CHECKING:
    from matplotlib.axes import Axes


Direction = dict[str, Tensor]
"""A step for each weight of more than one axis, by name."""


class Landscape(NamedTuple):
    coordinates: Tensor
    """(points,), from -radius to radius; the middle one is zero, the weights."""
    losses: Tensor
    """(points,) along one direction, (points, points) with rows along the second."""


def random_direction(model: nn.Module, seed: int) -> Direction:
    """Gaussian; every filter, entry of a weight's first axis, has the weight's norm."""
    random = torch.Generator().manual_seed(seed)
    direction = {}
    for name, weight in model.named_parameters():
        if weight.ndim > 1:
            step = torch.randn(weight.shape, generator=random).to(weight)
            direction[name] = like_filters(step, weight.detach())
    return direction


@contract
def like_filters(
    step: Float[Tensor, "filter ..."], weight: Float[Tensor, "filter ..."]
) -> Float[Tensor, "filter ..."]:
    """`step` with the norm of each filter of `weight`: d |w| / |d|."""
    norms = [v.reshape(len(v), -1).norm(dim=1) for v in (step, weight)]
    ratio = norms[1] / norms[0].clamp_min(torch.finfo(step.dtype).tiny)
    return step * ratio.view(-1, *[1] * (step.ndim - 1))


@contract
def landscape(
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    target: Int[Tensor, " batch"],
    *,
    dimensions: int = 2,
    points: int = 15,
    radius: float = 1.0,
    seed: int = 0,
    batch: int = 250,
    progress: Callable[[int, int], None] | None = None,
) -> Landscape:
    """Mean cross-entropy of the images at `points` coordinates a side, an odd number.

    The weights are never written to: each point is computed with a copy, so the model
    is the same bit for bit afterwards, also after an exception. A loss that overflows
    is inf, or NaN.
    """
    if points < 1 or points % 2 == 0 or dimensions not in (1, 2) or not len(image):
        raise ValueError(
            f"landscape: {points} points must be odd, {dimensions} dimensions 1 or 2, "
            f"and {len(image)} images at least one"
        )
    half = torch.arange(1, points // 2 + 1, dtype=torch.float64) / max(1, points // 2)
    coordinates = torch.cat([-half.flip(0), torch.zeros(1), half]) * radius
    directions = [random_direction(model, seed + i) for i in range(dimensions)]
    grid = torch.cartesian_prod(*[coordinates] * dimensions).view(-1, dimensions)
    losses = []
    with evaluating(model), torch.no_grad():
        for number, place in enumerate(grid.flip(1).tolist()):
            weights = _moved(model, directions, place)
            losses.append(_mean_loss(model, weights, image, target, batch))
            if progress:
                progress(number + 1, len(grid))
    return Landscape(coordinates, torch.tensor(losses).view([points] * dimensions))


def _moved(
    model: nn.Module, directions: Sequence[Direction], place: Sequence[float]
) -> dict[str, Tensor]:
    """The weights w + sum_k place_k d_k in new memory; w itself where nothing moves."""
    weights = {}
    for name, weight in model.named_parameters():
        step = [
            d[name] * s
            for d, s in zip(directions, place, strict=True)
            if name in d and s
        ]
        weights[name] = weight + sum(step) if step else weight
    return weights


def _mean_loss(
    model: nn.Module,
    weights: dict[str, Tensor],
    image: Tensor,
    target: Tensor,
    batch: int,
) -> float:
    """Mean cross-entropy of `model` with `weights` in place of its own."""
    total = 0.0
    device = next(model.parameters()).device
    parts = zip(image.split(batch), target.split(batch), strict=True)
    for images, labels in parts:
        logits = functional_call(model, weights, (images.to(device),))
        loss = F.cross_entropy(logits.float(), labels.to(device), reduction="sum")
        total += float(loss)
    return total / len(image)


def draw_landscape(axis: "Axes", surface: Landscape, title: str = "") -> None:
    """Contours of equal loss (or the curve of one direction), a star at the weights.

    The levels are spaced evenly in the logarithm, since losses rise steeply outside.
    """
    x, losses = surface.coordinates.numpy(), surface.losses
    finite = losses[losses.isfinite()]
    top = float(finite.max()) if len(finite) else 1.0
    losses = losses.nan_to_num(top, top).clamp_min(1e-8)
    middle = len(x) // 2
    if losses.ndim == 1:
        from ..utils.plots import BLUE

        axis.plot(x, losses, color=BLUE, marker="o", markersize=3)
        axis.plot(0, losses[middle], "*", color="black", markersize=13)
        axis.set_yscale("log")
        axis.set_ylabel("loss")
    else:
        _contours(axis, x, losses.numpy())
        axis.set_aspect("equal")
        axis.set_ylabel("direction 2")
    axis.set_xlabel("direction 1 (1: every filter moved by its own length)")
    axis.set_title(title or "loss around the trained weights", fontsize=10)


def _contours(axis: "Axes", x, losses) -> None:
    import numpy as np

    low, high = losses.min(), max(losses.max(), 1.001 * losses.min())
    levels = np.geomspace(low, high, 15)
    filled = axis.contourf(x, x, losses, levels, norm="log", cmap="viridis_r")
    axis.contour(x, x, losses, levels, norm="log", colors="white", linewidths=0.5)
    middle = losses[len(x) // 2, len(x) // 2]
    axis.plot(0, 0, "*", color="white", markeredgecolor="black", markersize=14)
    text = axis.annotate(
        f"trained: {middle:.3g}", (0, 0), (9, 6), textcoords="offset points", fontsize=8
    )
    text.set_bbox({"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5})
    axis.locator_params(nbins=5)
    bar = axis.figure.colorbar(filled, ax=axis, label="loss (log scale)", format="%.2g")
    bar.ax.minorticks_off()
