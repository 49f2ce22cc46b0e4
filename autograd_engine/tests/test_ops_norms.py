"""Affine maps and normalisations: torch's values, gradients and running statistics."""

import numpy as np
import pytest
import torch
import torch.nn.functional as TF

import src as ag
from src import functional as F
from tests.torch_compare import agree, normal


@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 4, 3), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(shape, bias):
    arrays = [normal(*shape), normal(4, 3, seed=1)]
    arrays += [normal(4, seed=2)] if bias else []
    agree(F.linear, TF.linear, arrays)


def test_linear_gives_only_the_gradients_that_are_asked_for():
    x, w = ag.tensor(normal(5, 3)), ag.tensor(normal(4, 3), requires_grad=True)
    F.linear(x, w).sum().backward()
    assert x.grad is None
    np.testing.assert_allclose(w.grad.data, np.tile(x.data.sum(0), (4, 1)))


def test_linear_of_a_transposed_input():
    agree(
        lambda x, w: F.linear(x.transpose(0, 1), w),
        lambda x, w: TF.linear(x.transpose(0, 1), w),
        [normal(3, 5), normal(4, 3, seed=1)],
    )


@pytest.mark.parametrize("shape", [(5,), (5, 2), ()])
def test_bilinear(shape):
    arrays = [normal(*shape, 3), normal(*shape, 4, seed=1), normal(2, 3, 4, seed=2)]
    agree(F.bilinear, TF.bilinear, [*arrays, normal(2, seed=3)])


@pytest.mark.parity("layer_norm", "torch.nn.functional.layer_norm")
@pytest.mark.parametrize("shape, last", [((5, 6), 1), ((2, 3, 4), 2)])
@pytest.mark.parametrize("parts", [0, 1, 2])
def test_layer_norm(shape, last, parts, parity):
    size = shape[-last:]
    more = [normal(*size, seed=1), normal(*size, seed=2)][:parts]
    agree(
        lambda x, *a: F.layer_norm(x, size, *a),
        lambda x, *a: TF.layer_norm(x, size, *a),
        [normal(*shape), *more],
        parity=parity,
    )


@pytest.mark.parametrize("parts", [0, 1, 2])
def test_layer_norm_of_no_rows(parts):
    more = [normal(4, seed=1), normal(4, seed=2)][:parts]
    agree(
        lambda x, *a: F.layer_norm(x, (4,), *a),
        lambda x, *a: TF.layer_norm(x, (4,), *a),
        [normal(0, 4), *more],
    )


@pytest.mark.parametrize("eps", [None, 1e-3])
@pytest.mark.parametrize("weight", [True, False])
def test_rms_norm(eps, weight):
    agree(
        lambda x, *a: F.rms_norm(x, (6,), *a, eps=eps),
        lambda x, *a: TF.rms_norm(x, (6,), *a, eps=eps),
        [normal(3, 6), *([normal(6, seed=1)] if weight else [])],
    )


@pytest.mark.parametrize(
    ("shape", "groups"),
    [(s, g) for s in [(2, 6, 3), (2, 6, 3, 2), (0, 6, 2)] for g in (1, 3, 6)]
    + [((4, 6), 1), ((4, 6), 3)],
)
@pytest.mark.parametrize("affine", [True, False])
def test_group_norm(shape, groups, affine):
    more = [normal(6, seed=1), normal(6, seed=2)] if affine else []
    agree(
        lambda x, *a: F.group_norm(x, groups, *a),
        lambda x, *a: TF.group_norm(x, groups, *a),
        [normal(*shape), *more],
    )


BATCH = pytest.mark.parity("batch_norm", "torch.nn.functional.batch_norm")
INSTANCE = pytest.mark.parity("instance_norm", "torch.nn.functional.instance_norm")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        pytest.param("batch_norm", (4, 3, 5), marks=BATCH),
        pytest.param("batch_norm", (2, 3, 4, 2), marks=BATCH),
        pytest.param("batch_norm", (4, 3), marks=BATCH),
        pytest.param("instance_norm", (4, 3, 5), marks=INSTANCE),
        pytest.param("instance_norm", (2, 3, 4, 2), marks=INSTANCE),
    ],
)
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_norms_with_running_statistics(name, shape, affine, training, parity):
    more = [normal(3, seed=1), normal(3, seed=2)] if affine else [None, None]
    flag = "training" if name == "batch_norm" else "use_input_stats"
    running = [normal(3, seed=3), np.abs(normal(3, seed=4)) + 0.5]
    ours, theirs = [ag.tensor(r) for r in running], [torch.tensor(r) for r in running]

    def call(module, statistics):
        return lambda x, *a: getattr(module, name)(
            x, *statistics, *(a or (None, None)), **{flag: training}, momentum=0.3
        )

    arrays = [normal(*shape), *(m for m in more if m is not None)]
    agree(call(F, ours), call(TF, theirs), arrays, parity=parity)
    for a, b in zip(ours, theirs, strict=True):
        parity.value(a, b, atol=1e-12)


def test_batch_norm_marks_what_it_writes():
    running = [ag.tensor([0.0] * 3), ag.tensor([1.0] * 3)]
    x = ag.tensor(normal(4, 3).astype(np.float32))
    F.batch_norm(x, *running, training=True)
    assert all(t._version[0] == 1 for t in running)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_local_response_norm(size):
    for shape in ((2, 4, 3), (2, 4, 3, 2)):
        agree(
            lambda x: F.local_response_norm(x, size, alpha=0.1),
            lambda x: TF.local_response_norm(x, size, alpha=0.1),
            [normal(*shape)],
        )


@pytest.mark.parametrize("scale", [1e-8, 1e4])
def test_layer_norm_of_tiny_and_huge_rows(scale):
    agree(
        lambda x: F.layer_norm(x, (6,)),
        lambda x: TF.layer_norm(x, (6,)),
        [normal(3, 6, scale=scale)],
        second=False,
        tolerance=1e-8,
    )


def test_float32_norms_are_as_close_as_torch_s():
    x = (normal(64, 128) + 100).astype(np.float32)
    exact = TF.layer_norm(torch.tensor(x.astype(np.float64)), (128,)).numpy()
    ours = np.abs(F.layer_norm(ag.tensor(x), (128,)).numpy() - exact).max()
    theirs = np.abs(TF.layer_norm(torch.tensor(x), (128,)).numpy() - exact).max()
    assert ours < 2 * theirs + 1e-6


X = ag.tensor(normal(4, 6))
REFUSED = [
    (lambda: F.linear(X, X[:, :5]), TypeError, r"(?s)linear.*in_features = 6"),
    (lambda: F.linear(X, X.float()), RuntimeError, "float64, float32"),
    (lambda: F.layer_norm(X, (5,)), RuntimeError, r"\(5,\).*\(4, 6\)"),
    (lambda: F.layer_norm(X, (6,), X[0, :2]), RuntimeError, r"weight of shape \(2,\)"),
    (lambda: F.group_norm(X, 4), RuntimeError, r"6 channels.*4 groups"),
    (lambda: F.batch_norm(X, None, None), RuntimeError, "needs running statistics"),
    (lambda: F.batch_norm(X[:1], None, None, training=True), ValueError, r"\(1, 6\)"),
    (
        lambda: F.batch_norm(X, None, None, X[0, :5], training=True),
        TypeError,
        "channel",
    ),
]


@pytest.mark.parametrize("call, error, words", REFUSED)
def test_wrong_calls_name_the_operation_and_the_shapes(call, error, words):
    with pytest.raises(error, match=words):
        call()
