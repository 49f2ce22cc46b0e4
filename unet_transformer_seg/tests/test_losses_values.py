"""Each loss equals an independent implementation, value and gradient, to 1e-6.

Where ours differ from a library on purpose, or cannot be compared with it as it is:

| loss | library | difference | reason |
| --- | --- | --- | --- |
| cross entropy | torch | all ignored: 0, not NaN | a batch without labels is no fault |
| Jaccard | MONAI | its smooth counts twice | ours is added to I, as in the reference |
| focal | MONAI | divides by C too, in float32 | compared as a sum, to 1e-5 |
| focal, Tversky | all | p = 1, power < 1: gradient 0 | the limit, instead of NaN |
| generalised Dice | MONAI | its weights are float32 | compared to 1e-6, not closer |
| Lovasz | all | gradient among equal errors | any subgradient is right |
| boundary | scipy | an object fills the image: 0 | scipy measures to outside of it |
"""

import pytest
import torch
from torch import Tensor

from src.losses.boundary import boundary_loss
from src.losses.cross_entropy import cross_entropy_loss
from src.losses.focal import focal_loss
from src.losses.lovasz import lovasz_hinge_loss, lovasz_softmax_loss
from src.losses.overlap import (
    dice_loss,
    generalised_dice_loss,
    jaccard_loss,
    tversky_loss,
)
from tests import losses_reference as reference


TOLERANCE = 1e-6


def hinge_of_two(logits: Tensor, target: Tensor, **options) -> Tensor:
    return lovasz_hinge_loss(logits[:, 1] - logits[:, 0], target, **options)


def make(
    shape: tuple[int, ...] = (3, 4, 7, 6), scale: float = 2.0, ignored: float = 0.2
) -> tuple[Tensor, Tensor]:
    batch, classes, *sides = shape
    generator = torch.Generator().manual_seed(7)
    logits = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
    target = torch.randint(0, classes, (batch, *sides), generator=generator)
    target[torch.rand(target.shape, generator=generator) < ignored] = 255
    return logits, target


def inputs(classes: int) -> dict[str, tuple[Tensor, Tensor]]:
    logits, target = make((3, classes, 7, 6))
    empty_image = target.clone()
    empty_image[1] = 255
    return {
        "random": make((3, classes, 7, 6), ignored=0),
        "some ignored": (logits, target),
        "an image ignored": (logits, empty_image),
        "absent class": (logits, target.where(target != classes - 1, 0)),
        "background only": (logits, torch.zeros_like(target)),
        "class 1 only": (logits, torch.ones_like(target)),
        "batch of 1": make((1, classes, 5, 5)),
        "one pixel": make((1, classes, 1, 1), ignored=0),
        "confident": make((2, classes, 5, 5), scale=30.0),
    }


WEIGHT = torch.tensor([0.2, 1.0, 3.0, 0.5], dtype=torch.float64)
FOREGROUND = {"include_background": False}
CE, GDL = cross_entropy_loss, generalised_dice_loss
R = reference
PAIRS = {
    "ce": (CE, R.cross_entropy, {}),
    "ce smoothed": (CE, R.cross_entropy, {"label_smoothing": 0.1}),
    "ce weighted": (CE, R.cross_entropy, {"weight": WEIGHT}),
    "ce both": (CE, R.cross_entropy, {"weight": WEIGHT, "label_smoothing": 0.3}),
    "dice": (dice_loss, R.dice, {}),
    "dice s=1": (dice_loss, R.dice, {"smooth": 1.0}),
    "dice squared": (dice_loss, R.dice, {"squared": True}),
    "dice per image": (dice_loss, R.dice, {"per_image": True}),
    "dice foreground": (dice_loss, R.dice, FOREGROUND),
    "jaccard": (jaccard_loss, R.jaccard, {}),
    "jaccard per image": (jaccard_loss, R.jaccard, {"smooth": 1.0, "per_image": True}),
    "jaccard foreground": (jaccard_loss, R.jaccard, FOREGROUND),
    "gdl": (GDL, R.generalised_dice, {}),
    "gdl per image": (GDL, R.generalised_dice, {"smooth": 0.1, "per_image": True}),
    "gdl foreground": (GDL, R.generalised_dice, FOREGROUND),
    "tversky": (tversky_loss, R.tversky, {"alpha": 0.3, "beta": 0.7}),
    "tversky per image": (tversky_loss, R.tversky, {"alpha": 2.0, "per_image": True}),
    "focal tversky": (tversky_loss, R.tversky, {"beta": 0.9, "gamma": 0.75}),
    "focal": (focal_loss, R.focal, {}),
    "focal g=1/2": (focal_loss, R.focal, {"gamma": 0.5}),
    "lovasz": (lovasz_softmax_loss, R.lovasz_softmax, {}),
    "lovasz per image": (lovasz_softmax_loss, R.lovasz_softmax, {"per_image": True}),
    "lovasz foreground": (lovasz_softmax_loss, R.lovasz_softmax, FOREGROUND),
    "hinge": (hinge_of_two, R.lovasz_hinge, {}),
    "hinge per image": (hinge_of_two, R.lovasz_hinge, {"per_image": True}),
}


MARKS = {
    R.cross_entropy: [
        pytest.mark.spec("SEG-050", "equals `F.cross_entropy`"),
        pytest.mark.parity(
            "cross entropy of pixels", "torch.nn.functional.cross_entropy"
        ),
    ],
    R.dice: [
        pytest.mark.spec("SEG-051", "equal MONAI's"),
        pytest.mark.parity("Dice loss", "monai.losses.DiceLoss"),
    ],
    R.jaccard: [
        pytest.mark.spec("SEG-051", "equal MONAI's"),
        pytest.mark.parity("Jaccard loss", "monai.losses.DiceLoss(jaccard=True)"),
    ],
    R.generalised_dice: [
        pytest.mark.spec("SEG-052", "weight 1 / T^2"),
        pytest.mark.parity("generalised Dice loss", "monai.losses.GeneralizedDiceLoss"),
    ],
    R.tversky: [
        pytest.mark.spec(
            "SEG-053", "mean over classes of (1 - (I + s) / (I + a FP + b FN + s))^g"
        ),
        pytest.mark.parity(
            "Tversky and focal Tversky loss", "monai.losses.TverskyLoss"
        ),
    ],
    R.focal: [
        pytest.mark.spec("SEG-054", "mean of (1 - p)^g nll"),
        pytest.mark.parity("focal loss", "Lin et al. 2017, eq. 4, written out"),
    ],
    R.lovasz_softmax: [
        pytest.mark.spec("SEG-055", "equal their definition, value and gradient"),
        pytest.mark.parity(
            "Lovasz softmax loss", "Berman et al. 2018, by its definition"
        ),
    ],
    R.lovasz_hinge: [
        pytest.mark.spec("SEG-055", "equal their definition, value and gradient"),
        pytest.mark.parity(
            "Lovasz hinge loss", "Berman et al. 2018, by its definition"
        ),
    ],
}


def value_and_gradient(loss, logits: Tensor, target: Tensor, options: dict):
    logits = logits.clone().requires_grad_()
    value = loss(logits, target, **options)
    return value.detach(), torch.autograd.grad(value, logits)[0]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=MARKS[PAIRS[name][1]]) for name in PAIRS]
)
def test_equals_the_reference(name, parity):
    ours, theirs, options = PAIRS[name]
    for case, (logits, target) in inputs(2 if "hinge" in name else 4).items():
        value, gradient = value_and_gradient(ours, logits, target, options)
        expected, expected_gradient = value_and_gradient(
            theirs, logits, target, options
        )

        parity.value({case: value}, {case: expected}, atol=TOLERANCE)
        parity.gradient({case: gradient}, {case: expected_gradient}, atol=TOLERANCE)


@pytest.mark.parity("focal loss", "monai.losses.FocalLoss")
def test_focal_equals_monai(parity):
    logits, target = make()

    value, gradient = value_and_gradient(focal_loss, logits, target, {})
    expected, expected_gradient = value_and_gradient(
        reference.focal_monai, logits, target, {}
    )

    parity.value(value, expected, atol=1e-6)
    parity.gradient(gradient, expected_gradient, atol=1e-6)


@pytest.mark.spec("SEG-056", "p times phi")
@pytest.mark.parity(
    "boundary loss", "Kervadec et al. 2019 on scipy.ndimage.distance_transform_edt"
)
def test_boundary_equals_kervadec_with_scipy_distances(parity):
    for case, (logits, target) in inputs(4).items():
        valid = target.where(target != 255, 0)
        value, gradient = value_and_gradient(boundary_loss, logits, valid, {})
        expected = value_and_gradient(reference.boundary, logits, valid, {})
        parity.value({case: value}, {case: expected[0]}, atol=1e-9)
        parity.gradient({case: gradient}, {case: expected[1]}, atol=1e-9)


def test_hard_predictions_score_as_the_metrics_of_torchmetrics():
    metrics = pytest.importorskip("torchmetrics.functional")
    _, target = make(ignored=0.1)
    predicted = torch.randint(
        0, 4, target.shape, generator=torch.Generator().manual_seed(1)
    )
    logits = 1e4 * torch.nn.functional.one_hot(predicted, 4).movedim(-1, 1).double()
    task = {
        "task": "multiclass",
        "num_classes": 4,
        "average": "macro",
        "ignore_index": 255,
    }

    dice = dice_loss(logits, target, smooth=0.0)
    jaccard = jaccard_loss(logits, target, smooth=0.0)
    lovasz = lovasz_softmax_loss(logits, target)

    assert 1 - dice.item() == pytest.approx(
        metrics.f1_score(predicted, target, **task).item()
    )
    iou = metrics.jaccard_index(predicted, target, **task).item()
    assert 1 - jaccard.item() == pytest.approx(iou)
    assert 1 - lovasz.item() == pytest.approx(iou)
