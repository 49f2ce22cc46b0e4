"""Images held out of the training part, each class by its share: once, or k folds."""

import torch
from jaxtyping import Int
from torch import Tensor

from ..utils.contracts import contract
from ..utils.errors import InputError
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


@contract
def stratified_folds(
    labels: Int[Tensor, " images"], folds: int, seed: int
) -> list[Int[Tensor, "..."]]:
    """Indices of each fold, ascending: every image is in exactly one.

    Folds differ by at most one image, in all and in each class. A pure function of the
    seed. Raises InputError where there are fewer images than folds.
    """
    if folds < 2:
        raise ValueError(f"folds = {folds}: must be 2 or more")
    if len(labels) < folds:
        raise InputError(
            f"{len(labels)} images cannot make {folds} folds; ask for fewer folds"
        )
    dealt = []  # the classes one after the other, each in an order of its own
    for label in labels.unique().tolist():
        members = torch.nonzero(labels == label)[:, 0]
        dealt.append(members[torch.tensor(permutation(len(members), seed, label))])
    order = torch.cat(dealt)
    return [order[fold::folds].sort()[0] for fold in range(folds)]
