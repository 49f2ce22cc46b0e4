"""Does a map show what the network learned? (Adebayo et al. 2018, arXiv 1810.03292)

Section 3: forget the weights layer by layer, from the top down, and see whether the map
notices. One that stays alike is a drawing of the image and says nothing of the network.
"""

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from .layers import layer_shapes


Attribution = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""(model, image, target) -> a map (batch height width), or with a channel axis."""


class Stage(NamedTuple):
    layer: str
    """The lowest layer that has forgotten; all above it have too. "" is none."""
    map: Tensor
    similarity: float
    """Mean rank correlation with the trained network's map, both without sign."""


@contract
def randomisation_check(
    attribution: Attribution,
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    target: Int[Tensor, " batch"],
    *,
    stages: int = 0,
    seed: int = 0,
) -> list[Stage]:
    """The map of the trained network, then after more and more layers have forgotten.

    A layer forgets when each of its weight tensors is drawn anew, normal with the mean
    and deviation that it had, so that activations keep their size. At most `stages`
    maps besides the first (0: one a layer), always the last. `model` is not changed.
    """
    forgetful = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    names = layers_from_the_top(forgetful, image)
    count = min(stages or len(names), len(names))
    shown = {round((i + 1) * len(names) / count) - 1 for i in range(count)}
    trained = attribution(model, image, target)
    result = [Stage("", trained, rank_correlation(trained, trained))]
    for place, name in enumerate(names):
        forget(forgetful.get_submodule(name), generator)
        if place in shown:
            now = attribution(forgetful, image, target)
            result.append(Stage(name, now, rank_correlation(now, trained)))
    return result


@contract
def layers_from_the_top(
    model: nn.Module, image: Float[Tensor, "batch channel height width"]
) -> list[str]:
    """Layers with parameters of their own, the last to run first.

    Parameters of a layer that runs by itself nowhere, such as the class token of the
    model, come last.
    """
    own = {name for name, module in model.named_modules() if _own(module)}
    ran = [name for name in layer_shapes(model, image) if name in own]
    return [*reversed(ran), *sorted(own.difference(ran))]


def forget(layer: nn.Module, generator: torch.Generator) -> None:
    """Draw the layer's own weight tensors anew, as `randomisation_check` says."""
    for parameter in _own(layer):
        draw = torch.randn(parameter.shape, generator=generator).to(parameter)
        spread, middle = parameter.data.std(correction=0), parameter.data.mean()
        parameter.data = middle + spread * draw


@contract
def rank_correlation(
    a: Float[Tensor, "batch ..."], b: Float[Tensor, "batch ..."]
) -> float:
    """Spearman's rank correlation of |a| and |b| over positions, mean over the batch.

    Equal values share the mean of their ranks. A map of one value has no order: the
    correlation is then 0, or 1 if the other is such a map too. NaN if a value is.
    """
    maps = (x[..., None].flatten(1).abs() for x in (a, b))  # one value is a map too
    pairs = zip(*maps, strict=True)
    return sum(_spearman(x, y) for x, y in pairs) / max(1, len(a))


def _spearman(x: Tensor, y: Tensor) -> float:
    if x.isnan().any() or y.isnan().any():
        return float("nan")
    x, y = _ranks(x), _ranks(y)
    x, y = x - x.mean(), y - y.mean()
    spread = x.norm() * y.norm()
    if spread == 0:
        return float(x.norm() == y.norm())
    return float(x @ y / spread)


def _ranks(values: Tensor) -> Tensor:
    """0 for the smallest; equal values have the mean of their places."""
    _, group, sizes = values.unique(return_inverse=True, return_counts=True)
    ends = sizes.cumsum(0).double()
    return (ends - (sizes + 1) / 2)[group]


def _own(layer: nn.Module) -> list[nn.Parameter]:
    return [p for p in layer.parameters(recurse=False) if p.is_floating_point()]
