"""Sums, extremes, statistics and running sums beside torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import src as ag
from tests.beside_torch import compare, numbers


X = numbers(3, 4, 2)
TIES = np.array([[1.0, 3, 3, 0], [2, 2, 2, 2], [0, -1, 5, 5]])
ZEROS = np.array([[0.0, 2, 3], [0, 0, 5], [1, 2, 3]])
SEVERAL = "sum mean amax amin var std nansum nanmean logsumexp".split()
ONE = "prod max min argmax argmin cumsum cumprod cummax cummin logcumsumexp".split()
NAMES = "sum mean prod max amax argmax cumsum logsumexp var norm any nansum".split()


@pytest.mark.spec("AGE-038", "Reductions over one axis, several or all")
@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("dim", [0, -1, (0, 2), [1], (0, 1, 2)])
def test_over_axes(name, dim):
    compare(lambda lib, x: getattr(lib, name)(x, dim), X)
    compare(lambda lib, x: getattr(x, name)(dim, keepdim=True) * x, X)


@pytest.mark.spec("AGE-038", "value, gradient and second derivative of torch")
@pytest.mark.parametrize("name", ONE)
def test_over_one_axis(name):
    second = name not in ("logcumsumexp",)
    for dim in (0, -1):
        compare(lambda lib, x, d=dim: getattr(lib, name)(x, d), X, second=second)
        compare(
            lambda lib, x, d=dim: getattr(lib, name)(x, d), TIES + 0.5, second=second
        )
    compare(lambda lib, x: getattr(lib, name)(x, 0), np.array(1.5), second=False)


@pytest.mark.spec("AGE-038", "products with zeros, ties")
@pytest.mark.parametrize("name", "sum mean prod max min std var norm argmax".split())
def test_over_all(name):
    compare(lambda lib, x: getattr(lib, name)(x), X)
    compare(lambda lib, x: getattr(lib, name)(x), TIES)
    compare(lambda lib, x: getattr(lib, name)(x), np.array([0.0, 2.0, -3.0]))


@pytest.mark.spec("AGE-038", "products with zeros")
def test_products_with_zeros():
    for dim in (0, 1):
        compare(lambda lib, x, d=dim: lib.prod(x, d), ZEROS)
        compare(lambda lib, x, d=dim: lib.cumprod(x, d), ZEROS, second=False)
    x = ag.tensor(ZEROS, requires_grad=True)
    with pytest.raises(NotImplementedError, match="cumprod: .* element that is 0"):
        ag.grad(x.cumprod(0).sum(), [x], create_graph=True)


@pytest.mark.spec("AGE-038", "-inf in `logsumexp`")
@pytest.mark.parametrize("name", ["logsumexp", "logcumsumexp"])
def test_logsumexp_of_infinities(name):
    x = np.array([[0, -np.inf, 1], [1000, 999, -1000]])
    compare(lambda lib, x: getattr(lib, name)(x, 1), x, second=False)
    x = ag.tensor([-np.inf, -np.inf], requires_grad=True)
    out = getattr(ag, name)(x, 0)
    assert np.isneginf(out.detach().numpy()).all()
    assert ag.grad(out.sum(), [x])[0].tolist() == [0, 0]


@pytest.mark.spec("AGE-038", "norms of 0")
@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, 2.5, np.inf, -np.inf])
def test_norms(p):
    compare(lambda lib, x: lib.linalg.vector_norm(x, p, (0, 2)), X)
    compare(lambda lib, x: lib.norm(x, p, 1, keepdim=True), X)
    x = np.array([[0.0, 0, 0], [3, 0, -4]])
    compare(lambda lib, x: lib.linalg.vector_norm(x.detach(), 0, 1), x)
    compare(lambda lib, x: lib.linalg.vector_norm(x, p, 1), x, second=False)


@pytest.mark.spec("AGE-038", "tensors without elements too")
def test_without_elements():
    empty = np.zeros((0, 3))
    for name in ("sum", "mean", "prod", "nansum", "norm"):
        compare(lambda lib, x, n=name: getattr(lib, n)(x), empty, second=False)
        if name != "norm":
            compare(lambda lib, x, n=name: getattr(lib, n)(x, 0), empty, second=False)
    compare(lambda lib, x: lib.logsumexp(x, 0), empty, second=False)
    compare(lambda lib, x: [x.any(), x.all(), x.cumsum(0)], empty, second=False)
    for name in ("max", "amin", "argmax", "cummax"):
        if name != "cummax":
            with pytest.raises(IndexError, match=r"shape \(0, 3\) has no elements"):
                getattr(ag, name)(ag.tensor(empty), dim=0)


@pytest.mark.parametrize(
    "fn",
    [
        lambda lib, x: lib.var(x, 0, unbiased=False) + lib.var(x, 0, correction=2),
        lambda lib, x: [*lib.std_mean(x, 1), *lib.var_mean(x, (0, 1), keepdim=True)],
        lambda lib, x: lib.std(x, correction=0) * lib.sum(x, 0, dtype=lib.float64),
        lambda lib, x: [*lib.aminmax(x, dim=1), lib.count_nonzero(x, 1)],
        lambda lib, x: [x.max(0).values, x.min(1, keepdim=True).indices],
        lambda lib, x: lib.dist(x, x * x, 3) + lib.diff(x, 2, 0).sum(),
        lambda lib, x: lib.diff(x, 1, 1, prepend=x[:, :1], append=x),
        lambda lib, x: lib.trapezoid(x, dx=0.5, dim=0) * lib.trapezoid(x, x * x, dim=0),
        lambda lib, x: lib.cumulative_trapezoid(x, dim=1),
        lambda lib, x: [
            lib.trace(x[..., 0]),
            lib.cov(x[..., 0]),
            lib.corrcoef(x[..., 1]),
        ],
        lambda lib, x: lib.linalg.norm(x[..., 0], 1) + lib.linalg.matrix_norm(x).sum(),
    ],
)
def test_arguments(fn):
    compare(fn, X)


@pytest.mark.spec("AGE-037", "the values and the dtype of torch's")
@pytest.mark.parametrize("name", NAMES)
def test_dtypes(name):
    for dtype in "bool uint8 int32 int64 float16 float32".split():
        found = []
        for lib in (torch, ag):
            x = lib.tensor([[1, 0, 1]], dtype=getattr(lib, dtype))
            try:
                fn = getattr(lib, name)
                out = fn(x) if name in ("norm", "any") else fn(x, 1)
                out = out[0] if isinstance(out, tuple) else out
                found.append(
                    (
                        str(out.numpy().dtype),
                        np.round(np.array(out.tolist(), float), 2).tolist(),
                    )
                )
            except RuntimeError:
                found.append("refused")
        assert found[0] == found[1], dtype


def test_nan_is_the_largest_and_the_smallest():
    x = np.array([[1.0, np.nan, 3], [2, 1, 0]])
    for name in ("amax", "amin", "argmax", "argmin", "cummax", "cummin", "nansum"):
        compare(lambda lib, x, n=name: getattr(lib, n)(x.detach(), 1), x)


def test_wrong_axes_are_named():
    x = ag.zeros(2, 3)
    with pytest.raises(IndexError, match="sum: dim 2 of a tensor with 2 axes"):
        x.sum(2)
    with pytest.raises(RuntimeError, match="names one axis twice"):
        x.mean((0, -2))
    with pytest.raises(RuntimeError, match="mean wants a floating-point tensor"):
        x.long().mean()
    with pytest.raises(TypeError, match="`unbiased` or `correction`"):
        x.var(0, True, correction=1)


def test_long_float32_sums_stay_exact():
    x = ag.ones(1 << 12, 3, dtype=ag.float16)
    assert x.sum().item() == 12288 and x.mean().item() == 1


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=8))
def test_laws(values):
    x = ag.tensor(values, dtype=ag.float64)
    assert ag.allclose(x.logsumexp(0).exp(), x.exp().sum(0), rtol=1e-9)
    assert ag.allclose(x.cumsum(0)[-1], x.sum())
    assert x.cummax(0).values[-1].item() == x.max().item() == x[x.argmax()].item()
    assert ag.allclose(x.var(correction=0), (x * x).mean() - x.mean() ** 2, atol=1e-9)
