"""Counts first, ratios second: every overlap metric from one confusion matrix.

Rows are the truth, columns the prediction. Matrices are int64 and add up over batches,
images and processes; the ratios are float64 on the CPU and NaN where they are
undefined, as in nnU-Net (Isensee et al. 2021). So a class counts in a mean of IoU or
Dice if it appears in the truth or in the prediction.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.info import IGNORE_INDEX
from ..utils.contracts import contract


@contract
def confusion_matrix(
    pred: Int[Tensor, "batch height width"],
    target: Int[Tensor, "batch height width"],
    classes: int,
    ignore_index: int = IGNORE_INDEX,
) -> Int[Tensor, "classes classes"]:
    """Count the pixels of each pair of true and predicted class over the whole batch.

    Raises ValueError for a counted pixel whose class is outside 0..classes-1.
    """
    cells = _cells(pred, target, classes, ignore_index)
    counts = torch.bincount(cells.flatten(), minlength=classes**2 + 1)
    return counts[:-1].view(classes, classes)


@contract
def confusion_per_image(
    pred: Int[Tensor, "batch height width"],
    target: Int[Tensor, "batch height width"],
    classes: int,
    ignore_index: int = IGNORE_INDEX,
) -> Int[Tensor, "batch classes classes"]:
    """Count as `confusion_matrix`, each image on its own: the sum is the pooled one."""
    batch, bins = len(pred), classes**2 + 1
    cells = _cells(pred, target, classes, ignore_index).flatten(1)
    cells = cells + bins * torch.arange(batch, device=cells.device)[:, None]
    counts = torch.bincount(cells.flatten(), minlength=batch * bins)
    return counts.view(batch, bins)[:, :-1].reshape(batch, classes, classes)


@contract
def iou(
    confusion: Int[Tensor, "*images classes classes"],
) -> Float[Tensor, "*images classes"]:
    """Intersection over union, tp / (tp + fp + fn), of each class."""
    tp, fp, fn = _tp_fp_fn(confusion)
    return tp / (tp + fp + fn)


@contract
def dice(
    confusion: Int[Tensor, "*images classes classes"],
) -> Float[Tensor, "*images classes"]:
    """Dice = F1 = 2 tp / (2 tp + fp + fn) of each class."""
    tp, fp, fn = _tp_fp_fn(confusion)
    return 2 * tp / (2 * tp + fp + fn)


@contract
def precision(
    confusion: Int[Tensor, "*images classes classes"],
) -> Float[Tensor, "*images classes"]:
    """Share tp / (tp + fp) of the pixels predicted as a class that are of it."""
    tp, fp, _ = _tp_fp_fn(confusion)
    return tp / (tp + fp)


@contract
def recall(
    confusion: Int[Tensor, "*images classes classes"],
) -> Float[Tensor, "*images classes"]:
    """Share tp / (tp + fn) of the pixels of a class that were found."""
    tp, _, fn = _tp_fp_fn(confusion)
    return tp / (tp + fn)


@contract
def pixel_accuracy(
    confusion: Int[Tensor, "*images classes classes"],
) -> Float[Tensor, "*images"]:
    """Share of the counted pixels that are right; NaN if none is counted."""
    counts = confusion.cpu().double()
    return counts.diagonal(dim1=-2, dim2=-1).sum(-1) / counts.sum((-2, -1))


@contract
def class_accuracy(
    confusion: Int[Tensor, "*images classes classes"],
) -> Float[Tensor, "*images"]:
    """Mean recall over the classes that appear in the truth."""
    return recall(confusion).nanmean(-1)


@contract
def mean_valid(values: Float[Tensor, "*values"]) -> tuple[float, int]:
    """Mean of the values that are not NaN, and their number; (NaN, 0) if none."""
    valid = values[~values.isnan()].double()
    return valid.mean().item(), valid.numel()


@contract
def summary(
    confusion: Int[Tensor, "classes classes"],
    per_image: Int[Tensor, "images classes classes"] | None = None,
) -> dict[str, float]:
    """Plain numbers of a data set, from its pooled matrix and its matrices per image.

    `mean_*` pools the pixels of all images and averages over classes; `image_*`
    averages over the classes of an image, then over images. `*_fg` leaves class 0, the
    background, out. `*_valid` is the number of classes or images in the mean.
    """
    numbers = {
        "pixel_accuracy": pixel_accuracy(confusion).item(),
        "class_accuracy": class_accuracy(confusion).item(),
    }
    for name, score in _scores(confusion).items():
        numbers[f"mean_{name}"], numbers[f"mean_{name}_valid"] = mean_valid(score)
    if per_image is not None:
        for name, score in _scores(per_image).items():
            mean, valid = mean_valid(score.nanmean(-1))
            numbers[f"image_{name}"], numbers[f"image_{name}_valid"] = mean, valid
    return {name: float(number) for name, number in numbers.items()}


def _scores(confusion: Tensor) -> dict[str, Tensor]:
    both = {"iou": iou(confusion), "dice": dice(confusion)}
    return {
        name + suffix: score[..., first:]
        for name, score in both.items()
        for first, suffix in enumerate(("", "_fg"))
    }


def _tp_fp_fn(confusion: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    counts = confusion.cpu()  # int64 is exact to 2**63; float64 does not exist on MPS
    tp = counts.diagonal(dim1=-2, dim2=-1)
    fp, fn = counts.sum(-2) - tp, counts.sum(-1) - tp
    return tp.double(), fp.double(), fn.double()


def _cells(pred: Tensor, target: Tensor, classes: int, ignore_index: int) -> Tensor:
    """Index truth * classes + prediction of each pixel; classes**2 where ignored."""
    ignored = target == ignore_index
    for name, labels in (("pred", pred), ("target", target)):
        counted = labels.masked_fill(ignored, 0)
        low, high = counted.aminmax() if counted.numel() else (0, 0)
        if low < 0 or high >= classes:
            wrong = counted[(counted < 0) | (counted >= classes)][0].item()
            raise ValueError(
                f"{name} has class {wrong}, which is not in 0..{classes - 1}"
                f" and is not the ignored value {ignore_index}"
            )
    return (target.long() * classes + pred).masked_fill_(ignored, classes**2)
