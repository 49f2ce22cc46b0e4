"""Lovasz losses: the Jaccard index of sorted errors, made convex (Berman et al. 2018).

The loss of one class is <errors in falling order, steps of the Jaccard loss>. The steps
are constants to the gradient, so they are computed without one and put back in the
order of the pixels: no gradient runs through the sort.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.info import IGNORE_INDEX
from ..utils.contracts import contract
from .cross_entropy import safe_divisor
from .overlap import scored_classes
from .precision import in_float32


@in_float32
@contract
def lovasz_softmax_loss(
    logits: Float[Tensor, "batch classes height width"],
    target: Int[Tensor, "batch height width"],
    *,
    per_image: bool = False,
    include_background: bool = True,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """Mean over the classes present in `target` of <sorted |t - p|, Jaccard steps>.

    Present in the pooled batch, or in each image (`per_image`: then the mean over the
    images, in which an image without a class to score counts 0).
    By hand: one pixel, two classes, equal logits: the present class errs by 1/2.
    """
    index = scored_classes(logits, include_background)
    valid = _rows(target != ignore_index, per_image)
    # `index` is [classes, 1, 1]: the scored ones, which are the last.
    p = _rows(logits.softmax(1)[:, -len(index) :].transpose(0, 1), per_image)
    truth = (_rows(target, per_image) == index) & valid
    errors = torch.where(truth, 1 - p, p)
    loss = (errors * _jaccard_steps(errors, truth, valid)).sum(2)
    present = truth.any(2)
    image = (loss * present).sum(0) / safe_divisor(present.sum(0))
    return image.mean()


@in_float32
@contract
def lovasz_hinge_loss(
    logits: Float[Tensor, "batch height width"],
    target: Int[Tensor, "batch height width"],
    *,
    per_image: bool = False,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """<sorted relu(e), Jaccard steps>, e = 1 - logit * (1 in class 1, -1 elsewhere).

    For two classes, with logits[:, 1] - logits[:, 0]. Without class 1 in `target` the
    largest error is the loss. All pixels ignored: 0, with zero gradient.
    By hand: one pixel of logit 0 costs 1.
    """
    valid = _rows(target != ignore_index, per_image)
    truth = (_rows(target, per_image) == 1) & valid
    logits = _rows(logits, per_image)
    errors = 1 - torch.where(truth, logits, -logits)
    steps = _jaccard_steps(errors, truth, valid)
    return (errors.relu() * steps).sum(-1).mean()


def _rows(values: Tensor, per_image: bool) -> Tensor:
    """[..., batch, height, width] -> [..., rows, pixels], one row or one an image."""
    return values.flatten(-2) if per_image else values.flatten(-3)[..., None, :]


@torch.no_grad()
def _jaccard_steps(errors: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """By how much each pixel, added in falling order of error, raises the Jaccard loss.

    After k pixels the Jaccard loss is J_k = 1 - n / u, with n pixels of the truth not
    yet reached and u in the union of the truth and the k pixels. A pixel of the truth
    lowers n by one and leaves u: J rises by 1 / u. Any other raises u by one: J rises
    by n / (u - 1) - n / u = n / (u (u - 1)). Ignored pixels come last and get 0.
    """
    key = errors.masked_fill(~valid, -torch.inf)
    order = key.argsort(-1, descending=True)
    truth = truth.gather(-1, order)
    rank = torch.arange(1, truth.shape[-1] + 1, device=truth.device)
    reached = truth.cumsum(-1)
    total = reached[..., -1:]
    union = total + rank - reached
    union_before = (union - 1).clamp(min=1)
    steps = (
        torch.where(truth, 1, (total - reached).to(errors.dtype) / union_before) / union
    )
    # without truth the first pixel alone makes the union: from no loss to all of it
    steps[..., 0] = torch.where(total[..., 0] == 0, 1, steps[..., 0])
    return torch.empty_like(steps).scatter_(-1, order, steps) * valid
