"""Laws of the overlap metrics: what adds up, and what changes nothing."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.metrics import confusion_matrix, confusion_per_image, dice, iou
from tests.test_metrics_confusion import IGNORE, close, labels


seeds = st.integers(0, 10_000)


@pytest.mark.spec("SEG-072", "whatever is predicted there")
@given(seeds, st.sampled_from([-7, 0, 3, 255, 2**40]))
def test_the_prediction_at_an_ignored_pixel_never_matters(seed, anything):
    pred, target = labels(seed)
    moved = pred.masked_fill(target == IGNORE, anything)

    for count in (confusion_matrix, confusion_per_image):
        assert torch.equal(count(pred, target, 4), count(moved, target, 4))


@pytest.mark.spec("SEG-073", "the sum is the matrix of the whole")
@given(seeds, st.integers(0, 5))
def test_matrices_add_up_over_batches_and_images(seed, cut):
    pred, target = labels(seed, batch=5)

    whole = confusion_matrix(pred, target, 4)

    first, rest = (
        confusion_matrix(pred[part], target[part], 4)
        for part in (slice(cut), slice(cut, None))
    )
    per_image = confusion_per_image(pred, target, 4)
    assert torch.equal(first + rest, whole)
    assert torch.equal(per_image.sum(0), whole)
    assert whole.sum() == (target != IGNORE).sum()


@given(seeds)
def test_dice_is_twice_iou_over_one_plus_iou(seed):
    confusion = confusion_per_image(*labels(seed), 4)
    j = iou(confusion)

    close(dice(confusion), 2 * j / (1 + j))


@given(seeds, st.permutations(range(4)))
def test_renaming_the_classes_renames_the_scores(seed, order):
    pred, target = labels(seed)
    names = torch.arange(256)
    names[:4] = torch.tensor(order)

    before = confusion_matrix(pred, target, 4)
    after = confusion_matrix(names[pred], names[target], 4)

    assert torch.equal(after[order][:, order], before)
    close(iou(after)[order], iou(before))
