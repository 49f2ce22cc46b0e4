"""Losses, distances and embeddings: torch's values, gradients, corners and refusals."""

import numpy as np
import pytest
import torch
import torch.nn.functional as TF

import src as ag
from src import functional as F
from tests.torch_compare import agree, normal


REDUCTIONS = ["none", "mean", "sum"]
RNG = np.random.default_rng(3)
CLASSES = RNG.integers(0, 4, 5)
WEIGHT = np.array([0.2, 1.0, 0.0, 2.5])
OPTIONS = [
    {},
    {"label_smoothing": 0.1},
    {"weight": WEIGHT, "ignore_index": 3},
    {"weight": WEIGHT, "ignore_index": 1, "label_smoothing": 0.1},
    {"ignore_index": 1, "label_smoothing": 1.0},
]


def both(name: str, **options):
    """The function of both libraries; arrays in `options` become constants."""

    def call(module, wrap):
        fixed = {
            k: wrap(v) if isinstance(v, np.ndarray) else v for k, v in options.items()
        }
        return lambda *t: getattr(module, name)(*t, **fixed)

    return call(F, ag.tensor), call(TF, torch.tensor)


@pytest.mark.parity("cross entropy", "torch.nn.functional.cross_entropy")
@pytest.mark.spec("AGE-049", "Losses equal PyTorch's")
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(5, 4), (4,), (2, 4, 3), (2, 4, 3, 2)])
@pytest.mark.parametrize("options", OPTIONS)
def test_cross_entropy_of_class_numbers(reduction, shape, options, parity):
    target = np.random.default_rng(0).integers(
        0, 4, shape[:1] + shape[2:] if len(shape) > 1 else ()
    )
    agree(
        *both("cross_entropy", reduction=reduction, **options),
        [normal(*shape), np.asarray(target)],
        second=shape == (2, 4, 3),
        parity=parity,
    )


@pytest.mark.spec("AGE-049", "Losses equal PyTorch's")
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", OPTIONS)
def test_cross_entropy_of_no_samples(reduction, options):
    both_of = both("cross_entropy", reduction=reduction, **options)
    agree(*both_of, [normal(0, 4), np.zeros(0, np.int64)], second=False)


@pytest.mark.parity("cross entropy", "torch.nn.functional.cross_entropy")
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(5, 4), (4,), (2, 4, 3)])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_cross_entropy_of_probabilities(reduction, shape, smoothing, weight, parity):
    options = {"reduction": reduction, "label_smoothing": smoothing}
    options |= {"weight": weight} if weight is not None else {}
    target = np.abs(normal(*shape, seed=1))
    agree(*both("cross_entropy", **options), [normal(*shape), target], parity=parity)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(5, 4), (4,), (2, 4, 3)])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("ignore", [-100, 2])
def test_nll_loss(reduction, shape, weight, ignore):
    target = RNG.integers(0, 4, shape[:1] + shape[2:] if len(shape) > 1 else ())
    options = {"reduction": reduction, "ignore_index": ignore}
    options |= {"weight": weight} if weight is not None else {}
    agree(*both("nll_loss", **options), [normal(*shape), np.asarray(target)])


@pytest.mark.spec("AGE-049", "stays finite for scores of 1e4")
def test_extreme_scores_give_torch_s_loss_and_gradient():
    scores = np.array([[1e4, -1e4, 0.0], [-np.inf, 0.0, 1.0], [-1e4, -1e4, -1e4]])
    target = np.array([1, 2, 0])
    ours = ag.tensor(scores, requires_grad=True)
    theirs = torch.tensor(scores, requires_grad=True)
    loss, wanted = (
        F.cross_entropy(ours, ag.tensor(target)),
        TF.cross_entropy(theirs, torch.tensor(target)),
    )
    loss.backward()
    wanted.backward()
    assert np.isfinite(loss.item())
    np.testing.assert_allclose(loss.item(), wanted.item())
    np.testing.assert_allclose(ours.grad.data, theirs.grad.numpy(), atol=1e-15)


@pytest.mark.spec("AGE-049", "the mean over nothing is NaN")
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_a_batch_that_is_ignored_whole_has_a_mean_of_nan(name):
    scores, target = ag.tensor(normal(2, 3), requires_grad=True), ag.tensor([7, 7])
    assert np.isnan(getattr(F, name)(scores, target, ignore_index=7).item())
    total = getattr(F, name)(scores, target, ignore_index=7, reduction="sum")
    total.backward()
    assert total.item() == 0 and not scores.grad.data.any()


PAIRS = {
    "mse_loss": [{}, {"weight": np.abs(normal(4, 3, seed=5))}],
    "l1_loss": [{}, {"weight": np.abs(normal(4, 3, seed=5))}],
    "smooth_l1_loss": [{}, {"beta": 0.5}, {"beta": 0.0}],
    "huber_loss": [{}, {"delta": 0.5}, {"weight": np.abs(normal(4, 3, seed=5))}],
    "poisson_nll_loss": [{}, {"full": True}],
    "kl_div": [{}, {"log_target": True}],
    "binary_cross_entropy_with_logits": [
        {},
        {"weight": np.abs(normal(3, seed=5)), "pos_weight": np.array([0.5, 2.0, 1.0])},
    ],
    "hinge_embedding_loss": [{}, {"margin": 0.3}],
    "multilabel_soft_margin_loss": [{}],
}


@pytest.mark.spec("AGE-049", "Losses equal PyTorch's")
@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name, options", [(n, o) for n in PAIRS for o in PAIRS[n]])
def test_losses_on_pairs(name, options, reduction):
    target = normal(4, 3, seed=1)
    if name in ("kl_div", "poisson_nll_loss", "binary_cross_entropy_with_logits"):
        target = np.abs(target) + 0.1
    if "margin" in name or "hinge" in name:
        target = np.sign(target)
    agree(*both(name, reduction=reduction, **options), [normal(4, 3), target])


def test_binary_cross_entropy_at_the_ends():
    x = np.array([0.0, 0.0, 1.0, 1.0, 0.3])
    t = np.array([0.0, 1.0, 0.0, 1.0, 0.4])
    ours, theirs = both("binary_cross_entropy", target=t)
    agree(ours, theirs, [x], second=False, tolerance=1e-8)
    inner = np.array([0.2, 0.9, 0.5])
    agree(*both("binary_cross_entropy"), [inner, np.array([0.0, 1.0, 0.3])])


@pytest.mark.parametrize("shape", [(4, 3), (4, 1), (4,)])
@pytest.mark.parametrize("full", [False, True])
def test_gaussian_nll_loss_with_a_variance_for_each_or_for_rows(shape, full):
    var = np.abs(normal(*shape, seed=2)) + 0.1
    agree(
        *both("gaussian_nll_loss", full=full),
        [normal(4, 3), normal(4, 3, seed=1), var],
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_losses_on_vectors(reduction):
    a, b, c = (normal(5, 4, seed=s) for s in range(3))
    sign = np.sign(normal(5, seed=3))
    agree(*both("soft_margin_loss", target=np.sign(b), reduction=reduction), [a])
    for name, arrays, options in [
        ("cosine_embedding_loss", [a, b, sign], {"margin": 0.1}),
        ("margin_ranking_loss", [a[:, 0], b[:, 0], sign], {"margin": 0.1}),
        ("triplet_margin_loss", [a, b, c], {"swap": True}),
        ("triplet_margin_loss", [a, b, c], {"p": 1}),
        ("multi_margin_loss", [a, CLASSES], {"p": 2, "weight": WEIGHT}),
    ]:
        second = name != "multi_margin_loss"  # torch has none
        agree(*both(name, reduction=reduction, **options), arrays, second=second)


@pytest.mark.parametrize("p", [1, 2, 3, float("inf")])
def test_distances(p):
    a, b = normal(4, 3), normal(4, 3, seed=1)
    agree(*both("normalize", p=p, dim=0), [a])
    agree(*both("pairwise_distance", p=p), [a, b])
    agree(*both("pairwise_distance", p=p), [a, b[:1]])
    agree(*both("cosine_similarity", dim=1), [a, b])
    agree(*both("cosine_similarity", dim=-1), [a, b[:1]])


def test_distances_at_zero_have_torch_s_gradient():
    zero = np.zeros((2, 3))
    agree(*both("normalize"), [zero], second=False)
    agree(*both("cosine_similarity"), [zero, normal(2, 3)], second=False)


@pytest.mark.parity("embedding", "torch.nn.functional.embedding")
@pytest.mark.parametrize("vocab", [6, 400])
@pytest.mark.parametrize("padding", [None, 2, -1])
def test_embedding_adds_the_gradients_of_repeated_rows(vocab, padding, parity):
    index = np.array([[0, 2, 2], [5, 2, vocab - 1]])
    agree(
        lambda w: F.embedding(ag.tensor(index), w, padding_idx=padding),
        lambda w: TF.embedding(torch.tensor(index), w, padding_idx=padding),
        [normal(vocab, 3)],
        parity=parity,
    )


def test_a_gradient_that_is_not_finite_stays_in_its_row():
    weight = ag.tensor(normal(4, 2), requires_grad=True)
    rows = F.embedding(ag.tensor([2, 0]), weight)
    rows.backward(ag.tensor([[np.inf, 1.0], [1.0, 1.0]]).double())
    assert weight.grad.tolist() == [[1, 1], [0, 0], [np.inf, 1], [0, 0]]


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss"])
def test_shapes_that_broadcast_are_warned_of_as_in_torch(name):
    with pytest.warns(UserWarning, match=r"\(3, 1\) and .* \(3,\).*\(3, 3\)") as told:
        ours = getattr(F, name)(ag.ones(3, 1), ag.zeros(3))
    assert told[0].filename == __file__
    with pytest.warns(UserWarning, match="different to the input size"):
        theirs = getattr(TF, name)(torch.ones(3, 1), torch.zeros(3))
    assert ours.item() == theirs.item()


def test_embedding_of_nothing():
    out = F.embedding(ag.tensor(np.zeros((0,), np.int64)), ag.tensor(normal(6, 3)))
    assert out.shape == (0, 3)


X, T = ag.tensor(normal(5, 4)), ag.tensor(np.arange(5) % 4)
REFUSED = [
    (lambda: F.cross_entropy(X, ag.tensor([0, 1, 2, 3, 9])), IndexError, "class 9 .*3"),
    (lambda: F.cross_entropy(X, ag.tensor([0, 1, 2, 3, -1])), IndexError, "class -1"),
    (lambda: F.cross_entropy(X, T[:3]), RuntimeError, r"\(3,\).*\(5, 4\)"),
    (lambda: F.cross_entropy(X, X[:3]), RuntimeError, r"\(3, 4\).*\(5, 4\)"),
    (lambda: F.cross_entropy(X, T, reduction="avg"), ValueError, "'avg'"),
    (
        lambda: F.cross_entropy(X, T, weight=X[0, :3]),
        RuntimeError,
        r"\(3,\).*4 classes",
    ),
    (lambda: F.cross_entropy(X, T, label_smoothing=2.0), RuntimeError, "2.0"),
    (lambda: F.nll_loss(X, T.double()), RuntimeError, "integers, not float64"),
    (lambda: F.mse_loss(X, X[:, :3]), RuntimeError, r"mse_loss.*\(5, 4\).*\(5, 3\)"),
    (lambda: F.mse_loss(X, X, reduce=True), TypeError, "reduce"),
    (lambda: F.binary_cross_entropy(X, X), RuntimeError, "outside of 0 to 1"),
    (lambda: F.binary_cross_entropy(X, X[:1]), ValueError, r"\(1, 4\).*\(5, 4\)"),
    (lambda: F.gaussian_nll_loss(X, X, -X * X), ValueError, "negative"),
    (lambda: F.embedding(T, X[:2]), IndexError, "row 2 of a table of 2"),
    (lambda: F.embedding(T, X, max_norm=1.0), NotImplementedError, "max_norm=1.0"),
    (lambda: F.embedding(T, X, padding_idx=9), RuntimeError, "padding_idx 9"),
    (lambda: F.pairwise_distance(X, X[:2]), RuntimeError, r"\(5, 4\) and \(2, 4\)"),
    (lambda: F.triplet_margin_loss(X, X, X[0]), RuntimeError, "number of axes"),
]


@pytest.mark.parametrize("call, error, words", REFUSED)
def test_wrong_calls_name_the_operation_and_the_shapes(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_float32_stays_float32():
    x = ag.tensor(normal(5, 4).astype(np.float32), requires_grad=True)
    for loss in (
        F.cross_entropy(x, T, label_smoothing=0.1),
        F.cross_entropy(x, T, weight=ag.tensor(WEIGHT.astype(np.float32))),
        F.nll_loss(x, T),
        F.mse_loss(x, x.detach()),
        F.smooth_l1_loss(x, x.detach() + 1),
    ):
        x.grad = None
        loss.backward()
        assert loss.dtype == x.grad.dtype == np.float32
