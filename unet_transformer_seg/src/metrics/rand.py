"""V_rand of membranes (Arganda-Carreras et al. 2015, the ISBI 2012 challenge).

Cells are the 4-connected components of what is not membrane, so that a membrane one
pixel wide still separates them along a diagonal. Two masks agree as far as they put the
same pairs of pixels into one cell: V = sum p_ij^2 / (sum s_k^2 / 2 + sum t_k^2 / 2),
where p_ij is the share of pixels in true cell i and predicted cell j, and t, s are its
sums. Pixels of true membrane do not count; each pixel of predicted membrane is a cell
of its own.
"""

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..utils.contracts import contract


@contract
def v_rand(
    pred_cells: Bool[Tensor, "height width"], true_cells: Bool[Tensor, "height width"]
) -> float:
    """V_rand of two masks that are True inside cells; NaN if there is no true cell.

    To keep a pixel from counting, clear it in both masks.
    """
    shared, in_pred, in_truth = pair_counts(pred_cells, true_cells)
    return 2 * shared / (in_pred + in_truth) if in_truth else float("nan")


@contract
def pair_counts(
    pred_cells: Bool[Tensor, "height width"], true_cells: Bool[Tensor, "height width"]
) -> tuple[int, int, int]:
    """Ordered pairs of counted pixels that share a cell: in both, predicted, true.

    A pixel makes a pair with itself, as in the challenge's formula. (scikit-image's
    `adapted_rand_error` leaves those out and takes predicted membrane for one large
    cell.)
    """
    counted = true_cells.cpu().numpy()
    truth = components(true_cells).numpy()[counted]
    pred = components(pred_cells).numpy()[counted]
    alone = int((pred == 0).sum())
    joint = truth * (pred.max(initial=0) + 1) + pred
    return (
        _squares(joint[pred > 0]) + alone,
        _squares(pred[pred > 0]) + alone,
        _squares(truth),
    )


@contract
def components(mask: Bool[Tensor, "height width"]) -> Int[Tensor, "height width"]:
    """Number the 4-connected components 1, 2, ... in row order; 0 outside.

    Runs of a row are nodes, joined where runs of two rows touch (union by the smallest
    number, then pointer jumping until every node points to its root).
    """
    inside = mask.cpu().numpy()
    starts = inside.copy()
    starts[:, 1:] &= ~inside[:, :-1]
    run = starts.ravel().cumsum().reshape(inside.shape) - 1
    touch = inside[:-1] & inside[1:]
    touch[:, 1:] &= ~touch[:, :-1]  # the first pixel of each contact is enough
    root = _roots(int(starts.sum()), run[:-1][touch], run[1:][touch])
    number = (root == np.arange(len(root))).cumsum()
    numbers = np.zeros(inside.shape, dtype=np.int64)
    numbers[inside] = number[root][run[inside]]
    return torch.from_numpy(numbers)


def _roots(nodes: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    parent = np.arange(nodes)
    while len(one):
        np.minimum.at(parent, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(jumped := parent[parent], parent):
            parent = jumped
        one, other = parent[one], parent[other]
        apart = one != other
        one, other = one[apart], other[apart]
    return parent


def _squares(labels: np.ndarray) -> int:
    _, counts = np.unique(labels, return_counts=True)
    return int((counts.astype(np.int64) ** 2).sum())
