"""Pooling beside torch's: every option, ties, NaN, gradients of gradients, errors."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as T
from hypothesis import given
from hypothesis import strategies as st

import src as ag
from src import functional as F


DRAW = np.random.default_rng(0)


def check(name, array, *options, positions=False, parity=None, **named):
    """Value, places, gradient, and gradient of the gradient."""
    x = ag.tensor(array, requires_grad=True)
    t = torch.tensor(array, requires_grad=True)
    out = getattr(F, name)(x, *options, **named)
    expected = getattr(T, name)(t, *options, **named)
    if positions:
        (out, places), (expected, wanted) = out, expected
        assert places.dtype == np.int64 and not places.requires_grad
        np.testing.assert_array_equal(places.data, wanted)
    assert out.shape == tuple(expected.shape)
    np.testing.assert_allclose(out.data, expected.detach(), 1e-10, 1e-10)
    if parity:
        parity.value(out.data, expected, atol=1e-10)
    seed = DRAW.standard_normal(out.shape)
    g, tg = ag.tensor(seed, requires_grad=True), torch.tensor(seed, requires_grad=True)
    (grad,) = ag.grad(out, x, g, create_graph=True)
    (right,) = torch.autograd.grad(expected, t, tg, create_graph=True)
    np.testing.assert_allclose(grad.data, right.detach(), 1e-10, 1e-10)
    if parity:
        parity.gradient(grad.data, right, atol=1e-10)
    (again,) = ag.grad((grad * grad).sum(), g)
    (right,) = torch.autograd.grad((right * right).sum(), tg)
    np.testing.assert_allclose(again.data, right, 1e-10, 1e-10)


def tied(*shape: int, nan: bool = False) -> np.ndarray:
    """Few distinct values: most windows have several maxima."""
    x = DRAW.integers(0, 4, shape).astype(float)
    if nan:
        x[DRAW.random(shape) < 0.1] = np.nan
    return x


@pytest.mark.parity("max_pool2d", "torch.nn.functional.max_pool2d")
@pytest.mark.spec("AGE-047", "to the first of equal elements and lets NaN spread")
@pytest.mark.parametrize("nan", [False, True])
def test_max_pool_with_every_combination_of_options(nan, parity):
    for options in itertools.product(
        (1, 2, 3, (2, 3)), (None, 1, (3, 1)), (0, (1, 0)), (1, 2), (False, True)
    ):
        if options[0] == 1 and options[2]:
            continue
        x = tied(2, 2, 8, 7, nan=nan)
        named = {"positions": True, "return_indices": True, "parity": parity}
        check("max_pool2d", x, *options, **named)


@pytest.mark.parity("avg_pool2d", "torch.nn.functional.avg_pool2d")
def test_avg_pool_with_every_combination_of_options(parity):
    for kernel, stride, padding, ceil, include in itertools.product(
        (2, 3, (2, 3)), (None, 1, (3, 1)), (0, (1, 0)), (False, True), (False, True)
    ):
        x = DRAW.standard_normal((2, 2, 8, 7))
        options = (kernel, stride, padding, ceil, include)
        check("avg_pool2d", x, *options, parity=parity)
        check("avg_pool2d", x, *options, 5, parity=parity)


@given(
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    outputs=st.tuples(st.integers(1, 10), st.integers(1, 10)),
    nan=st.booleans(),
)
def test_adaptive_pooling_to_any_size(sizes, outputs, nan):
    check("adaptive_avg_pool2d", DRAW.standard_normal((2, 2, *sizes)), outputs)
    x = tied(2, 2, *sizes, nan=nan)
    check("adaptive_max_pool2d", x, outputs, positions=True, return_indices=True)


@given(
    length=st.integers(2, 12),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 5),
    padding=st.integers(0, 2),
    ceil=st.booleans(),
)
def test_one_axis_and_no_batch(length, kernel, stride, padding, ceil):
    if padding > kernel // 2 or length + 2 * padding < kernel:
        return
    options = (kernel, stride, padding)
    for shape in ((2, 3, length), (3, length)):
        check("max_pool1d", tied(*shape), *options, 1, ceil)
        check("avg_pool1d", DRAW.standard_normal(shape), *options, ceil)
        check("adaptive_avg_pool1d", DRAW.standard_normal(shape), kernel)
        check("adaptive_max_pool1d", tied(*shape), kernel)


def test_none_keeps_a_size_and_an_empty_batch_stays_empty():
    check("adaptive_avg_pool2d", DRAW.standard_normal((2, 3, 4, 5)), (None, 2))
    check("max_pool2d", np.zeros((0, 3, 4, 4)), 2)
    check("avg_pool2d", np.zeros((0, 3, 4, 4)), 2)


def test_minus_infinity_is_a_value_like_another():
    x = np.full((1, 1, 4, 4), -np.inf)
    check("max_pool2d", x, 3, 2, 1, positions=True, return_indices=True)


def test_images_in_any_order_of_memory_give_the_same():
    x = tied(4, 3, 6, 6)
    last = np.ascontiguousarray(x.transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2)
    a, b = ag.tensor(x, requires_grad=True), ag.from_numpy(last).requires_grad_()
    for t in (a, b):
        (F.max_pool2d(t, 2, 2) ** 2 + F.avg_pool2d(t, 2) ** 2).sum().backward()
    np.testing.assert_array_equal(a.grad.data, b.grad.data)


@pytest.mark.parametrize("dtype, tol", [(np.float32, 1e-6), (np.float16, 2e-3)])
def test_the_dtype_stays(dtype, tol):
    x = DRAW.standard_normal((2, 3, 6, 6)).astype(dtype)
    for name in ("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d"):
        out = getattr(F, name)(ag.tensor(x), 3)
        assert out.dtype == dtype
        expected = getattr(T, name)(torch.tensor(x), 3)
        np.testing.assert_allclose(out.data, expected, tol, tol)


IMAGE = np.zeros((1, 1, 4, 4))
WRONG = {
    "kernel": ("max_pool2d", (5,), r"the kernel \(5, 5\) .* larger than the input"),
    "padding": ("max_pool2d", (2, 2, 2), "padding=.* is more than half of the kernel"),
    "divisor": ("avg_pool2d", (2, 2, 0, False, True, 0), "would divide by zero"),
    "stride": ("avg_pool2d", (2, 0), "stride=0 is below 1"),
    "numbers": ("max_pool2d", ((2, 2, 2),), "has 3 numbers for 2 spatial axes"),
    "rank": ("max_pool1d", (2,), r"3 axes .* this one has shape \(1, 1, 4, 4\)"),
    "output": ("adaptive_avg_pool2d", (0,), "output_size=.* is below 1"),
}


@pytest.mark.spec("AGE-047", "name the operation, the shapes and what is allowed")
@pytest.mark.parametrize("case", WRONG)
def test_wrong_calls_are_refused_in_a_sentence(case):
    name, options, message = WRONG[case]
    with pytest.raises(RuntimeError, match=f"{name}: .*{message}"):
        getattr(F, name)(ag.tensor(IMAGE), *options)


def test_integers_are_refused():
    with pytest.raises(TypeError, match="dtype is int64, not Float"):
        F.max_pool2d(ag.tensor(IMAGE.astype(int)), 2)
