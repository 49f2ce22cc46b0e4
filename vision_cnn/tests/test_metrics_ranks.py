"""ROC-AUC against scikit-learn and its definition; calibration against references."""

import math

import pytest
import torch

from src.metrics import (
    binary_roc_auc,
    brier,
    calibration_bins,
    ece,
    fit_temperature,
    macro,
    max_calibration_error,
    nll,
    roc_auc,
    weighted,
)


def drawn(images=200, classes=4, seed=0, decimals=1):
    """Logits, rounded so that some tie, and the true classes."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(images, classes, generator=generator)
    target = torch.randint(0, classes, (images,), generator=generator)
    logits[torch.arange(images), target] += 3
    return logits.round(decimals=decimals), target


@pytest.mark.parity("area under the ROC curve", "sklearn.metrics.roc_auc_score")
@pytest.mark.spec("CNN-063", "each class against the rest, and their means")
@pytest.mark.parametrize("decimals", [0, 1, 5])
def test_areas_are_those_of_scikit_learn(decimals, parity):
    sk = pytest.importorskip("sklearn.metrics", reason="the reference")
    logits, target = drawn(decimals=decimals)
    probabilities = logits.double().softmax(1)
    found = roc_auc(probabilities, target)
    for mean, ours in (
        ("macro", macro(found)),
        ("weighted", weighted(found, torch.bincount(target))),
    ):
        expected = sk.roc_auc_score(
            target, probabilities, multi_class="ovr", average=mean
        )
        parity.value(ours, expected, atol=5e-13)
    for c in range(4):
        expected = sk.roc_auc_score(target == c, logits[:, c])
        parity.value(binary_roc_auc(logits[:, c], target == c), expected, atol=5e-13)


@pytest.mark.spec("CNN-063", "ties included")
def test_an_area_is_the_share_of_pairs_in_order_a_tie_counted_half():
    score = torch.tensor([1.0, 2.0, 2.0, 3.0, 2.0])
    positive = torch.tensor([False, True, False, True, False])
    pairs = [1, 0.5, 0.5, 1, 1, 1]  # 2 against 1, 2, 2; 3 against 1, 2, 2
    assert binary_roc_auc(score, positive) == sum(pairs) / 6
    assert binary_roc_auc(torch.zeros(5), positive) == 0.5


def test_of_two_classes_both_areas_are_equal():
    logits, target = drawn(classes=2)
    first, second = roc_auc(logits.double().softmax(1), target).tolist()
    assert first == pytest.approx(second, rel=1e-12)


@pytest.mark.spec("CNN-063", "NaN where no image or every image has the class")
def test_an_area_without_positives_or_negatives_is_nan():
    scores = torch.rand(4, 3)
    found = roc_auc(scores, torch.tensor([0, 0, 1, 1]))
    assert found.isnan().tolist() == [False, False, True]
    assert roc_auc(scores, torch.zeros(4, dtype=torch.int64)).isnan().all()
    assert roc_auc(scores[:0], torch.zeros(0, dtype=torch.int64)).isnan().all()


def test_a_score_that_is_nan_has_no_rank():
    score, positive = torch.tensor([0.1, math.nan]), torch.tensor([True, False])
    with pytest.raises(ValueError, match="score 1 is NaN"):
        binary_roc_auc(score, positive)
    with pytest.raises(ValueError, match="target has class 2"):
        roc_auc(torch.rand(1, 2), torch.tensor([2]))


def test_the_area_of_many_images_is_exact():
    # Sums of ranks beyond 2**24, where float32 loses whole numbers.
    score = torch.arange(20_000.0)
    positive = score >= 10_000
    assert binary_roc_auc(score, positive) == 1.0
    assert binary_roc_auc(-score, positive) == 0.0


@pytest.mark.parity("calibration errors", "torchmetrics.functional.calibration_error")
@pytest.mark.spec("CNN-064", "equal torchmetrics'")
@pytest.mark.parametrize("bins", [1, 10, 15])
def test_calibration_errors_are_those_of_torchmetrics(bins, parity):
    tm = pytest.importorskip("torchmetrics.functional", reason="the reference")
    logits, target = drawn(500)
    probabilities = (logits.double() * 1.5).softmax(1)
    sums = calibration_bins(probabilities, target, bins)
    for norm, ours in (("l1", ece(sums)), ("max", max_calibration_error(sums))):
        expected = tm.calibration_error(
            probabilities,
            target,
            task="multiclass",
            num_classes=4,
            n_bins=bins,
            norm=norm,
        )
        parity.value(ours, expected, atol=3e-7)


@pytest.mark.spec("CNN-064", "Bins of confidence add up over batches")
def test_bins_add_up_and_have_their_left_edge():
    probabilities = torch.tensor([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0], [0.6, 0.4]])
    target = torch.tensor([1, 1, 1, 0])
    sums = calibration_bins(probabilities, target, 4)
    assert sums[0].tolist() == [0, 0, 2, 2]
    assert sums[1].tolist() == pytest.approx([0, 0, 1.1, 1.75])
    assert sums[2].tolist() == [0, 0, 1, 2]
    parts = [calibration_bins(probabilities[i], target[i], 4) for i in ([0, 2], [1, 3])]
    torch.testing.assert_close(sum(parts), sums)
    assert ece(sums) == pytest.approx((0.1 + 0.25) / 4)
    assert max_calibration_error(sums) == pytest.approx(0.125)


def test_without_images_calibration_is_nan():
    empty = torch.zeros(3, 15)
    assert math.isnan(ece(empty)) and math.isnan(max_calibration_error(empty))
    none = torch.empty(0, dtype=torch.int64)
    assert calibration_bins(torch.empty(0, 3), none).equal(empty.double())
    assert math.isnan(fit_temperature(torch.empty(0, 3), none))


@pytest.mark.parametrize("wrong", [math.nan, -0.5, 3.0])
def test_confidences_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="not in 0..1"):
        calibration_bins(torch.full((1, 2), wrong), torch.tensor([0]))


@pytest.mark.parity("negative log-likelihood", "sklearn.metrics.log_loss")
@pytest.mark.spec("CNN-064", "Brier score and negative log-likelihood scikit-learn's")
@pytest.mark.parametrize("classes", [2, 5])
def test_nll_is_that_of_scikit_learn(classes, parity):
    sk = pytest.importorskip("sklearn.metrics", reason="the reference")
    logits, target = drawn(100, classes)
    probabilities, every = logits.double().softmax(1), list(range(classes))
    expected = sk.log_loss(target, probabilities, labels=every)
    parity.value(nll(logits, target).mean(), expected, atol=1e-9)


@pytest.mark.parity("Brier score", "sklearn.metrics.mean_squared_error")
@pytest.mark.spec("CNN-064", "Brier score and negative log-likelihood scikit-learn's")
@pytest.mark.parametrize("classes", [2, 5])
def test_brier_is_that_of_scikit_learn(classes, parity):
    sk = pytest.importorskip("sklearn.metrics", reason="the reference")
    logits, target = drawn(100, classes)
    probabilities, truth = logits.double().softmax(1), torch.eye(classes)[target]
    expected = classes * sk.mean_squared_error(truth, probabilities)
    parity.value(brier(probabilities, target).mean(), expected, atol=1e-9)


def test_nll_of_a_sure_mistake_is_finite():
    logits = torch.tensor([[1e4, -1e4]])
    assert nll(logits, torch.tensor([1])).item() == 2e4


@pytest.mark.parity("temperature", "scipy.optimize.minimize_scalar")
@pytest.mark.spec("CNN-064", "the best temperature scipy's")
@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_the_temperature_is_the_best_of_all(scale, parity):
    optimize = pytest.importorskip("scipy.optimize", reason="the reference")
    logits, target = drawn(400)
    logits = scale * logits.double()
    best = optimize.minimize_scalar(
        lambda log_t: nll(logits / math.exp(log_t), target).mean().item(),
        bounds=(-3, 3),
        method="bounded",
        options={"xatol": 1e-9},
    )
    found = fit_temperature(logits, target)
    parity.value(found, math.exp(best.x), atol=1e-6)


def test_the_temperature_stays_within_its_limits():
    right = torch.arange(5)
    assert fit_temperature(torch.eye(5), right) == pytest.approx(1 / 100)
    assert fit_temperature(torch.eye(5), (right + 1) % 5) == pytest.approx(100)
