"""What the head of a network sees of many images, and its principal components."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..data.image_set import ImageSet
from ..utils.contracts import contract
from .layers import evaluating


class Embedded(NamedTuple):
    features: Tensor
    """(n, features): `model.embed`, what the head sees."""
    logits: Tensor
    """(n, classes)."""
    target: Tensor
    """int64 (n,)."""
    indices: Tensor
    """int64 (n,): their places in the split."""
    names: Sequence[str]


class PCA(NamedTuple):
    scores: Tensor
    """(n, components): where each row lies along the components."""
    components: Tensor
    """(components, features), orthonormal rows."""
    mean: Tensor
    """(features,)."""
    explained: Tensor
    """(components,): share of the variance; zero where nothing varies."""


@contract
def pca(features: Float[Tensor, "count features"], components: int = 2) -> PCA:
    """Principal components by singular value decomposition of the centred features.

    X - mean = U S V^T: the components are the first rows of V^T, the scores U S, the
    variances S^2 / (n - 1). The entry of a component with the largest magnitude is
    positive. There are no more components than rows or columns.
    """
    if not len(features) or not features.isfinite().all():
        raise ValueError(
            "principal components need at least one row, all of them finite"
        )
    mean = features.mean(0)
    u, values, axes = torch.linalg.svd(features - mean, full_matrices=False)
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    axes, u = axes * _sign(largest), u * _sign(largest).T
    energy = values.square()
    rounding = features.abs().max() * torch.finfo(features.dtype).eps
    if energy.sum() <= rounding.square() * features.numel():
        energy = torch.zeros_like(energy)
    share = energy / (energy.sum() or 1)
    scores = (u * values)[:, :components]
    return PCA(scores, axes[:components], mean, share[:components])


def embed_split(
    model: nn.Module,
    images: ImageSet,
    count: int = 1000,
    batch: int = 250,
    seed: int = 0,
) -> Embedded:
    """Features and logits of `count` images, drawn from the split.

    The images are those of epoch 0. The model is put into eval mode and back.
    """
    chosen = some_of(len(images), count, seed)
    device = next(model.parameters()).device
    features, logits, targets, names = [], [], [], []
    with evaluating(model), torch.no_grad():
        for part in chosen.split(batch):
            rows = images.__getitems__([(0, index) for index in part.tolist()])
            seen = model.embed(rows["image"].to(device))
            features.append(seen.float().cpu())
            logits.append(model.head(seen).float().cpu())
            targets.append(rows["target"])
            names += rows["name"]
    gathered = (torch.cat(part) for part in (features, logits, targets))
    return Embedded(*gathered, chosen, tuple(names))


@contract
def some_of(total: int, count: int, seed: int = 0) -> Int[Tensor, " chosen"]:
    """`count` of `total` indices at random, rising; all if there are no more."""
    if total < 1 or count < 1:
        raise ValueError(f"{count} of {total} images: both must be at least 1")
    random = torch.Generator().manual_seed(seed)
    return torch.randperm(total, generator=random)[:count].sort().values


def _sign(numbers: Tensor) -> Tensor:
    """-1 or 1; 1 for zero."""
    return 1 - 2 * (numbers < 0).to(numbers.dtype)
