"""The pictures of a whole network, each from a model and the images of a split."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from tqdm import tqdm

from ..data import ImageSet
from ..training.load import Loaded
from ..utils.plots import new_figure, plain_text
from .activation_maximisation import maximise, maximised_figure
from .embedding import Embedded, pca
from .feature_maps import feature_maps, layers_across, maps_figure
from .kernels import first_kernels, kernels_figure
from .landscape import draw_landscape, landscape
from .scatter import draw_scatter
from .tsne import tsne


if TYPE_CHECKING:
    from matplotlib.figure import Figure

LANDSCAPE_IMAGES = 64
MOST_CLASSES = 40
"""Of the picture of activation maximisation."""


@dataclass
class Look:
    """What the pictures are made of."""

    loaded: Loaded
    name: str
    """Of the run."""
    images: ImageSet
    split: str
    embedded: Embedded
    seed: int = 0
    quiet: bool = False
    columns: dict[str, Tensor] = field(default_factory=dict)
    """Of points.csv."""


def _kernels(look: Look) -> tuple["Figure", dict]:
    first = first_kernels(look.loaded.model)
    count, _, height, width = first.weight.shape
    said = f"{count} kernels of {height}x{width} look at the image"
    return kernels_figure(look.loaded.model), {"layer": first.name, "said": said}


def _maps(look: Look) -> tuple["Figure", dict]:
    model, info, found = look.loaded.model, look.loaded.info, look.embedded
    number = int(found.indices[0])
    image = look.images[(0, number)]["image"][None]
    device = next(model.parameters()).device
    names = layers_across(model, image.to(device))
    maps = feature_maps(model, image.to(device), names, 12)
    true = plain_text(info.class_names[int(found.target[0])])
    title = f"{look.split}:{number}, {true}: the strongest channels, layer by layer"
    figure = maps_figure(info.restore(image)[0], maps, title)
    return figure, {"layers": names, "said": f"{len(names)} layers see one image"}


def _maximise(look: Look) -> tuple["Figure", dict]:
    names = look.loaded.info.class_names[:MOST_CLASSES]
    found = maximise(look.loaded.model, look.loaded.info, range(len(names)))
    title = "what each class wants to see most: its logit, mean colour → this image"
    figure = maximised_figure(found, names, title)
    low, high = float(found.before.mean()), float(found.after.mean())
    said = f"the logit of a class rises from {low:.3g} to {high:.3g} (mean)"
    return figure, {"before": low, "after": high, "said": said}


def _pca(look: Look) -> tuple["Figure", dict]:
    found = pca(look.embedded.features.double())
    points = torch.zeros(len(found.scores), 2)
    points[:, : found.scores.shape[1]] = found.scores.float()
    shares = [*found.explained.tolist(), 0.0, 0.0][:2]
    look.columns |= {"pca_1": points[:, 0], "pca_2": points[:, 1]}
    figure = _scatter(look, points, "principal components of what the head sees")
    axis = figure.axes[0]
    axis.set_xlabel(f"component 1: {shares[0]:.0%} of the variance")
    axis.set_ylabel(f"component 2: {shares[1]:.0%} of the variance")
    said = f"two components hold {sum(shares):.0%} of the variance"
    return figure, {"explained": shares, "said": said}


def _tsne(look: Look) -> tuple["Figure", dict]:
    found = tsne(look.embedded.features)
    look.columns |= {"tsne_1": found.points[:, 0], "tsne_2": found.points[:, 1]}
    figure = _scatter(look, found.points.float(), "t-SNE of what the head sees")
    figure.axes[0].set_xlabel(
        f"neighbours are near; distances between groups mean little "
        f"(perplexity {found.perplexity:.0f}, KL {found.divergence:.2f} nats)",
        fontsize=8,
    )
    said = f"KL {found.divergence:.3f} nats at perplexity {found.perplexity:.0f}"
    return figure, {"kl": found.divergence, "said": said}


def _landscape(look: Look) -> tuple["Figure", dict]:
    chosen = look.embedded.indices[:LANDSCAPE_IMAGES].tolist()
    batch = look.images.__getitems__([(0, number) for number in chosen])
    with tqdm(
        desc="landscape", ascii=True, leave=False, disable=look.quiet or None
    ) as bar:
        surface = landscape(
            look.loaded.model,
            batch["image"],
            batch["target"],
            seed=look.seed,
            progress=lambda done, total: bar.update(),
        )
    figure = new_figure(6.6, 4.9)
    title = (
        f"{plain_text(look.name, 24)}: loss of {len(chosen)} images around the weights"
    )
    draw_landscape(figure.subplots(), surface, title)
    centre, top = _ends(surface.losses)
    said = f"loss {centre:.3g} at the weights, up to {top:.3g} around them"
    return figure, {"centre": centre, "largest": top, "said": said}


PICTURES: dict[str, Callable[[Look], tuple["Figure", dict]]] = {
    "kernels": _kernels,
    "maps": _maps,
    "maximise": _maximise,
    "pca": _pca,
    "tsne": _tsne,
    "landscape": _landscape,
}
"""What `--what` may name."""


def _scatter(look: Look, points: Tensor, title: str) -> "Figure":
    figure = new_figure(7.4, 5.6)
    found, names = look.embedded, look.loaded.info.class_names
    draw_scatter(figure.subplots(), points, found.target, found.logits.argmax(1), names)
    count = f"{len(points)} images of {look.split}"
    figure.axes[0].set_title(f"{title}: {count}; black edge: mistaken", fontsize=10)
    return figure


def _ends(losses: Tensor) -> tuple[float, float]:
    finite = losses[losses.isfinite()]
    top = float(finite.max()) if len(finite) else math.nan
    return float(losses.flatten()[losses.numel() // 2]), top
