"""Overlap metrics on numbers made by hand, and what they refuse."""

import math

import numpy as np
import pytest
import torch

from src.metrics import (
    class_accuracy,
    confusion_matrix,
    confusion_per_image,
    dice,
    iou,
    mean_valid,
    pixel_accuracy,
    precision,
    recall,
    summary,
)


IGNORE = 255


def labels(seed, classes=4, batch=3, ignored=0.2, high=None):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, high or classes, (batch, 7, 9))
    pred = np.where(
        rng.random(target.shape) < 0.5,
        np.minimum(target, classes - 1),
        rng.integers(0, classes, target.shape),
    )
    target[rng.random(target.shape) < ignored] = IGNORE
    return torch.from_numpy(pred), torch.from_numpy(target)


def close(ours, theirs, **options):
    torch.testing.assert_close(
        ours, theirs.double(), atol=1e-6, rtol=0, equal_nan=True, **options
    )


def test_rows_are_the_truth_and_columns_the_prediction():
    target = torch.tensor([[[0, 0, 1], [1, 1, 255]]])
    pred = torch.tensor([[[0, 1, 1], [1, 0, 0]]])

    confusion = confusion_matrix(pred, target, 2)

    assert confusion.dtype == torch.int64
    assert confusion.tolist() == [[1, 1], [1, 2]]
    assert iou(confusion).tolist() == [1 / 3, 2 / 4]
    assert dice(confusion).tolist() == [2 / 4, 4 / 6]
    assert precision(confusion).tolist() == [1 / 2, 2 / 3]
    assert recall(confusion).tolist() == [1 / 2, 2 / 3]
    assert pixel_accuracy(confusion).item() == 3 / 5
    assert class_accuracy(confusion).item() == pytest.approx((1 / 2 + 2 / 3) / 2)


@pytest.mark.spec("SEG-071", "without a denominator is NaN")
@pytest.mark.parametrize(
    ("tp", "fp", "fn", "expected"),
    [
        (0, 0, 0, (math.nan, math.nan, math.nan, math.nan)),
        (0, 3, 0, (0.0, 0.0, 0.0, math.nan)),
        (0, 0, 3, (0.0, 0.0, math.nan, 0.0)),
        (1, 0, 0, (1.0, 1.0, 1.0, 1.0)),
    ],
    ids=["absent", "only predicted", "all missed", "one pixel"],
)
def test_a_class_without_a_denominator_is_nan(tp, fp, fn, expected):
    confusion = torch.tensor([[10, fp], [fn, tp]])

    found = [ratio(confusion)[1].item() for ratio in (iou, dice, precision, recall)]

    np.testing.assert_array_equal(found, expected)


@pytest.mark.spec("SEG-071", "left out of every mean")
def test_absent_classes_leave_the_mean_and_its_count():
    confusion = torch.tensor([[6, 2, 0], [0, 2, 0], [0, 0, 0]])

    numbers = summary(confusion)

    assert numbers["mean_iou"] == pytest.approx((6 / 8 + 2 / 4) / 2)
    assert numbers["mean_iou_valid"] == 2
    assert numbers["mean_dice_fg"] == pytest.approx(4 / 6)
    assert numbers["mean_dice_fg_valid"] == 1
    assert all(type(number) is float for number in numbers.values())


@pytest.mark.spec("SEG-071", "number of valid cases")
def test_per_image_means_count_the_images_that_have_a_valid_class():
    empty = torch.zeros(2, 2, dtype=torch.int64)
    only_background = torch.tensor([[9, 0], [0, 0]])
    half = torch.tensor([[4, 1], [1, 3]])
    images = torch.stack([empty, only_background, half])

    numbers = summary(images.sum(0), images)

    assert numbers["image_iou"] == pytest.approx((1 + (4 / 6 + 3 / 5) / 2) / 2)
    assert numbers["image_iou_valid"] == 2
    assert numbers["image_iou_fg"] == pytest.approx(3 / 5)
    assert numbers["image_iou_fg_valid"] == 1
    assert numbers["image_dice_fg"] == pytest.approx(6 / 8)


@pytest.mark.spec("SEG-071", "number of valid cases")
def test_all_ignored_or_no_image_at_all_is_nan_with_no_valid_case():
    everything = torch.full((2, 4, 4), IGNORE)
    for images in (everything, everything[:0]):
        per_image = confusion_per_image(torch.zeros_like(images), images, 3)
        numbers = summary(per_image.sum(0), per_image)
        valid = [v for name, v in numbers.items() if name.endswith("_valid")]
        others = [v for name, v in numbers.items() if not name.endswith("_valid")]
        assert valid == [0.0] * 8
        assert np.isnan(others).all()


def test_mean_valid_leaves_out_nan_only():
    assert mean_valid(torch.tensor([1.0, math.nan, 2.0])) == (1.5, 2)
    assert mean_valid(torch.tensor([1.0, math.inf])) == (math.inf, 2)
    assert str(mean_valid(torch.full((3,), math.nan))) == "(nan, 0)"


@pytest.mark.spec("SEG-074", "names the value")
@pytest.mark.parametrize("wrong", [-1, 4, 17])
def test_a_class_out_of_range_is_refused_with_its_value(wrong):
    pred, target = labels(0)
    place = tuple((target != IGNORE).nonzero()[5])
    for name, changed in (("pred", pred.clone()), ("target", target.clone())):
        changed[place] = wrong
        pair = (changed, target) if name == "pred" else (pred, changed)
        with pytest.raises(ValueError, match=rf"{name} has class {wrong}, .* 0\.\.3"):
            confusion_matrix(*pair, 4)


@pytest.mark.spec("SEG-070", "counts in int64")
@pytest.mark.parametrize("n", [2**25 + 1, 2**52])  # float32 has neither n nor n + 2
def test_huge_counts_are_not_rounded(n):
    confusion = torch.tensor([[n, 1], [1, n - 3]])

    assert iou(confusion)[0].item() == n / (n + 2) < 1


@pytest.mark.spec("SEG-070", "counts in int64")
def test_counts_go_on_beyond_int32():
    pixels = torch.zeros(1, 8, 8, dtype=torch.int64)

    added = torch.full((1, 1), 2**31 - 1) + confusion_matrix(pixels, pixels, 1)

    assert added.item() == 2**31 + 63


def test_more_than_the_ignored_number_of_classes_can_be_counted():
    target = torch.tensor([[[0, 299, 255]]])

    confusion = confusion_matrix(target, target, 300, ignore_index=-1)

    assert confusion.diagonal().nonzero().flatten().tolist() == [0, 255, 299]
