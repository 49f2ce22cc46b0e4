"""Overlap metrics against torchmetrics, MONAI and scikit-learn.

Where the libraries differ from us and why:
- torchmetrics gives 0 to a class in neither truth nor prediction; ours is NaN, and the
  mean over the others is the same.
- torchmetrics' macro accuracy takes classes that were only predicted into the mean as
  0; ours is the mean recall over the classes in the truth, as scikit-learn's
  `balanced_accuracy_score`.
- MONAI gives NaN to an image whose truth lacks the class although it was predicted;
  ours is 0.
"""

import pytest
import torch

from src.metrics import (
    class_accuracy,
    confusion_matrix,
    confusion_per_image,
    dice,
    iou,
    pixel_accuracy,
    precision,
    recall,
)
from tests.test_metrics_confusion import IGNORE, labels


def of_torchmetrics(name, pred, target, classes, **options):
    tm = pytest.importorskip("torchmetrics.functional.classification")
    # It needs two classes: for one, an unused second class is left out again.
    options |= {"num_classes": max(classes, 2), "ignore_index": IGNORE}
    return getattr(tm, f"multiclass_{name}")(pred, target, **options)


@pytest.mark.parity(
    "confusion matrix",
    "torchmetrics.functional.classification.multiclass_confusion_matrix",
)
@pytest.mark.spec("SEG-070", "equal to torchmetrics")
@pytest.mark.parametrize("classes", [1, 2, 5])
@pytest.mark.parametrize("ignored", [0.0, 0.3])
def test_counts_are_those_of_torchmetrics(classes, ignored, parity):
    pred, target = labels(classes, classes, ignored=ignored)
    theirs = of_torchmetrics("confusion_matrix", pred, target, classes)
    ours = confusion_matrix(pred, target, classes)
    parity.value(ours, theirs[:classes, :classes], atol=0)


IOU = pytest.mark.parity(
    "IoU", "torchmetrics.functional.classification.multiclass_jaccard_index"
)
DICE = pytest.mark.parity(
    "Dice", "torchmetrics.functional.classification.multiclass_f1_score"
)
PRECISION = pytest.mark.parity(
    "precision", "torchmetrics.functional.classification.multiclass_precision"
)
RECALL = pytest.mark.parity(
    "recall", "torchmetrics.functional.classification.multiclass_recall"
)


@pytest.mark.spec("SEG-070", "equal to torchmetrics")
@pytest.mark.parametrize("classes", [1, 2, 5])
@pytest.mark.parametrize("ignored", [0.0, 0.3])
@pytest.mark.parametrize(
    ("ratio", "name"),
    [
        pytest.param(iou, "jaccard_index", marks=IOU),
        pytest.param(dice, "f1_score", marks=DICE),
        pytest.param(precision, "precision", marks=PRECISION),
        pytest.param(recall, "recall", marks=RECALL),
        pytest.param(recall, "accuracy", marks=RECALL),
    ],
)
def test_ratios_are_those_of_torchmetrics(ratio, name, classes, ignored, parity):
    pred, target = labels(classes, classes, ignored=ignored)
    theirs = of_torchmetrics(name, pred, target, classes, average="none")
    found = ratio(confusion_matrix(pred, target, classes))
    parity.value(found, theirs[:classes], atol=1e-6)


@pytest.mark.parity(
    "pixel accuracy", "torchmetrics.functional.classification.multiclass_accuracy"
)
@pytest.mark.spec("SEG-070", "equal to torchmetrics")
@pytest.mark.parametrize("classes", [1, 2, 5])
def test_pixel_accuracy_is_that_of_torchmetrics(classes, parity):
    pred, target = labels(classes, classes, ignored=0.3)
    micro = of_torchmetrics("accuracy", pred, target, classes, average="micro")
    found = pixel_accuracy(confusion_matrix(pred, target, classes))
    parity.value(found, micro, atol=1e-6)


@pytest.mark.parity(
    "Dice of each image", "torchmetrics.functional.segmentation.dice_score"
)
@pytest.mark.spec("SEG-070", "equal to torchmetrics and MONAI")
def test_dice_of_each_image_is_that_of_torchmetrics(parity):
    segmentation = pytest.importorskip("torchmetrics.functional.segmentation")
    pred, target = labels(1, 3, ignored=0)
    ours = confusion_per_image(pred, target, 3)
    options = {"average": "none", "input_format": "index"}

    samplewise = segmentation.dice_score(pred, target, 3, **options)
    options |= {"aggregation_level": "global"}
    pooled = segmentation.dice_score(pred, target, 3, **options)
    parity.value(dice(ours), samplewise, atol=1e-6)
    parity.value(dice(ours.sum(0)), pooled.flatten(), atol=1e-6)


@pytest.mark.spec("SEG-070", "equal to torchmetrics and MONAI")
@pytest.mark.parametrize(
    "ratio",
    [
        pytest.param(
            dice,
            marks=pytest.mark.parity(
                "Dice of each image", "monai.metrics.compute_dice"
            ),
        ),
        pytest.param(
            iou,
            marks=pytest.mark.parity("IoU of each image", "monai.metrics.compute_iou"),
        ),
    ],
)
def test_ratios_of_each_image_are_those_of_monai(ratio, parity):
    monai = pytest.importorskip("monai.metrics")
    pred, target = labels(1, 3, ignored=0)
    hot = [torch.nn.functional.one_hot(m, 3).movedim(-1, 1) for m in (pred, target)]
    compute = getattr(monai, f"compute_{ratio.__name__}")
    theirs = compute(*hot, include_background=True)
    parity.value(ratio(confusion_per_image(pred, target, 3)), theirs, atol=1e-6)


@pytest.mark.parity("class accuracy", "sklearn.metrics.recall_score")
@pytest.mark.spec("SEG-070", "counts in int64")
def test_class_accuracy_is_the_balanced_accuracy_of_the_classes_in_the_truth(parity):
    sklearn = pytest.importorskip("sklearn.metrics")
    pred, target = labels(2, 5, high=3)
    counted = target != IGNORE

    ours = class_accuracy(confusion_matrix(pred, target, 5)).item()

    y, x = target[counted].numpy(), pred[counted].numpy()
    found = sklearn.recall_score(y, x, labels=[0, 1, 2], average="macro")
    parity.value(ours, found, atol=1e-12)
