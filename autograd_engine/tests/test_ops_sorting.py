"""Sorting, selecting by rank, counting: beside torch."""

import numpy as np
import pytest
import torch

import src as ag
from tests.beside_torch import compare, numbers


X = numbers(3, 7, 2)
TIES = np.array([[2.0, 1, 2, 1, 3, 1], [0, 0, 5, 5, 5, 0]])
NAN = np.array([[2.0, np.nan, 1, 3], [1, 4, 2, 2], [np.nan] * 4])
ORDERS = {
    "sort": lambda lib, x: lib.sort(x, 1),
    "sort descending": lambda lib, x: lib.sort(x, -1, True),
    "argsort": lambda lib, x: [lib.argsort(x, 1)],
    "msort": lambda lib, x: lib.msort(x),
    "topk": lambda lib, x: lib.topk(x, 2, 1),
    "topk smallest": lambda lib, x: lib.topk(x, 1, 1, largest=False),
    "topk of none": lambda lib, x: lib.topk(x, 0, 1),
    "kthvalue": lambda lib, x: lib.kthvalue(x, 2, 1, keepdim=True),
    "median": lambda lib, x: lib.median(x),
    "median of lines": lambda lib, x: lib.median(x, 1),
    "nanmedian": lambda lib, x: lib.nanmedian(x, 1),
    "mode": lambda lib, x: lib.mode(x, 1),
    "quantile": lambda lib, x: lib.quantile(x, 0.3, 1),
    "quantiles": lambda lib, x: lib.quantile(
        x, lib.tensor([0.0, 0.71, 1.0], dtype=lib.float64), 1, True
    ),
    "nanquantile": lambda lib, x: lib.nanquantile(x, 0.6, interpolation="midpoint"),
}


@pytest.mark.spec("AGE-041", "value, gradient and second derivative of torch")
@pytest.mark.parametrize("name", ORDERS)
def test_orders(name):
    compare(ORDERS[name], X)


@pytest.mark.spec("AGE-045", "gradients flow to the chosen elements")
@pytest.mark.parametrize("name", ["sort", "median", "mode", "median of lines"])
def test_equal_elements(name):
    def stable(lib, x):
        return (
            lib.sort(x, dim=1, stable=True) if name == "sort" else ORDERS[name](lib, x)
        )

    compare(stable, TIES, second=False)


@pytest.mark.spec("AGE-045", "Sorting is stable, NaN counts as the largest")
@pytest.mark.parametrize("name", [n for n in ORDERS if n != "argsort"])
def test_nan(name):
    ours, theirs = (ORDERS[name](lib, lib.tensor(NAN)) for lib in (ag, torch))
    if not isinstance(ours, tuple):
        ours, theirs = (ours,), (theirs,)
    np.testing.assert_array_equal(ours[0].numpy(), theirs[0].numpy())


@pytest.mark.spec("AGE-045", "Sorting is stable")
def test_descending_order_keeps_equal_elements_in_place():
    x = ag.tensor([1.0, 2.0, 1.0, 2.0])
    assert ag.sort(x, descending=True).indices.tolist() == [1, 3, 0, 2]


def test_topk_of_a_long_line_finds_what_sort_finds():
    x = numbers(4, 500, seed=2)
    compare(lambda lib, x: lib.topk(x, 5, 1), x)
    compare(lambda lib, x: lib.topk(x, 3, 1, largest=False), x)


def test_results_have_names():
    values, indices = found = ag.tensor([[3, 1, 2]]).sort()
    assert found.values is values
    assert found.indices is indices
    assert (values.tolist(), indices.dtype) == ([[1, 2, 3]], ag.int64)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_empty_lines(shape):
    x = np.zeros(shape)
    compare(lambda lib, x: lib.sort(x), x, second=False)
    compare(lambda lib, x: lib.topk(x, 0), x, second=False)
    if shape != (0, 3):
        with pytest.raises(IndexError, match="no element"):
            ag.tensor(x).median(-1)


COUNTS = {
    "unique": lambda lib, x: lib.unique(x, return_inverse=True, return_counts=True),
    "unique rows": lambda lib, x: lib.unique(
        x, dim=0, return_inverse=True, return_counts=True
    ),
    "runs": lambda lib, x: lib.unique_consecutive(
        x, return_inverse=True, return_counts=True
    ),
    "runs of rows": lambda lib, x: lib.unique_consecutive(
        x, return_inverse=True, return_counts=True, dim=1
    ),
    "bincount": lambda lib, x: [lib.bincount(x.reshape(-1), minlength=7)],
    "weighted": lambda lib, x: [
        lib.bincount(x.reshape(-1), lib.tensor([0.5, 1.0, 2.0] * 4))
    ],
    "histc": lambda lib, x: [lib.histc(x * lib.tensor(1.0), 4, 0, 3)],
    "histc of its range": lambda lib, x: [lib.histc(x * lib.tensor(1.0), 3)],
    "searchsorted": lambda lib, x: [
        lib.searchsorted(lib.tensor([[0, 1, 1], [1, 2, 4], [0, 0, 3]]), x, right=True)
    ],
    "bucketize": lambda lib, x: [lib.bucketize(x, lib.tensor([0, 1, 3]))],
    "nonzero": lambda lib, x: [lib.nonzero(x), lib.argwhere(x)],
    "nonzero by axis": lambda lib, x: lib.nonzero(x, as_tuple=True),
    "one_hot": lambda lib, x: [(lib if lib is ag else lib.nn.functional).one_hot(x)],
    "triangles": lambda lib, x: [lib.tril_indices(3, 4, -1), lib.triu_indices(3, 4)],
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    numbers = np.array([[1, 0, 3, 3], [0, 0, 2, 2], [1, 0, 3, 3]])
    ours, theirs = (COUNTS[name](lib, lib.tensor(numbers)) for lib in (ag, torch))
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.numpy().dtype
        np.testing.assert_array_equal(a.numpy(), b.numpy())


REFUSED = {
    "topk": (lambda x: x.topk(8, 1), r"topk: k 8 of 7 elements along axis 1"),
    "kthvalue": (lambda x: x.kthvalue(0, 1), "k 0 of 7"),
    "sort": (lambda x: x.sort(3), "allowed are -3 to 2"),
    "quantile": (lambda x: x.quantile(1.5), "from 0 to 1"),
    "interpolation": (lambda x: x.quantile(0.5, interpolation="no"), "'no'"),
    "unique": (lambda x: x.requires_grad_().unique(), "no gradient passes"),
    "bincount": (lambda x: x.bincount(), "vector of integers from 0"),
    "bucketize": (lambda x: ag.bucketize(x, x), r"boundaries of shape \(3, 7, 2\)"),
}


@pytest.mark.spec("AGE-043", "names the operation, the shapes and what is allowed")
@pytest.mark.parametrize("name", REFUSED)
def test_wrong_calls_say_what_is_wrong(name):
    call, words = REFUSED[name]
    errors = (IndexError, RuntimeError, NotImplementedError)
    with pytest.raises(errors, match=words):
        call(ag.tensor(X))
