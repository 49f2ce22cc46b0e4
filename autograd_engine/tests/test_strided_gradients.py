"""The gradient of every operation of level 2 against torch's."""

import operator

import numpy as np
import pytest
import torch

from src.strided import tensor
from tests.strided_tools import compare_with_torch, every_backend


random = np.random.default_rng(3)
ANY = random.normal(size=(3, 4))
POSITIVE = random.uniform(0.5, 2, size=(3, 4))
CUBE = random.normal(size=(2, 3, 4))
TIES = np.array([[1.0, 2.0, 2.0, 0.0], [3.0, 3.0, 3.0, 3.0], [0.0, -1.0, 5.0, 4.0]])

UNARY = {
    "neg": (lambda x: -x, ANY),
    "inv": (lambda x: x.inv(), POSITIVE, lambda x: 1 / x),
    "sigmoid": (lambda x: x.sigmoid(), ANY * 9),
    "relu": (lambda x: x.relu(), np.round(ANY)),
    "tanh": (lambda x: x.tanh(), ANY * 9),
    "exp": (lambda x: x.exp(), ANY),
    "log": (lambda x: x.log(), POSITIVE),
    "softplus": (
        lambda x: x.softplus(),
        ANY * 9,
        lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    ),
    "power 3": (lambda x: x**3, ANY),
    "power 0": (lambda x: x**0, ANY),
    "power -1.5": (lambda x: x**-1.5, POSITIVE),
    "numbers": (lambda x: 2 - x * 3 + 1 / (x / 4) - (1 + x - 5), POSITIVE),
    "sum": (lambda x: x.sum(), CUBE),
    "sum 0": (lambda x: x.sum(0), CUBE),
    "sum -1 keepdim": (lambda x: x.sum(-1, keepdim=True), CUBE),
    "mean": (lambda x: x.mean(), CUBE),
    "mean 1": (lambda x: x.mean(1), CUBE),
    "max": (lambda x: x.max(), TIES, lambda x: x.amax()),
    "max 1": (lambda x: x.max(1), TIES, lambda x: x.amax(1)),
    "max 0 keepdim": (
        lambda x: x.max(0, keepdim=True),
        TIES,
        lambda x: x.amax(0, keepdim=True),
    ),
    "permute": (lambda x: x.permute(2, 0, 1), CUBE),
    "transpose": (lambda x: x.transpose(0, -1), CUBE),
    "view": (lambda x: x.contiguous().view(4, -1), CUBE),
    "expand": (lambda x: x[:, None].expand(2, 3, 5, 4), ANY),
    "int": (lambda x: x[-1], CUBE),
    "slices": (lambda x: x[:, 1:, ::2], CUBE),
    "dots": (lambda x: x[..., 0, None] * x[0, ..., 1:2], CUBE),
    "nothing": (lambda x: x[2:2], ANY),
    "used twice": (lambda x: x * x + x, ANY),
}


@pytest.mark.parity("operations on strided tensors", "torch")
@pytest.mark.spec("AGE-015", "gradient of every operation equals torch's to 1e-10")
@pytest.mark.spec("AGE-018", "equal maxima share the gradient evenly")
@every_backend
@pytest.mark.parametrize("name", UNARY)
def test_one_argument(backend, name, parity):
    ours, array, *other = UNARY[name]
    theirs = other[0] if other else ours
    compare_with_torch(ours, theirs, [array], backend, parity)


SHAPES = [
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((), (2, 3)),
    ((2, 1, 4), (3, 1)),
    ((1,), (1, 1)),
    ((0, 3), (1, 3)),
]


@pytest.mark.parity("operations on strided tensors", "torch")
@pytest.mark.spec("AGE-015", "also for broadcast and permuted arguments")
@every_backend
@pytest.mark.parametrize("shapes", SHAPES)
def test_two_arguments(backend, shapes, parity):
    a, b = (np.random.default_rng(0).uniform(0.5, 2, size=shape) for shape in shapes)
    compare_with_torch(
        lambda x, y: (x + y) * (x - y) / y - y / x * x,
        lambda x, y: (x + y) * (x - y) / y - y / x * x,
        [a, b],
        backend,
        parity,
    )


PRODUCTS = [
    ((3, 4), (4, 5)),
    ((4,), (4,)),
    ((3, 4), (4,)),
    ((4,), (4, 5)),
    ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((6, 2, 3, 4), (6, 2, 4, 1)),
    ((2, 3, 4), (4,)),
    ((4,), (2, 4, 3)),
    ((0, 4), (4, 2)),
    ((2, 0), (0, 3)),
]


@pytest.mark.parity("product of strided matrices", "torch.matmul")
@pytest.mark.spec("AGE-015", "also for broadcast and permuted arguments")
@every_backend
@pytest.mark.parametrize("shapes", PRODUCTS)
def test_matrix_products(backend, shapes, parity):
    arrays = [np.random.default_rng(0).normal(size=shape) for shape in shapes]
    compare_with_torch(operator.matmul, operator.matmul, arrays, backend, parity)


@every_backend
@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge", "eq", "ne"])
def test_comparisons_are_numbers_without_gradient(backend, name):
    a, b = np.array([[1.0], [2.0]]), np.array([1.0, 2.0, np.nan])
    x, y = tensor(a, backend=backend, requires_grad=True), tensor(b, backend=backend)
    compare = getattr(operator, name)
    out, with_number = compare(x, y), compare(1, x)
    np.testing.assert_array_equal(out.numpy(), compare(a, b) * 1.0)
    np.testing.assert_array_equal(with_number.numpy(), compare(1, a) * 1.0)
    assert not out.requires_grad and out.is_leaf


@every_backend
def test_all_and_is_close(backend):
    x = tensor([[1.0, 2.0], [0.0, 3.0]], backend=backend, requires_grad=True)
    assert x.all(1).tolist() == [1.0, 0.0]
    assert x.all().item() == 0.0 and (x + 1).all(0, keepdim=True).shape == (1, 2)
    assert x.is_close(x + 1e-9).all() and not x.is_close(x + 1e-4).all()
    assert not x.all().requires_grad


@pytest.mark.spec("AGE-018", "A reduction drops its axis unless `keepdim`")
@every_backend
@pytest.mark.parametrize("name", ["sum", "mean", "max", "all"])
def test_reductions_and_the_axis(backend, name):
    x = tensor(np.ones((2, 3, 4)), backend=backend)
    reduce = getattr(x, name)
    assert reduce().shape == () and reduce(keepdim=True).shape == (1, 1, 1)
    assert reduce(1).shape == (2, 4) and reduce(-2, keepdim=True).shape == (2, 1, 4)
    empty = tensor(np.ones((0, 3)), backend=backend)
    assert getattr(empty, name)(1).shape == (0,)
    with pytest.raises(IndexError, match=f"{name}: dim 3 is outside a tensor of 3"):
        reduce(3)


@every_backend
def test_reductions_of_nothing(backend):
    x = tensor(np.ones((2, 0)), backend=backend, requires_grad=True)
    assert x.sum(1).tolist() == [0, 0] and x.all(1).tolist() == [1, 1]
    assert np.isnan(x.mean(1).numpy()).all() and x.sum().item() == 0
    for call in (lambda: x.max(), lambda: x.max(1)):
        with pytest.raises(RuntimeError, match=r"max: axis \d of shape .* is empty"):
            call()
    x.sum().backward()
    assert x.grad.shape == (2, 0)
