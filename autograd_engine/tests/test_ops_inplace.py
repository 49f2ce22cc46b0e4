"""Chains of views, reads and writes in place end as in torch, or are refused."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import src as ag
from tests.beside_torch import compare, numbers


# A step takes one of the tensors so far, and `w`, a leaf that asks for gradients.
VIEWS = {
    "row": lambda lib, t, w: t[0],
    "last": lambda lib, t, w: t[..., -1],
    "slice": lambda lib, t, w: t[1:, ...],
    "steps": lambda lib, t, w: t[::2],
    "flat": lambda lib, t, w: t.reshape(-1),
    "view": lambda lib, t, w: t.view(-1),
    "turn": lambda lib, t, w: t.transpose(0, -1),
    "new axis": lambda lib, t, w: t.unsqueeze(0),
    "expand": lambda lib, t, w: t.unsqueeze(0).expand(2, *t.shape),
    "diagonal": lambda lib, t, w: t.diagonal(),
    "narrow": lambda lib, t, w: t.narrow(0, 0, 1),
    "half": lambda lib, t, w: t.chunk(2)[0],
    "unfold": lambda lib, t, w: t.unfold(0, 2, 1),
    "detach": lambda lib, t, w: t.detach(),
}
READS = {
    "square": lambda lib, t, w: t * t,
    "exp": lambda lib, t, w: (t * 0.1).exp(),
    "copy": lambda lib, t, w: t.clone(),
    "list": lambda lib, t, w: t[[0, 0]],
    "mask": lambda lib, t, w: t[t > 0],
    "flip": lambda lib, t, w: t.flip(0),
    "sort": lambda lib, t, w: t.sort(0)[0],
}
WRITES = {
    "row = number": lambda lib, t, w: put(t, 0, 0.5),
    "last = weight": lambda lib, t, w: put(t, (..., -1), w[0]),
    "list = weights": lambda lib, t, w: put(t, ([0, -1],), w[:1]),
    "mask = weight": lambda lib, t, w: put(t, t > 0, w[1]),
    "all = itself": lambda lib, t, w: put(t, ..., t * 2),
    "row += 1": lambda lib, t, w: add_one(t),
    "mul_": lambda lib, t, w: t.mul_(w[0]),
    "add_": lambda lib, t, w: t.add_(1.0),
    "zero_": lambda lib, t, w: t.zero_(),
    "masked_fill_": lambda lib, t, w: t.masked_fill_(t < 0, 2.0),
    "index_fill_": lambda lib, t, w: t.index_fill_(0, lib.tensor([0]), 3.0),
    "index_add_": lambda lib, t, w: t.index_add_(0, lib.tensor([0]), t[:1].clone()),
    "copy_": lambda lib, t, w: t.copy_(w[0]),
    "write unseen": lambda lib, t, w: unseen(lib, t),
}
STEPS = VIEWS | READS | WRITES


def put(t: Any, index: Any, value: Any) -> Any:
    t[index] = value
    return t


def add_one(t: Any) -> Any:
    t[0] += 1
    return t


def unseen(lib: Any, t: Any) -> Any:
    with lib.no_grad():
        t[0] = 1.5
    return t


def run(lib: Any, steps: list[tuple[int, str]], leaf: bool) -> list[np.ndarray] | str:
    """The values of all tensors and the gradients of x and w, or why it was refused."""
    x = lib.tensor(numbers(3, 4), requires_grad=True)
    w = lib.tensor(numbers(2, seed=5), requires_grad=True)
    tensors = [x] if leaf else [x * 1]
    try:
        for which, name in steps:
            result = STEPS[name](lib, tensors[which % len(tensors)], w)
            if name not in WRITES:
                tensors.append(result)
        loss = w.sum()
        for tensor in tensors:
            loss = loss + (tensor * tensor).sum()
        loss.backward()
    except (RuntimeError, IndexError, ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    grads = [x * 0 if x.grad is None else x.grad, w.grad]  # nothing reached x: 0
    return [t.detach().numpy() for t in [*tensors, *grads]]


@pytest.mark.spec("AGE-044", "changes the value and the history as torch does, or is")
@pytest.mark.filterwarnings("ignore:Use of .* expanded tensors")
@settings(max_examples=400)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(list(STEPS))), max_size=6),
    st.booleans(),
)
@example([(0, "square"), (0, "mask = weight"), (1, "row = number")], False)
@example([(0, "exp"), (1, "add_")], False)
@example([(0, "row"), (0, "mul_"), (1, "square")], False)
@example([(0, "detach"), (1, "zero_"), (0, "square")], False)
def test_chains_end_as_in_torch_or_are_refused(steps, leaf):
    ours, theirs = run(ag, steps, leaf), run(torch, steps, leaf)
    if isinstance(ours, str):
        return
    if isinstance(theirs, str):
        # torch treats the views of split otherwise than those of narrow.
        assert "returns multiple views" in theirs, f"torch refuses: {theirs}"
        return
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


IN_PLACE = {
    "index_put_": lambda lib, t, w: t.index_put_((lib.tensor([0, 2]),), w[:1]),
    "index_copy_": lambda lib, t, w: t.index_copy_(
        0, lib.tensor([1]), t[:1].clone() * w[0]
    ),
    "scatter_": lambda lib, t, w: t.scatter_(1, lib.tensor([[3], [0]]), t[1:, :1] * 2),
    "scatter_add_": lambda lib, t, w: t.scatter_add_(
        0, lib.tensor([[1, 1]]), w.reshape(1, 2)
    ),
    "scatter_reduce_": lambda lib, t, w: t.scatter_reduce_(
        0, lib.tensor([[1, 1]]), w.reshape(1, 2), "mean"
    ),
    "masked_scatter_": lambda lib, t, w: t.masked_scatter_(t > 0.5, t.clone()),
    "put_": lambda lib, t, w: t.put_(lib.tensor([0, 5]), w),
    "tril_": lambda lib, t, w: t.tril_(-1),
    "triu_": lambda lib, t, w: t.triu_(),
}


@pytest.mark.spec("AGE-044", "changes the value and the history as torch does")
@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_variants(name):
    def change(lib, x, w):
        t = x * 1
        assert IN_PLACE[name](lib, t, w) is t
        return t

    compare(change, numbers(3, 4), numbers(2, seed=5))


def test_a_number_or_an_array_is_cast_to_the_dtype_of_the_tensor():
    x = ag.tensor([1, 2, 3])
    x[0] = 7.9
    x[1:] = np.array([True, False])
    assert (x.tolist(), x.dtype) == ([7, 1, 0], ag.int64)


def test_a_value_may_have_leading_axes_of_one():
    x = ag.tensor(np.zeros((2, 3)))
    x[1] = ag.tensor([[[1.0, 2.0, 3.0]]])
    assert x.tolist() == [[0, 0, 0], [1, 2, 3]]


def test_reading_after_the_write_and_before_it():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    before = y.clone()
    y[0] = before[0] * 3
    (y * before).sum().backward()
    assert x.grad.tolist() == [6, 4]


def leaf() -> ag.Tensor:
    return ag.tensor(np.ones((2, 3)), requires_grad=True)


def needed() -> None:
    y = leaf() * 1
    square = y * y
    y[0] = 0.0
    square.sum().backward()


REFUSED = {
    "leaf": (lambda: put(leaf(), 0, 1.0), "on a leaf that requires gradients"),
    "view": (
        lambda: put((leaf() * 1)[0], 0, 1.0),
        r"write to the base \(base\[index\]",
    ),
    "expanded": (
        lambda: put(ag.tensor(0.0).expand(3), 0, 1.0),
        r"write to a clone\(\)",
    ),
    "expanded, in place": (lambda: ag.tensor(0.0).expand(3).add_(1), r"a clone\(\)"),
    "shape": (
        lambda: put(ag.tensor(np.ones((2, 3))), 0, ag.tensor([1.0, 2.0])),
        r"value of shape \(2,\) does not broadcast to the place of shape \(3,\)",
    ),
    "gradient into integers": (
        lambda: put(ag.tensor([1, 2]), 0, leaf()[0, 0]),
        "gradient cannot pass through int64",
    ),
    "text": (lambda: put(leaf() * 1, 0, "1"), "not str"),
    "needed value": (
        needed,
        r"backward of mul needs .* x\[index\] = value wrote to it",
    ),
    "stale view": (
        lambda: [(y := leaf() * 1), (row := y[0]), put(y, 1, 0.0), row * 2],
        "take the view again",
    ),
}


@pytest.mark.spec("AGE-044", "or is refused")
@pytest.mark.parametrize("name", REFUSED)
def test_what_would_make_a_gradient_untrue_is_refused(name):
    call, words = REFUSED[name]
    with pytest.raises((RuntimeError, TypeError), match=words):
        call()
