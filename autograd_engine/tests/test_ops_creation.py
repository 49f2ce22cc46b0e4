"""Tensors from nothing: values and dtypes beside torch, and random ones."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import src as ag


CALLS = [
    lambda lib: lib.zeros(2, 3),
    lambda lib: lib.ones((2, 3), dtype=lib.int32),
    lambda lib: lib.full((2,), 3),
    lambda lib: lib.full((2,), 2.5),
    lambda lib: lib.full((), True),
    lambda lib: lib.arange(5),
    lambda lib: lib.arange(1, 10, 3),
    lambda lib: lib.arange(1, 0, -0.3),
    lambda lib: lib.arange(0.5, 3),
    lambda lib: lib.arange(3, dtype=lib.float64),
    lambda lib: lib.arange(0),
    lambda lib: lib.linspace(0, 1, 5),
    lambda lib: lib.linspace(-3, 10, 7, dtype=lib.int64),
    lambda lib: lib.linspace(2, 3, 1),
    lambda lib: lib.logspace(0, 2, 3),
    lambda lib: lib.eye(3),
    lambda lib: lib.eye(2, 3, dtype=lib.int64),
    lambda lib: lib.zeros_like(lib.ones(2, 3).double()),
    lambda lib: lib.ones_like(lib.ones(2), dtype=lib.bool),
    lambda lib: lib.full_like(lib.ones(2).long(), 7),
    lambda lib: lib.ones(2).double().new_zeros(3, 1),
    lambda lib: lib.ones(2).long().new_ones((3,)),
    lambda lib: lib.ones(2).new_full((2, 2), 3),
    lambda lib: lib.ones(2).double().new_tensor([1, 2]),
    lambda lib: lib.scalar_tensor(3),
    lambda lib: lib.tensor([1.7, -1.7]).int(),
    lambda lib: lib.tensor([0.0, 2.0]).bool(),
    lambda lib: lib.tensor([1.0]).type_as(lib.tensor([1], dtype=lib.int8)),
    lambda lib: lib.tensor([1]).half() + lib.tensor([1]).float(),
]


@pytest.mark.spec("AGE-040", "the values, shapes and dtypes of torch's")
@pytest.mark.parametrize("call", CALLS)
def test_created(call):
    ours, theirs = call(ag).numpy(), call(torch).numpy()
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.spec("AGE-040", "the values, shapes and dtypes of torch's")
@given(st.floats(-5, 5), st.floats(0.1, 10), st.floats(0.05, 2))
def test_arange(start, length, step):
    theirs = torch.arange(start, start + length, step, dtype=torch.float64)
    ours = ag.arange(start, start + length, step, dtype=ag.float64)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.spec("AGE-040", "random ones have the stated distribution")
@pytest.mark.parametrize(
    ("draw", "mean", "deviation"),
    [
        (lambda: ag.rand(100, 200), 0.5, 1 / 12**0.5),
        (lambda: ag.randn(100, 200, dtype=ag.float64), 0, 1),
        (lambda: ag.randn_like(ag.ones(100, 200)), 0, 1),
        (lambda: ag.randint(3, 7, (20000,)), 4.5, 1.25**0.5),
        (lambda: ag.bernoulli(ag.full((20000,), 0.3)), 0.3, 0.21**0.5),
        (lambda: ag.normal(2.0, 3.0, (20000,)), 2, 3),
        (lambda: ag.normal(ag.full((20000,), 2.0), 3.0), 2, 3),
        (lambda: ag.empty(20000).normal_(1, 2), 1, 2),
        (lambda: ag.empty(20000).uniform_(-1, 1), 0, 3**-0.5),
        (lambda: ag.rand(20000, dtype=ag.float16), 0.5, 1 / 12**0.5),
    ],
)
def test_distributions(draw, mean, deviation):
    ag.manual_seed(1)
    x = draw().double()
    assert abs(x.mean().item() - mean) < 5 * deviation / 20000**0.5
    assert abs(x.std().item() / deviation - 1) < 0.03


@pytest.mark.spec("AGE-040", "a function of the seed alone")
def test_seed():
    def draw():
        return [
            *(ag.rand(3), ag.randn(3), ag.randint(9, (3,)), ag.randperm(5)),
            ag.multinomial(ag.ones(5), 3),
        ]

    ag.manual_seed(3)
    first = draw()
    ag.manual_seed(3)
    assert all(ag.equal(a, b) for a, b in zip(first, draw(), strict=True))
    assert sorted(ag.randperm(6).tolist()) == list(range(6))


@pytest.mark.spec("AGE-040", "random ones have the stated distribution")
@pytest.mark.parametrize("replacement", [True, False])
def test_multinomial(replacement):
    ag.manual_seed(0)
    weights = ag.tensor([0.0, 1.0, 3.0, 0.0, 4.0]).expand(8000, 5)
    first = ag.multinomial(weights, 2, replacement).numpy()[:, 0]
    shares = np.bincount(first, minlength=5) / 8000
    np.testing.assert_allclose(shares, [0, 0.125, 0.375, 0, 0.5], atol=0.02)
    with pytest.raises(RuntimeError, match="4 samples from 3 possible"):
        ag.multinomial(weights, 4)


def test_wrong_calls_are_refused():
    for call, words in [
        (lambda: ag.zeros(2, -1), "no size is negative"),
        (lambda: ag.arange(0, 5, -1), "is no way"),
        (lambda: ag.linspace(0, 1, -1), "steps=-1 is negative"),
        (lambda: ag.randint(3, 3, (2,)), "there is no integer"),
        (lambda: ag.bernoulli(ag.tensor([1.5])), "outside of"),
        (lambda: ag.normal(0.0, -1.0, (2,)), "is negative"),
        (lambda: ag.ones(2, dtype=ag.int64, requires_grad=True), "floating-point"),
    ]:
        with pytest.raises(RuntimeError, match=words):
            call()
    for call in (
        lambda: ag.zeros(2, dtype=complex),
        lambda: ag.tensor([1j]),
        lambda: ag.rand(2, dtype=ag.int64),
        lambda: ag.randint(3),
    ):
        with pytest.raises((TypeError, NotImplementedError)):
            call()


def test_as_tensor_shares_memory_where_it_can():
    array = np.zeros(2)
    shown = ag.as_tensor(array)
    array[0] = 1
    assert shown.tolist() == [1, 0]
    assert ag.as_tensor(shown) is shown
    assert ag.as_tensor(shown, dtype=ag.float32).dtype == np.float32
    assert ag.as_tensor([1.0]).dtype == np.float32
