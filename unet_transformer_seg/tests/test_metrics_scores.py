"""Calibration, trivial baselines and bootstrap intervals.

torchmetrics puts a confidence of exactly 1 into a sixteenth bin; the cases compared
have none.
"""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.metrics import (
    BlurThreshold,
    all_background,
    bootstrap_interval,
    calibration_bins,
    confusion_matrix,
    dice,
    ece,
    fit_blur_threshold,
)


seeds = st.integers(0, 10_000)


def forecast(seed, batch=3, classes=4):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch, classes, 8, 9, generator=generator).double()
    target = torch.randint(classes, (batch, 8, 9), generator=generator)
    target[torch.rand(target.shape, generator=generator) < 0.2] = 255
    return (2 * logits).softmax(1), target


@pytest.mark.spec("SEG-079", "15 bins of equal width")
@pytest.mark.parity(
    "calibration error of pixels",
    "torchmetrics.functional.classification.multiclass_calibration_error",
)
@pytest.mark.parametrize("seed", range(4))
def test_calibration_error_is_that_of_torchmetrics(seed, parity):
    tm = pytest.importorskip("torchmetrics.functional.classification")
    probabilities, target = forecast(seed)

    ours = ece(calibration_bins(probabilities, target))

    options = {"num_classes": 4, "n_bins": 15, "norm": "l1", "ignore_index": 255}
    theirs = tm.multiclass_calibration_error(probabilities, target, **options)
    parity.value(ours, theirs, atol=1e-6)


@pytest.mark.spec("SEG-079", "add up over batches")
@given(seeds, st.integers(0, 3))
def test_calibration_sums_add_up_over_batches(seed, cut):
    probabilities, target = forecast(seed)

    parts = [
        calibration_bins(probabilities[part], target[part])
        for part in (slice(cut), slice(cut, None))
    ]

    torch.testing.assert_close(sum(parts), calibration_bins(probabilities, target))


def test_calibration_made_by_hand():
    probabilities = torch.tensor([[0.75, 0.75, 1.0, 0.5], [0.25, 0.25, 0.0, 0.5]])
    probabilities = probabilities.view(1, 2, 2, 2)
    target = torch.tensor([[[0, 1], [0, 255]]])

    sums = calibration_bins(probabilities, target, bins=4)

    assert sums.tolist() == [[0, 0, 0, 3], [0, 0, 0, 2.5], [0, 0, 0, 2]]
    assert ece(sums) == pytest.approx(0.5 / 3)
    assert math.isnan(ece(calibration_bins(probabilities, torch.full((1, 2, 2), 255))))


@pytest.mark.spec("SEG-072", "Ignored pixels count in no metric")
def test_ignored_pixels_do_not_count_in_the_calibration():
    probabilities, target = forecast(0)
    changed = probabilities.clone()
    changed.movedim(1, -1)[target == 255] = math.nan

    assert torch.equal(
        calibration_bins(changed, target), calibration_bins(probabilities, target)
    )


def test_logits_are_refused_as_probabilities():
    target = torch.zeros(1, 1, 1, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"a confidence is 3\.5, .* 0\.\.1"):
        calibration_bins(torch.tensor([3.5, -1.0]).view(1, 2, 1, 1), target)


def test_all_background_has_the_shape_and_type_of_a_target():
    image = torch.rand(2, 3, 4, 5)

    assert torch.equal(all_background(image), torch.zeros(2, 4, 5, dtype=torch.int64))


def cells(seed, dark=True):
    """Bright or dark lines, class 1, under noise as strong as they are."""
    rng = np.random.default_rng(seed)
    target = np.zeros((48, 48), dtype=np.int64)
    target[8:14], target[30:36], target[:, 20:26] = 1, 1, 1
    image = (-target if dark else target) + rng.normal(0, 1, target.shape)
    target[:4] = 255
    image[:4] = rng.normal(40, 10, image[:4].shape)
    return torch.from_numpy(image)[None], torch.from_numpy(target)


def dice_of(baseline, pairs):
    counts = [
        confusion_matrix(baseline.predict(image[None]), target[None], 2)
        for image, target in pairs
    ]
    return dice(sum(counts))[1].item()


@pytest.mark.spec("SEG-078", "sigma, threshold and direction")
@pytest.mark.parametrize("dark", [True, False])
def test_blur_and_threshold_finds_direction_and_blur(dark):
    train = [cells(seed, dark) for seed in range(3)]

    baseline = fit_blur_threshold(train)

    assert baseline.above is not dark
    assert 1 <= baseline.sigma <= 3
    without = fit_blur_threshold(train, sigmas=(0.0,))
    assert dice_of(baseline, train) > dice_of(without, train) + 0.1


@pytest.mark.spec("SEG-078", "the best pooled Dice")
@given(seeds)
def test_no_other_threshold_or_direction_is_better(seed):
    rng = np.random.default_rng(seed)
    image = torch.from_numpy(rng.integers(0, 6, (1, 6, 7)) / 5.0)
    target = torch.from_numpy(rng.integers(0, 2, (6, 7)))
    target[0, :3] = 255

    found = fit_blur_threshold([(image, target)], sigmas=(0.0,))

    best = max(
        dice_of(BlurThreshold(0.0, cut, above), [(image, target)])
        for cut in (-0.1, 0.1, 0.3, 0.5, 0.7, 0.9)
        for above in (True, False)
    )
    assert dice_of(found, [(image, target)]) >= best - 1e-12


def test_blur_and_threshold_needs_images():
    with pytest.raises(ValueError, match="at least one training image"):
        fit_blur_threshold([])


def test_the_interval_is_that_of_a_normal_mean():
    generator = torch.Generator().manual_seed(3)
    values = torch.randn(400, generator=generator).double()
    half = 1.96 * values.std().item() / math.sqrt(len(values))

    low, high = bootstrap_interval(values, resamples=8000)

    assert low == pytest.approx(values.mean().item() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean().item() + half, abs=0.1 * half)
    narrow = bootstrap_interval(values, level=0.5, resamples=8000)
    assert low < narrow[0] < narrow[1] < high


def test_the_interval_is_repeatable_and_leaves_nan_out():
    values = torch.tensor([0.2, math.nan, 0.9, 0.4])

    found = bootstrap_interval(values, seed=1)

    assert found == bootstrap_interval(values[~values.isnan()], seed=1)
    assert found != bootstrap_interval(values, seed=2, resamples=50)
    assert 0.2 <= found[0] < found[1] <= 0.9
    assert bootstrap_interval(torch.tensor([0.5])) == (0.5, 0.5)
    assert np.isnan(bootstrap_interval(values[1:2])).all()
    assert bootstrap_interval(torch.tensor([1.0, math.inf]))[1] == math.inf
