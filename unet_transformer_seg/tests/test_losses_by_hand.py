"""Numbers that a person can check with a pencil, one at least for each loss."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from src.losses.boundary import boundary_loss, signed_distance
from src.losses.cross_entropy import cross_entropy_loss
from src.losses.focal import focal_loss
from src.losses.lovasz import lovasz_hinge_loss, lovasz_softmax_loss
from src.losses.overlap import (
    dice_loss,
    generalised_dice_loss,
    jaccard_loss,
    tversky_loss,
)


def _hinge(logits: Tensor, target: Tensor) -> Tensor:
    return lovasz_hinge_loss(logits[:, 1] - logits[:, 0], target)


@pytest.mark.spec("SEG-055", "the convex extension of the Jaccard loss")
def test_lovasz_is_the_largest_sum_over_all_orders_of_the_pixels():
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(1, 2, 1, 5, generator=generator, dtype=torch.float64)
    truth = torch.tensor([True, False, True, False, False])
    errors = (truth.double() - logits.softmax(1)[0, 1, 0]).abs().tolist()

    def along(order: tuple[int, ...]) -> float:
        total, before, wrong = 0.0, 0.0, set()
        for pixel in order:
            wrong.add(pixel)
            right = sum(1 for k in range(5) if truth[k] and k not in wrong)
            union = sum(1 for k in range(5) if truth[k] or k in wrong)
            total += errors[pixel] * (1 - right / union - before)
            before = 1 - right / union
        return total

    loss = lovasz_softmax_loss(
        logits, truth[None, None].long(), include_background=False
    )

    assert loss.item() == pytest.approx(
        max(map(along, itertools.permutations(range(5))))
    )


def one_pixel() -> tuple[Tensor, Tensor]:
    return torch.zeros(1, 2, 1, 1, dtype=torch.float64), torch.ones(1, 1, 1).long()


@pytest.mark.parametrize(
    ("loss", "options", "expected"),
    [
        (cross_entropy_loss, {}, math.log(2)),
        (dice_loss, {"smooth": 0.0}, (1 / 3 + 1) / 2),
        (dice_loss, {"smooth": 0.0, "squared": True}, (1 - 1 / 1.25 + 1) / 2),
        (jaccard_loss, {"smooth": 0.0}, 3 / 4),
        (generalised_dice_loss, {"smooth": 0.0}, 1 / 2),
        (tversky_loss, {"smooth": 0.0}, (1 / 3 + 1) / 2),
        (tversky_loss, {"smooth": 0.0, "gamma": 2.0}, (1 / 9 + 1) / 2),
        (focal_loss, {}, math.log(2) / 4),
        (lovasz_softmax_loss, {}, 1 / 2),
        (_hinge, {}, 1.0),
    ],
)
def test_by_hand_one_pixel_of_equal_logits(loss, options, expected):
    assert loss(*one_pixel(), **options).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.spec("SEG-056", "negative inside")
def test_boundary_by_hand():
    logits = torch.zeros(1, 2, 1, 4, dtype=torch.float64)
    target = torch.tensor([[[0, 1, 1, 1]]])

    phi = signed_distance(target == 1, target != 255)

    assert phi.tolist() == [[[1.0, 0.0, -1.0, -2.0]]]
    assert boundary_loss(logits, target).item() == -2 / 2 / 4


def test_boundary_measures_to_known_pixels_only():
    target = torch.tensor([[[0, 255, 1, 1, 255, 255]]])

    phi = signed_distance(target == 1, target != 255)

    assert phi.tolist() == [[[2.0, 0.0, -1.0, -2.0, 0.0, 0.0]]]


@pytest.mark.spec("SEG-051", "pushed to zero, not skipped")
def test_absent_class_costs_p_over_p_plus_s():
    logits = torch.tensor([[[[0.0, 1.0]], [[0.0, -1.0]]]], requires_grad=True)

    loss = dice_loss(
        logits, torch.zeros(1, 1, 2).long(), smooth=2.0, include_background=False
    )
    loss.backward()

    p = logits.softmax(1)[:, 1].sum().item()
    assert loss.item() == pytest.approx(p / (p + 2))
    assert (logits.grad[:, 1] > 0).all()
