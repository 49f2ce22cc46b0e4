"""x[index], gather, scatter and their kin beside torch: values and two gradients."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import src as ag
from src.ops.rows import scatter_add_rows
from tests.beside_torch import compare, numbers


X = numbers(3, 4, 5)
M = numbers(4, 5, seed=1)
INDEX = np.array([[0, 3, 3, 1], [2, 2, 0, 1]])
J = np.array([[0, 1], [4, 4], [2, 0]])  # along the last axis of the first rows of M
INDICES = {
    "integer": lambda lib: 1,
    "negative": lambda lib: (-1, ..., -5),
    "slices": lambda lib: (slice(1, 9), slice(None, -1, 2)),
    "empty slice": lambda lib: slice(2, 1),
    "None": lambda lib: (None, 1, ..., None),
    "list with repeats": lambda lib: [0, 2, 2, 0],
    "tensor of two axes": lambda lib: (slice(None), lib.tensor(INDEX)),
    "0-d tensor": lambda lib: (lib.tensor(1), slice(0, 2)),
    "neighbours": lambda lib: (slice(None), [0, 1], lib.tensor([[1], [-1]])),
    "apart": lambda lib: ([0, 1], slice(None), [1, 1]),
    "an integer is applied first": lambda lib: (0, slice(None), [1, 2, 0]),
    "apart after None": lambda lib: (None, [0, 1, 0], slice(None), [1, 1, 1]),
    "None between": lambda lib: ([0, 0], None, [1, 2]),
    "mask": lambda lib: lib.tensor(X[:, :, 0] > 0),
    "full mask": lambda lib: lib.tensor(X > 0),
    "mask in the middle": lambda lib: (slice(1, 3), lib.tensor(M[:, 0] > 0), 2),
    "mask and integers": lambda lib: ([1, 0], lib.tensor([True, False, False, True])),
    "True": lambda lib: True,
    "False": lambda lib: (False, 1),
    "empty list": lambda lib: [],
}
# Here torch leaves open which of two values an element keeps.
REPEATS = ("apart after None", "list with repeats", "tensor of two axes")


@pytest.mark.spec("AGE-041", "value, gradient and second derivative of torch")
@pytest.mark.parametrize("name", INDICES)
def test_indexing(name):
    compare(lambda lib, x: x[INDICES[name](lib)], X)


@pytest.mark.spec("AGE-044", "what is overwritten gets no gradient")
@pytest.mark.parametrize("name", [n for n in INDICES if n not in REPEATS])
def test_assignment(name):
    def write(lib, x, value):
        y = x * 1
        y[INDICES[name](lib)] = value * value
        return y * y

    shape = torch.tensor(X)[INDICES[name](torch)].shape
    compare(write, X, numbers(*shape, seed=2))
    compare(write, X, np.array(0.3))
    compare(lambda lib, x: write(lib, x, lib.tensor(7.0, dtype=lib.float64)), X)


SCATTERED = numbers(4, 5, seed=3)
OPERATIONS = {
    "gather": lambda lib, x, s: lib.gather(x, 1, lib.tensor(J)),
    "take_along_dim": lambda lib, x, s: lib.take_along_dim(x, lib.tensor(J[:1]), 1),
    "take": lambda lib, x, s: lib.take(x, lib.tensor([[0, -1], [7, 7]])),
    "put": lambda lib, x, s: x.put(lib.tensor([0, 7, 7]), s[0, :3], accumulate=True),
    "scatter": lambda lib, x, s: lib.scatter(
        x, 0, lib.tensor(INDEX[:, ::2]), s[:2, :2]
    ),
    "scatter value": lambda lib, x, s: lib.scatter(x, 1, lib.tensor(J), 0.5),
    "scatter_add": lambda lib, x, s: lib.scatter_add(x, 1, lib.tensor(J), s[:3, :2]),
    "index_select": lambda lib, x, s: lib.index_select(x, 1, lib.tensor([4, 0, 0])),
    "index_add": lambda lib, x, s: lib.index_add(
        x, 0, lib.tensor([1, 1]), s[:2], alpha=3
    ),
    "index_copy": lambda lib, x, s: lib.index_copy(x, 1, lib.tensor([4, 0]), s[:, :2]),
    "index_fill": lambda lib, x, s: lib.index_fill(x, 1, lib.tensor([4, 0]), s[0, 0]),
    "index_put": lambda lib, x, s: lib.index_put(
        x, (lib.tensor([0, 0]), lib.tensor([1, 1])), s[0, :2], accumulate=True
    ),
    "masked_fill": lambda lib, x, s: lib.masked_fill(x, lib.tensor(M[:1] > 0), s[0, 0]),
    "masked_select": lambda lib, x, s: lib.masked_select(x, lib.tensor(M > 0)),
    "masked_scatter": lambda lib, x, s: lib.masked_scatter(x, lib.tensor(M[0] > 0), s),
}
for _how in ("sum", "mean", "prod", "amax", "amin"):
    for _own in (True, False):
        OPERATIONS[f"scatter_reduce {_how} {_own}"] = (
            lambda lib, x, s, how=_how, own=_own: lib.scatter_reduce(
                x, 1, lib.tensor(J), s[:3, :2], how, include_self=own
            )
        )
ONCE = ("prod",)


@pytest.mark.spec("AGE-041", "value, gradient and second derivative of torch")
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name):
    second = not any(how in name for how in ONCE)
    compare(OPERATIONS[name], M, SCATTERED, second=second)


def test_the_product_of_zeros_has_its_gradient():
    x, src = M.copy(), SCATTERED.copy()
    x[0, 0] = src[0, 0] = src[1, 0] = src[1, 1] = src[2, 0] = 0
    for name in ("scatter_reduce prod True", "scatter_reduce prod False"):
        # One more: the squares of `compare` would hide the gradients of what is 0.
        compare(lambda *a, n=name: OPERATIONS[n](*a) + 1, x, src, second=False)


def test_equal_extremes_share_the_gradient():
    x, src = np.ones((2, 3)), np.ones((2, 3))
    index = np.zeros((2, 3), np.int64)

    def largest(lib, x, s):
        return lib.scatter_reduce(x, 1, lib.tensor(index), s, "amax")

    compare(largest, x, src, second=False)


@pytest.mark.spec("AGE-044", "of a place written twice the last value stays")
def test_a_place_written_twice_keeps_the_last_value_and_its_gradient():
    x = ag.tensor(np.zeros(3), requires_grad=True)
    value = ag.tensor([1.0, 2.0, 3.0], requires_grad=True, dtype=ag.float64)
    y = x * 1
    y[[0, 0, 2]] = value
    y.sum().backward()
    assert y.tolist() == [2, 0, 3]
    assert (value.grad.tolist(), x.grad.tolist()) == ([0, 1, 1], [0, 1, 0])


def test_the_gradient_does_not_follow_an_index_that_changes_later():
    x = ag.tensor(np.arange(3.0), requires_grad=True)
    index, mask = ag.tensor([0, 0]), ag.tensor([True, False, True])
    out = x[index].sum() + x.masked_fill(mask, 0.0).sum()
    index[...] = 2
    mask[...] = True
    out.backward()
    assert x.grad.tolist() == [2, 1, 0]


@pytest.mark.spec("AGE-041", "repeated indices add up")
@pytest.mark.parametrize("width", [0, 1, 3, 17])
@pytest.mark.parametrize(
    ("length", "count"), [(1, 1), (5, 0), (9, 4), (3, 80), (2, 31)]
)
def test_rows_that_share_a_target_are_added(length, count, width):
    rng = np.random.default_rng(0)
    rows, index = rng.normal(size=(count, width)), rng.integers(0, length, count)
    expected = np.zeros((length, width))
    np.add.at(expected, index, rows)
    found = scatter_add_rows(rows, index, length)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


part = st.one_of(
    st.integers(-3, 3),
    st.slices(4),
    st.none(),
    st.just(...),
    st.booleans(),
    st.lists(st.integers(-3, 2), min_size=1, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3).map(np.array),
)


@pytest.mark.spec("AGE-042", "indexing means what it means in torch")
@settings(max_examples=200)
@given(st.lists(part, min_size=1, max_size=4))
def test_any_index_means_the_same_as_in_torch(parts):
    x = np.arange(24.0).reshape(3, 4, 2)

    def index(lib):
        return tuple(lib.tensor(p) if isinstance(p, np.ndarray) else p for p in parts)

    assume(sum(p is ... for p in parts) < 2)
    try:
        expected = torch.tensor(x)[index(torch)]
    except (IndexError, ValueError, RuntimeError):
        with pytest.raises((IndexError, ValueError, RuntimeError)):
            ag.tensor(x)[index(ag)]
        return
    if expected.numel() == 0:
        assume(isinstance(attempt(lambda: ag.tensor(x)[index(ag)]), ag.Tensor))
    np.testing.assert_array_equal(ag.tensor(x)[index(ag)].numpy(), expected.numpy())


def attempt(call):
    """torch does not look at the numbers of an index that takes nothing; we do."""
    try:
        return call()
    except IndexError:
        return None


REFUSED = {
    "integer": (lambda x: x[3], r"index 3 is out of bounds for axis 0 of size 3"),
    "tensor": (lambda x: x[:, [0, -5]], r"index -5 .* axis 1 of size 4 .*\(3, 4, 5\)"),
    "too many": (lambda x: x[0, 0, 0, 0], r"4 axes are indexed .* shape \(3, 4, 5\)"),
    "dots": (lambda x: x[..., 0, ...], "more than one Ellipsis"),
    "step": (lambda x: x[::-1], r"step of at least 1, not -1.*flip\(\)"),
    "mask": (lambda x: x[ag.tensor([True])], r"mask of shape \(1,\) at axis 0"),
    "float": (lambda x: x[ag.tensor([0.5])], "this one is float32"),
    "uint8": (lambda x: x[np.zeros(3, np.uint8)], r"\.bool\(\) for a mask"),
    "text": (lambda x: x["a"], "not str"),
    "gather": (lambda x: x.gather(0, ag.tensor([[[3]]])), "gather: index 3 .* axis 0"),
    "gather axes": (lambda x: x.gather(0, ag.tensor([0])), r"gather: index of shape"),
    "gather dtype": (lambda x: x.gather(0, x), "int64 tensor, not float64"),
    "scatter": (lambda x: x.scatter(0, ag.tensor(INDEX), x), "as many axes"),
    "index_select": (lambda x: x.index_select(1, ag.tensor([4])), "axis 1 of size 4"),
    "index_add": (lambda x: x.index_add(0, ag.tensor([0]), x), "1 slices of axis 0"),
    "take": (lambda x: x.take(ag.tensor([60])), "take: index 60"),
    "masked_fill": (lambda x: x.masked_fill(x, 0), "bool tensor, not float64"),
    "masked_scatter": (lambda x: x.masked_scatter(x > 9, x[:0]), None),
    "scatter_reduce": (lambda x: x.scatter_reduce(0, x, x, "max"), "amax or amin"),
    "one_hot": (lambda x: ag.one_hot(ag.tensor([3]), 3), "classes are 0 to 2"),
}


@pytest.mark.spec("AGE-043", "names the operation, the shapes and what is allowed")
@pytest.mark.parametrize("name", REFUSED)
def test_wrong_indices_say_what_is_wrong(name):
    call, words = REFUSED[name]
    if words is None:
        assert call(ag.tensor(X)).tolist() == X.tolist()
        return
    errors = (IndexError, RuntimeError, ValueError, TypeError)
    with pytest.raises(errors, match=words):
        call(ag.tensor(X))
