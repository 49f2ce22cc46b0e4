"""The backward pass: order, sums, buffers, second passes, and what it refuses."""

import numpy as np
import pytest
import torch

import src as ag


def leaf(values, dtype=np.float64):
    return ag.tensor(np.asarray(values, dtype), requires_grad=True)


def gradients(fn, *values):
    """Of `fn` in the engine and in torch, for the same leaves."""
    ours = [leaf(v) for v in values]
    theirs = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]
    fn(*ours).backward()
    fn(*theirs).backward()
    return [x.grad.numpy() for x in ours], [x.grad.numpy() for x in theirs]


@pytest.mark.spec("AGE-023", "Gradient buffers are never shared")
@pytest.mark.parametrize(
    ("fn", "values"),
    [
        (lambda a, b: (((a + b) + a * 3) * 1).sum(), ([1.0, 2.0], [3.0, 4.0])),
        (lambda a, b: ((a + b) + a * 3).sum(), ([1.0, 2.0], [3.0, 4.0])),
        (lambda x, w: ((x + w) * (x + w) + x * 5).mean(), ([1.0, 2.0], [3.0, 4.0])),
        (lambda a, b: (a + a + b).sum() + (a + b).sum(), ([1.0], [2.0])),
    ],
)
def test_a_sum_hands_one_gradient_to_both_inputs_without_sharing_it(fn, values):
    ours, theirs = gradients(fn, *values)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, 1e-12)


@pytest.mark.spec("AGE-023", "what is added to one gradient does not change another")
def test_writing_to_one_gradient_leaves_the_others():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    given = ag.tensor([5.0, 6.0], dtype=ag.float64)
    (a + b).backward(given)
    a.grad.mul_(100.0)
    assert b.grad.tolist() == given.tolist() == [5.0, 6.0]
    first, second = ag.grad(a + b, (a, b), given)
    first.zero_()
    assert second.tolist() == given.tolist() == [5.0, 6.0]


def test_matmul_sums_the_gradient_over_broadcast_batches():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 4)), rng.normal(size=(2, 4, 5))
    ours, theirs = gradients(lambda a, b: ((a @ b) ** 2).sum(), *values)
    assert ours[0].shape == (3, 4)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, 1e-12)


def test_matrix_times_vector_has_a_gradient():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 4)), rng.normal(size=4)
    ours, theirs = gradients(lambda a, b: ((a @ b) ** 2).sum(), *values)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, 1e-12)


def test_float64_stays_float64_through_a_sum():
    assert (leaf([1.0]).sum() + 1).dtype == np.float64


@pytest.mark.spec("AGE-024", "without recursion: a chain of 100,000")
def test_a_long_chain_passes():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + x
    y.backward()
    assert x.grad.item() == 100_001


@pytest.mark.spec("AGE-024", "visits each operation once, after all its users")
def test_each_operation_runs_once():
    runs = []

    class Count(ag.Function):
        @staticmethod
        def forward(ctx, x):
            return x.data * 2

        @staticmethod
        def backward(ctx, grad):
            runs.append(grad.tolist())
            return grad * 2

    x = leaf(1.0)
    b = Count.apply(x)
    c = b + b
    (c * b + c).backward()
    assert len(runs) == 1
    # c b + c = 2 b^2 + 2 b with b = 2 x: the derivative is (4 b + 2) 2 at b = 2.
    assert x.grad.item() == 20


@pytest.mark.spec("AGE-025", "A second backward is refused with the argument to pass")
def test_a_second_backward_says_what_to_pass():
    x = leaf(2.0)
    y = x * x
    y.backward()
    with pytest.raises(RuntimeError, match=r"through mul.*retain_graph=True"):
        y.backward()
    assert x.grad.item() == 4


@pytest.mark.spec("AGE-025", "it adds the same gradients again")
def test_a_retained_graph_passes_twice():
    x = leaf(2.0)
    y = x.exp() * x
    y.backward(retain_graph=True)
    once = x.grad.item()
    y.backward()
    assert x.grad.item() == 2 * once


@pytest.mark.spec("AGE-026", "asks for `gradient=`, and refuses one of another shape")
def test_a_start_of_several_elements_needs_a_gradient():
    x = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"shape \(2,\).*gradient="):
        (x * 2).backward()
    with pytest.raises(
        RuntimeError, match=r"shape \(3,\) for a tensor of shape \(2,\)"
    ):
        (x * 2).backward(ag.ones(3))
    (x * 2).backward(ag.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 20.0]


@pytest.mark.spec("AGE-027", "tensors that ask for gradients are refused with the cure")
@pytest.mark.parametrize("data", [[1, 2], [True], np.zeros(2, np.uint8)])
def test_integers_have_no_gradient(data):
    with pytest.raises(RuntimeError, match=r"floating-point.*\.float\(\)"):
        ag.tensor(data, requires_grad=True)
    with pytest.raises(RuntimeError, match="floating-point"):
        ag.tensor(data).requires_grad_()


def test_backward_without_history_says_why():
    with pytest.raises(RuntimeError, match="does not require gradients"):
        ag.tensor(1.0).backward()
    x = leaf(1.0)
    with ag.no_grad():
        y = x * 2
    with pytest.raises(RuntimeError, match="no_grad"):
        y.backward()


def test_grad_leaves_dot_grad_alone_and_names_an_unused_input():
    x, y = leaf(3.0), leaf(1.0)
    (found,) = ag.grad(x * x, x)
    assert found.item() == 6 and x.grad is None
    with pytest.raises(RuntimeError, match=r"input 1.*allow_unused=True"):
        ag.grad(x * x, (x, y))
    assert ag.grad(x * x, (x, y), allow_unused=True)[1] is None


def test_grad_of_an_inner_node_and_of_its_ancestor():
    x = leaf(2.0)
    y = x * x
    z = y * 3 + x
    of_y, of_x = ag.grad(z, (y, x))
    assert (of_y.item(), of_x.item()) == (3, 13)


def test_hooks_see_the_whole_gradient_and_may_replace_it():
    x = leaf([1.0, 2.0])
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    remove = y.register_hook(lambda g: g * 10)
    (y + y * 3).sum().backward(retain_graph=True)
    assert seen == [[4.0, 4.0]] and x.grad.tolist() == [80.0, 80.0]
    remove()
    x.grad = None
    (y + y * 3).sum().backward()
    assert x.grad.tolist() == [8.0, 8.0]


def test_retain_grad_keeps_the_gradient_of_an_inner_node():
    x = leaf([1.0, 2.0])
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]


@pytest.mark.spec("AGE-031", "returns the wrong number of gradients, or a wrong shape")
def test_a_wrong_backward_is_named():
    class Wrong(ag.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x.data * y.data

        @staticmethod
        def backward(ctx, grad):
            return ctx.answer(grad)

    def run(answer):
        out = Wrong.apply(leaf([1.0, 2.0]), leaf([1.0, 2.0]))
        out.grad_fn.answer = answer
        out.sum().backward()

    with pytest.raises(RuntimeError, match="Wrong.backward returned 1 gradients for 2"):
        run(lambda g: g)
    with pytest.raises(
        RuntimeError, match=r"Wrong.backward.*\(3,\).*argument 1.*\(2,\)"
    ):
        run(lambda g: (g, ag.ones(3)))


def test_an_array_from_backward_that_is_not_fresh_is_not_written_to():
    class Share(ag.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x.data + y.data

        @staticmethod
        def backward(ctx, grad):
            return grad.data, grad.data

    x, y = leaf([1.0, 1.0]), leaf([1.0, 1.0])
    start = ag.tensor([1.0, 2.0], dtype=ag.float64)
    (Share.apply(x, y) + x * 5).backward(start)
    assert x.grad.tolist() == [6.0, 12.0]
    assert y.grad.tolist() == start.tolist() == [1.0, 2.0]


@pytest.mark.spec("AGE-033", "names the line that recorded the operation, and a NaN")
def test_anomaly_mode_names_the_line():
    x = leaf([0.0, 1.0])
    with ag.detect_anomaly():
        y = x.sqrt() * 0
        with pytest.raises(RuntimeError, match=r"NaN.*test_engine_backward\.py:\d+"):
            (y * float("inf")).sum().backward()


def test_no_grad_is_a_decorator_and_nests():
    x = leaf(1.0)

    @ag.no_grad()
    def inside():
        with ag.enable_grad():
            recorded = x * 2
        return x * 2, recorded

    plain, recorded = inside()
    assert not plain.requires_grad and recorded.requires_grad and ag.is_grad_enabled()


def test_detach_shares_memory_and_cuts_the_history():
    x = leaf([1.0, 2.0])
    y = (x * 2).detach()
    assert not y.requires_grad and y.is_leaf
    assert np.shares_memory(x.detach().data, x.data)
