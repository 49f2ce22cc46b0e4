"""Memory that is protected, shared by its elements, or read while it is written."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest
import torch

import src as ag


def leaf(*values):
    return ag.tensor(np.array(values, np.float64), requires_grad=True)


def test_expanded_and_read_only_memory_is_not_written():
    protected = np.arange(3.0)
    protected.flags.writeable = False
    for tensor in (ag.zeros(3).expand(2, 3), ag.from_numpy(protected)):
        for write in (
            lambda t: t.add_(1),
            lambda t: t.__setitem__(0, 1.0),
            ag.Tensor.zero_,
        ):
            with pytest.raises((RuntimeError, ValueError)):
                write(tensor)
    assert protected.tolist() == [0, 1, 2]


def test_overlapping_source_and_target():
    x = ag.arange(6.0)
    x[1:] = x[:-1]
    y = ag.arange(4.0).reshape(2, 2)
    y.add_(y.T)

    assert x.tolist() == [0, 0, 1, 2, 3, 4]
    assert y.tolist() == [[0, 3], [3, 6]]


@pytest.mark.spec("AGE-023", "Gradient buffers are never shared")
@pytest.mark.parametrize(
    "given",
    [
        np.broadcast_to(2.0, (2, 3)),
        np.arange(12.0).reshape(4, 3)[::-2],
        np.arange(6.0).reshape(3, 2).T,
    ],
    ids=["expanded", "reversed", "transposed"],
)
def test_the_gradient_given_to_backward_may_have_any_memory(given):
    x = ag.from_numpy(np.ones((3, 2))[::-1].T).requires_grad_()
    (x + 0).backward(ag.from_numpy(given))
    expected = given.copy()
    x.grad.add_(1.0)

    np.testing.assert_array_equal(given, expected)
    np.testing.assert_array_equal(x.grad.numpy(), expected + 1)


def test_a_grad_of_another_shape_is_not_broadcast():
    x = leaf(1.0, 2.0)
    x.grad = ag.zeros(2, 2, dtype=ag.float64)
    with pytest.raises(RuntimeError, match="was given the shape"):
        (x * 2).sum().backward()


def test_gradients_of_views_are_not_those_of_their_base():
    x = leaf(1.0, 2.0, 3.0)
    view = x[1:]
    with pytest.raises(RuntimeError, match="was not used"):
        ag.grad((x * 2).sum(), view)
    (view * view[0]).sum().backward()
    assert x.grad.tolist() == [0, 7, 2]


def test_nan_and_infinity_are_ordered_as_in_torch():
    values = [1.0, float("nan"), float("-inf"), float("nan"), float("inf")]
    for call in (
        lambda x: x.max(0)[1],
        lambda x: x.argmin(),
        lambda x: x.sort()[1],
        lambda x: x.topk(3)[1],
        lambda x: x.cummax(0)[1],
    ):
        ours, theirs = call(ag.tensor(values)), call(torch.tensor(values))
        assert ours.tolist() == theirs.tolist()


def test_nothing_remains_of_a_graph_and_a_training_loop_does_not_grow():
    weight = leaf(*range(2000))
    optimizer = ag.optim.Adam([weight], lr=1e-3)

    def step():
        loss = (weight * 1e-3).exp().sum().log()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return weakref.ref(loss), weakref.ref(loss.grad_fn)

    gc.disable()
    try:
        assert [r() for r in step()] == [None, None]
        [step() for _ in range(20)]
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        [step() and None for _ in range(1000)]
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    assert grown < 1_000_000  # one array a step: 16 MB
