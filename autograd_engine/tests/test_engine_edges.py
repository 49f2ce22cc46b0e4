"""Attempts to get a wrong gradient out of the engine without a word."""

import asyncio
import copy
import pickle
import threading
import time

import numpy as np
import pytest
import torch

import src as ag


def leaf(*values):
    return ag.tensor(np.array(values, np.float64), requires_grad=True)


@pytest.mark.spec("AGE-023", "what is added to one gradient does not change another")
def test_a_hook_that_writes_to_its_gradient_changes_only_that_one():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    first, second = a * 1, b * 1

    def writes(gradient):
        gradient.mul_(10.0)

    first.register_hook(writes)
    kept = []
    second.register_hook(kept.append)
    (first + second).backward(ag.tensor([1.0, 1.0], dtype=ag.float64))

    assert a.grad.tolist() == [10, 10]
    assert b.grad.tolist() == kept[0].tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="a hook answered"):
        x = leaf(1.0, 2.0)
        x.register_hook(lambda g: g.sum())
        (x * 2).sum().backward()


@pytest.mark.spec("AGE-023", "Gradient buffers are never shared")
def test_gradients_with_create_graph_are_not_shared():
    a, b, given = leaf(1.0), leaf(2.0), ag.tensor([1.0], dtype=ag.float64)
    (a + b).backward(given, create_graph=True)
    a.grad.data[:] = 7
    first, second = ag.grad(a + b, (a, b), given, create_graph=True)
    first.data[:] = 7

    assert b.grad.tolist() == given.tolist() == second.tolist() == [1]


def test_a_backward_that_returns_an_array_that_is_kept_does_not_give_it_away():
    class Half(ag.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return (x.data**2).sum() / 2

        @staticmethod
        def backward(ctx, grad):
            return ctx.saved_tensors[0].data

    x = leaf(1.0, 2.0)
    Half.apply(x).backward()
    x.grad.zero_()

    assert x.tolist() == [1, 2]


class Same(ag.Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, grad):
        return grad


class Part(ag.Function):
    @staticmethod
    def forward(ctx, x):
        return x.data[1:]

    @staticmethod
    def backward(ctx, grad):
        return ag.cat([ag.zeros(1, dtype=grad.dtype), grad])


@pytest.mark.spec("AGE-028", "that was written in place is refused")
@pytest.mark.parametrize("kind", [Same, Part])
def test_a_function_that_returns_its_input_or_a_view_shares_the_version(kind):
    x = leaf(1.0, 2.0)
    y = x * 1
    out = kind.apply(y)
    late = out * out
    y.mul_(5.0)

    with pytest.raises(RuntimeError, match="written|wrote"):
        late.sum().backward()
    with pytest.raises(RuntimeError, match="view"):
        out.add_(1.0)


def test_two_results_are_never_the_same_memory():
    class Twice(ag.Function):
        @staticmethod
        def forward(ctx, x):
            out = x.data * 2
            return out, out

        @staticmethod
        def backward(ctx, first, second):
            return (first + second) * 2

    x = leaf(1.0)
    a, b = Twice.apply(x)
    a.mul_(3.0)
    (a + b).sum().backward()

    assert (b.tolist(), x.grad.tolist()) == ([2], [8])


def test_backward_inside_a_hook_and_after_an_error():
    x, z = leaf(2.0), leaf(5.0)

    def another(gradient):
        with ag.enable_grad():
            (z * z).sum().backward()

    y = x * 3
    remove = y.register_hook(another)
    (y * y).sum().backward(retain_graph=True)
    assert (x.grad.tolist(), z.grad.tolist()) == ([36], [10])
    remove()
    remove = y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        (y * y).sum().backward()
    remove()
    w = x * 4
    w.sum().backward()
    assert ag.is_grad_enabled()
    assert x.grad.tolist() == [40]


def test_switches_belong_to_a_call_a_thread_and_the_body_of_a_generator():
    faults = []

    @ag.no_grad()
    def slow(n):
        time.sleep(0.001 * n)
        return ag.is_grad_enabled()

    def work(n):
        try:
            faults.extend(x for x in (slow(n), not ag.is_grad_enabled()) if x)
        except ValueError as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(i % 3,)) for i in range(9)]
    [t.start() for t in threads]
    [t.join() for t in threads]

    @ag.no_grad()
    def numbers():
        try:
            got = yield ag.is_grad_enabled()
            yield got
        except KeyError:
            yield "caught"

    steps = numbers()
    assert faults == []
    assert (next(steps), ag.is_grad_enabled(), steps.send(3)) == (False, True, 3)
    assert steps.throw(KeyError()) == "caught"
    with pytest.raises(TypeError, match="cannot be decorated"):
        ag.no_grad()(asyncio.sleep)


def test_set_grad_enabled_holds_at_once_as_in_torch():
    for engine in (torch, ag):
        seen = []
        engine.set_grad_enabled(False)
        seen.append(engine.is_grad_enabled())
        with engine.set_grad_enabled(True):
            seen.append(engine.is_grad_enabled())
        seen.append(engine.is_grad_enabled())
        engine.set_grad_enabled(True)
        decorated = engine.set_grad_enabled(False)(engine.is_grad_enabled)
        assert [*seen, engine.is_grad_enabled(), decorated()] == [
            *(False, True, False),
            *(True, False),
        ]


def test_copies_are_leaves_of_their_own_and_history_is_refused():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    view = x.detach()[:1]
    deep, view_copy, back = copy.deepcopy((x, view, pickle.loads(pickle.dumps(x))))
    deep.grad.zero_()
    view_copy.add_(1.0)

    assert (x.grad.tolist(), x.tolist()) == ([2, 4], [1, 2])
    assert deep.requires_grad and back.requires_grad and back.tolist() == [1, 2]
    shared = copy.copy(view)
    shared.zero_()
    assert x.tolist() == [0, 2]
    for duplicate in (copy.deepcopy, copy.copy, pickle.dumps):
        with pytest.raises(RuntimeError, match="only a leaf"):
            duplicate(x * 2)


@pytest.mark.spec("AGE-034", "gives the same gradients")
def test_checkpoint_of_an_input_without_gradients_reaches_the_parameters():
    weight, x = leaf(3.0), ag.tensor([2.0], dtype=ag.float64)
    y = ag.checkpoint(lambda x: x * weight, x)
    (y * leaf(1.0)).sum().backward()

    assert weight.grad.tolist() == [2]


@pytest.mark.parametrize("name", ["forward", "backward", "plain"])
def test_a_rule_that_is_no_staticmethod_is_refused_where_it_is_written(name):
    with pytest.raises(TypeError, match=rf"Square\.{name} is to be a @staticmethod"):
        type("Square", (ag.Function,), {name: lambda ctx, x: x})
