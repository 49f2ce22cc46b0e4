"""Validation images taken from the training part, each class by its share."""

import torch
from jaxtyping import Int
from torch import Tensor

from ..utils.contracts import contract
from ..utils.seed import permutation


@contract
def stratified_split(
    labels: Int[Tensor, " images"], share: float, seed: int
) -> tuple[Int[Tensor, " kept"], Int[Tensor, " held_out"]]:
    """Indices to train on and to hold out, both ascending.

    Of each class `share` of its images is held out, rounded, at least one and never
    all; a class of one image is trained on. A pure function of the seed.
    """
    held_out = []
    for label in labels.unique().tolist():
        members = torch.nonzero(labels == label)[:, 0]
        count = min(max(round(share * len(members)), 1), len(members) - 1)
        order = torch.tensor(permutation(len(members), seed, label))
        held_out.append(members[order[:count]])
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    chosen[torch.cat(held_out)] = True
    return torch.nonzero(~chosen)[:, 0], torch.nonzero(chosen)[:, 0]
