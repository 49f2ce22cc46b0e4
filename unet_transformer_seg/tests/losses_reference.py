"""The losses once more, slowly: from their definitions, or by MONAI and torch.

Each takes float64 logits and a target with 255 = ignored, and is differentiable. MONAI
gets masked probabilities and one-hot targets: not all of its losses ignore pixels.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor


monai = pytest.importorskip("monai.losses")
ndimage = pytest.importorskip("scipy.ndimage")


def masked(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Probabilities and one-hot target, both 0 at ignored pixels, and the mask."""
    valid = target != 255
    hot = F.one_hot(target.where(valid, 0), logits.shape[1]).movedim(-1, 1)
    mask = valid[:, None].to(logits.dtype)
    return logits.softmax(1) * mask, hot * mask, mask


def cross_entropy(logits, target, **options):
    return F.cross_entropy(logits, target, ignore_index=255, **options)


def dice(
    logits,
    target,
    *,
    smooth=1e-5,
    squared=False,
    per_image=False,
    include_background=True,
):
    loss = monai.DiceLoss(
        squared_pred=squared,
        batch=not per_image,
        smooth_nr=smooth,
        smooth_dr=smooth,
        include_background=include_background,
    )
    return loss(*masked(logits, target)[:2])


def jaccard(logits, target, *, smooth=1e-5, per_image=False, include_background=True):
    """MONAI adds its smooth to 2I and 2(P + T - I), we ours to I and P + T - I."""
    loss = monai.DiceLoss(
        jaccard=True,
        batch=not per_image,
        smooth_nr=2 * smooth,
        smooth_dr=2 * smooth,
        include_background=include_background,
    )
    return loss(*masked(logits, target)[:2])


def generalised_dice(
    logits, target, *, smooth=1e-5, per_image=False, include_background=True
):
    loss = monai.GeneralizedDiceLoss(
        batch=not per_image,
        smooth_nr=smooth,
        smooth_dr=smooth,
        include_background=include_background,
    )
    return loss(*masked(logits, target)[:2])


def tversky(
    logits, target, *, alpha=0.5, beta=0.5, gamma=1.0, smooth=1e-5, per_image=False
):
    loss = monai.TverskyLoss(
        alpha=alpha,
        beta=beta,
        batch=not per_image,
        smooth_nr=smooth,
        smooth_dr=smooth,
        reduction="none",
    )
    return (loss(*masked(logits, target)[:2]) ** gamma).mean()


def focal(logits, target, *, gamma=2.0):
    """Lin et al. 2017, eq. 4, with log(1 - p) from the other classes' logits."""
    valid = target != 255
    x, y = logits.movedim(1, -1)[valid], target[valid][:, None]
    true = torch.zeros_like(x, dtype=torch.bool).scatter(1, y, True)
    others = x.masked_fill(true, -torch.inf).logsumexp(1) - x.logsumexp(1)
    nll = x.logsumexp(1) - x.gather(1, y)[:, 0]
    return ((gamma * others).exp() * nll).mean()


def focal_monai(logits, target, *, gamma=2.0):
    """MONAI's mean divides by the classes too; its sum does not."""
    _, hot, mask = masked(logits, target)
    loss = monai.FocalLoss(use_softmax=True, gamma=gamma, reduction="none")
    return (loss(logits, hot) * mask).sum() / mask.sum()


def lovasz_softmax(logits, target, *, per_image=False, include_background=True):
    if per_image:
        each = [
            lovasz_softmax(x[None], y[None], include_background=include_background)
            for x, y in zip(logits, target, strict=True)
        ]
        return torch.stack(each).mean()
    valid = target != 255
    p, y = logits.softmax(1).movedim(1, -1)[valid], target[valid]
    losses = [
        extension((y == c).to(p.dtype).sub(p[:, c]).abs(), y == c)
        for c in range(0 if include_background else 1, logits.shape[1])
        if (y == c).any()
    ]
    return torch.stack(losses).mean() if losses else logits.sum() * 0


def lovasz_hinge(logits, target, *, per_image=False):
    """Of the difference of two logits."""
    if per_image:
        each = [
            lovasz_hinge(x[None], y[None]) for x, y in zip(logits, target, strict=True)
        ]
        return torch.stack(each).mean()
    valid = target != 255
    x, y = (logits[:, 1] - logits[:, 0])[valid], target[valid] == 1
    return extension((1 - torch.where(y, x, -x)), y, relu=True) if len(y) else x.sum()


def extension(errors: Tensor, truth: Tensor, relu: bool = False) -> Tensor:
    """Lovasz extension of the Jaccard loss by its definition (Berman et al. 2018).

    The set S of wrong pixels grows by the pixel of the next largest error; each error
    is multiplied by what its pixel adds to 1 - |truth minus S| / |truth plus S|.
    """
    order = errors.argsort(descending=True).tolist()
    wrong, before, total = np.zeros(len(order), bool), 0.0, errors.sum() * 0
    y = truth.numpy()
    for pixel in order:
        wrong[pixel] = True
        after = 1 - (y & ~wrong).sum() / (y | wrong).sum()
        error = errors[pixel].relu() if relu else errors[pixel]
        total = total + error * (after - before)
        before = after
    return total


def boundary(logits, target):
    """Kervadec et al. 2019 with scipy's distances, where every pixel is valid."""
    p = logits.softmax(1)
    phi = torch.zeros_like(p)
    for image, labels in enumerate(target):
        for c in range(1, logits.shape[1]):
            inside = (labels == c).numpy()
            if inside.any() and not inside.all():
                outer = ndimage.distance_transform_edt(~inside)
                inner = ndimage.distance_transform_edt(inside)
                phi[image, c] = torch.from_numpy(np.where(inside, 1 - inner, outer))
    return (p * phi)[:, 1:].mean()
