"""The training images in k parts, each held out once (stratified cross-validation)."""

import torch
from jaxtyping import Int
from torch import Tensor

from ..utils.contracts import contract
from ..utils.errors import InputError
from ..utils.seed import permutation


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
