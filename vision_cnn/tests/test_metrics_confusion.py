"""Counts, ratios and top-k against scikit-learn and torchmetrics, and at the edges."""

import math

import pytest
import torch

from src.metrics import (
    accuracy,
    confusion_matrix,
    f1,
    macro,
    precision,
    recall,
    summary,
    top_k_correct,
    weighted,
)


CASES = {
    "all classes": (5, 200, ()),
    "a class that is never true": (5, 200, (2,)),
    "one image": (3, 1, ()),
    "two classes": (2, 50, ()),
    "one class": (1, 4, ()),
}
NAN = math.nan


def labels(classes, images, absent=(), seed=0):
    generator = torch.Generator().manual_seed(seed)
    draw = lambda: torch.randint(0, classes, (images,), generator=generator)  # noqa: E731
    target = draw()
    for c in absent:
        target[target == c] = (c + 1) % classes
    return draw(), target


@pytest.mark.spec("CNN-061", "rows truth")
def test_a_row_is_the_truth_and_a_column_the_guess():
    found = confusion_matrix(torch.tensor([0, 1, 1, 2]), torch.tensor([0, 0, 0, 2]), 3)
    assert found.tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]
    assert found.dtype == torch.int64


@pytest.mark.parity("confusion matrix, accuracy", "sklearn.metrics.confusion_matrix")
@pytest.mark.spec("CNN-061", "those of scikit-learn with `zero_division=nan`")
@pytest.mark.parametrize("case", CASES)
def test_counts_are_those_of_scikit_learn(case, parity):
    sk = pytest.importorskip("sklearn.metrics", reason="the reference")
    classes, images, absent = CASES[case]
    pred, target = labels(classes, images, absent)
    confusion = confusion_matrix(pred, target, classes)
    given = (target.numpy(), pred.numpy())
    if classes > 1:  # scikit-learn warns of one
        theirs = sk.confusion_matrix(*given, labels=list(range(classes)))
        parity.value(confusion, theirs, atol=0)
    parity.value(accuracy(confusion), sk.accuracy_score(*given), atol=1e-12)


@pytest.mark.spec("CNN-061", "those of scikit-learn with `zero_division=nan`")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("name", "ours"),
    [
        pytest.param(
            *("precision", precision),
            marks=pytest.mark.parity("precision", "sklearn.metrics.precision_score"),
        ),
        pytest.param(
            *("recall", recall),
            marks=pytest.mark.parity("recall", "sklearn.metrics.recall_score"),
        ),
        pytest.param(
            *("f1", f1), marks=pytest.mark.parity("F1", "sklearn.metrics.f1_score")
        ),
    ],
)
def test_per_class_and_both_means_are_those_of_scikit_learn(name, ours, case, parity):
    sk = pytest.importorskip("sklearn.metrics", reason="the reference")
    classes, images, absent = CASES[case]
    pred, target = labels(classes, images, absent)
    confusion = confusion_matrix(pred, target, classes)
    given = (target.numpy(), pred.numpy())
    options = {"labels": list(range(classes)), "zero_division": NAN}
    theirs = getattr(sk, f"{name}_score")
    found, numbers = ours(confusion), summary(confusion)
    parity.value(found, theirs(*given, average=None, **options), atol=1e-9)
    for mean in ("macro", "weighted"):
        expected = theirs(*given, average=mean, **options)
        if mean == "weighted" and not confusion.sum(1)[~found.isnan()].any():
            expected = NAN  # where scikit-learn drops weights that are all 0
        parity.value(numbers[f"{mean}_{name}"], expected, atol=1e-9)


@pytest.mark.spec("CNN-061", "what is undefined is NaN and leaves the mean")
def test_an_undefined_score_is_nan_and_leaves_the_mean():
    # 0 and 1 are confused once; 2 is true but never named, 3 is neither.
    confusion = torch.tensor([[3, 1, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    same = {"equal_nan": True, "rtol": 1e-12, "atol": 0.0}
    expected = torch.tensor([3 / 4, 2 / 3, NAN, NAN], dtype=torch.float64)
    torch.testing.assert_close(precision(confusion), expected, **same)
    expected = torch.tensor([3 / 4, 1, 0, NAN], dtype=torch.float64)
    torch.testing.assert_close(recall(confusion), expected, **same)
    expected = torch.tensor([3 / 4, 4 / 5, 0, NAN], dtype=torch.float64)
    torch.testing.assert_close(f1(confusion), expected, **same)
    assert macro(precision(confusion)) == pytest.approx((3 / 4 + 2 / 3) / 2)
    images = torch.tensor([4, 2, 1, 0])
    found = weighted(precision(confusion), images)
    assert found == pytest.approx((4 * 3 / 4 + 2 * 2 / 3) / 6)


def test_without_images_every_number_is_nan():
    empty = torch.empty(0, dtype=torch.int64)
    confusion = confusion_matrix(empty, empty, 3)
    assert confusion.tolist() == [[0] * 3] * 3
    assert math.isnan(accuracy(confusion))
    assert all(math.isnan(value) for value in summary(confusion).values())


@pytest.mark.parametrize("which", ["pred", "target"])
@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_class_outside_is_refused_with_its_value(which, wrong):
    given = {"pred": torch.tensor([0, 1]), "target": torch.tensor([0, 1])}
    given[which] = torch.tensor([0, wrong])
    with pytest.raises(ValueError, match=f"{which} has class {wrong}, .* in 0..2"):
        confusion_matrix(**given, classes=3)


@pytest.mark.parity("top-k accuracy", "sklearn.metrics.top_k_accuracy_score")
@pytest.mark.spec("CNN-062", "fewer than k classes stand before it")
@pytest.mark.parametrize("k", [1, 2, 5, 7])
def test_top_k_is_that_of_scikit_learn_and_torchmetrics(k, parity):
    sk = pytest.importorskip("sklearn.metrics", reason="the reference")
    tm = pytest.importorskip("torchmetrics.functional", reason="the reference")
    logits = torch.randn(300, 8, generator=torch.Generator().manual_seed(k))
    _, target = labels(8, 300)
    found = top_k_correct(logits, target, k).double().mean().item()
    expected = sk.top_k_accuracy_score(target, logits, k=k, labels=range(8))
    parity.value(found, expected, atol=1e-9)
    expected = tm.accuracy(
        logits, target, task="multiclass", num_classes=8, top_k=k, average="micro"
    )
    assert found == pytest.approx(expected.item())


@pytest.mark.spec("CNN-062", "equal logits are ranked by the index of their class")
def test_of_equal_logits_the_lower_index_stands_before():
    logits = torch.zeros(3, 3)
    target = torch.tensor([0, 1, 2])
    assert top_k_correct(logits, target, 1).tolist() == [True, False, False]
    assert top_k_correct(logits, target, 2).tolist() == [True, True, False]
    assert logits.argmax(1).tolist() == [0, 0, 0]


@pytest.mark.spec("CNN-062", "NaN stands before all and is never right")
def test_nan_stands_before_all_and_is_never_right():
    logits = torch.tensor([[NAN, 1.0, 2.0]] * 3)
    target = torch.tensor([0, 1, 2])
    assert top_k_correct(logits, target, 1).tolist() == [False, False, False]
    assert top_k_correct(logits, target, 2).tolist() == [False, False, True]
    assert top_k_correct(logits, target, 3).tolist() == [False, True, True]


def test_top_k_refuses_what_the_logits_do_not_have():
    logits, target = torch.zeros(2, 3), torch.tensor([0, 3])
    with pytest.raises(ValueError, match="target has class 3, which is not in 0..2"):
        top_k_correct(logits, target, 1)
    for k in (0, 4):
        with pytest.raises(ValueError, match=f"k is {k}, which is not in 1..3"):
            top_k_correct(logits, target.clamp(max=2), k)


def test_top_k_of_no_image_is_empty():
    empty = torch.empty(0, dtype=torch.int64)
    assert top_k_correct(torch.empty(0, 3), empty, 2).shape == (0,)
