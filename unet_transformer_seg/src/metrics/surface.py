"""Distances between the edges of two masks, in pixels.

An edge pixel belongs to the mask and has one of its 4 neighbours, or the border of the
image, outside it. Definitions: HD95 is the larger of the two directed 95th percentiles
(MONAI's convention; medpy takes the percentile of both sets pooled), ASSD the mean over
both sets pooled, NSD the share of both sets within a tolerance (Nikolov et al. 2018),
boundary F1 the harmonic mean of the two shares (Csurka et al. 2013). Both masks empty:
NaN. One empty: distances are infinite, shares 0. Clear a pixel in both masks to keep it
from counting.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import pad

from ..utils.contracts import contract
from ..utils.distance import distance_transform


@contract
def hausdorff(
    pred: Bool[Tensor, "height width"], truth: Bool[Tensor, "height width"]
) -> float:
    """Largest distance of an edge pixel of one mask to the edge of the other."""
    return _larger(*edge_distances(pred, truth), quantile=1.0)


@contract
def hd95(
    pred: Bool[Tensor, "height width"], truth: Bool[Tensor, "height width"]
) -> float:
    """Larger of the two directed 95th percentiles, linearly interpolated."""
    return _larger(*edge_distances(pred, truth), quantile=0.95)


@contract
def assd(
    pred: Bool[Tensor, "height width"], truth: Bool[Tensor, "height width"]
) -> float:
    """Average symmetric surface distance: the mean over both sets of edge pixels."""
    return _average(*edge_distances(pred, truth))


@contract
def nsd(
    pred: Bool[Tensor, "height width"],
    truth: Bool[Tensor, "height width"],
    tolerance: float = 2.0,
) -> float:
    """Normalised surface Dice: share of the edge pixels of both within `tolerance`."""
    return _within(*edge_distances(pred, truth), tolerance)


@contract
def boundary_f1(
    pred: Bool[Tensor, "height width"],
    truth: Bool[Tensor, "height width"],
    tolerance: float = 2.0,
) -> float:
    """F1 of the shares of predicted and of true edge pixels within `tolerance`."""
    return _f1(*edge_distances(pred, truth), tolerance)


@contract
def surface_scores(
    pred: Bool[Tensor, "height width"],
    truth: Bool[Tensor, "height width"],
    tolerance: float = 2.0,
) -> dict[str, float]:
    """Every score of this file from one computation of the distances."""
    found, missed = edge_distances(pred, truth)
    return {
        "hausdorff": _larger(found, missed, quantile=1.0),
        "hd95": _larger(found, missed, quantile=0.95),
        "assd": _average(found, missed),
        "nsd": _within(found, missed, tolerance),
        "boundary_f1": _f1(found, missed, tolerance),
    }


@contract
def edge_distances(
    pred: Bool[Tensor, "height width"], truth: Bool[Tensor, "height width"]
) -> tuple[Float[Tensor, " pred_edge"], Float[Tensor, " true_edge"]]:
    """Of each predicted edge pixel to the true edge, and of each true one back."""
    masks = torch.stack([pred, truth]).cpu()  # MPS has no float64
    used = masks.any(0)
    masks = masks[:, _span(used.any(1)), _span(used.any(0))]
    ours, theirs = mask_edges(masks[0]), mask_edges(masks[1])
    near = distance_transform(torch.stack([ours, theirs]), dtype=torch.float64)
    return near[1][ours], near[0][theirs]


@contract
def mask_edges(mask: Bool[Tensor, "height width"]) -> Bool[Tensor, "height width"]:
    """Pixels of the mask that an erosion by the 4-neighbourhood would remove."""
    around = pad(mask, (1, 1, 1, 1))
    vertical = around[:-2, 1:-1] & around[2:, 1:-1]
    horizontal = around[1:-1, :-2] & around[1:-1, 2:]
    return mask & ~(vertical & horizontal)


def _span(used: Tensor) -> slice:
    places = used.nonzero()
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(None)


def _larger(found: Tensor, missed: Tensor, quantile: float) -> float:
    if not len(found) and not len(missed):
        return float("nan")
    if not len(found) or not len(missed):
        return float("inf")
    return max(torch.quantile(d, quantile).item() for d in (found, missed))


def _average(found: Tensor, missed: Tensor) -> float:
    return torch.cat([found, missed]).mean().item()


def _within(found: Tensor, missed: Tensor, tolerance: float) -> float:
    return (torch.cat([found, missed]) <= tolerance).double().mean().item()


def _f1(found: Tensor, missed: Tensor, tolerance: float) -> float:
    if not len(found) or not len(missed):
        return _within(found, missed, tolerance)
    precision, recall = ((d <= tolerance).double().mean() for d in (found, missed))
    total = (precision + recall).item()
    return (2 * precision * recall).item() / total if total else 0.0
