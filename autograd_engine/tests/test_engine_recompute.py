"""checkpoint: the same numbers, fewer bytes kept."""

import tracemalloc

import numpy as np
import pytest

import src as ag
from src import functional as F
from src.engine.recompute import checkpoint


def deep(x, w):
    for _ in range(8):
        x = (x @ w).tanh() + x
    return x


def tensors():
    rng = np.random.default_rng(0)
    return [
        ag.tensor(rng.normal(size=(64, 32)), requires_grad=True),
        ag.tensor(rng.normal(size=(32, 32)) / 6, requires_grad=True),
    ]


@pytest.mark.spec("AGE-034", "gives the same gradients")
def test_gradients_are_those_of_the_plain_call():
    plain, again = tensors(), tensors()
    deep(*plain).sum().backward()
    checkpoint(deep, *again).sum().backward()
    for a, b in zip(plain, again, strict=True):
        assert a.grad.tolist() == b.grad.tolist()


@pytest.mark.spec("AGE-034", "the same dropout as the plain call")
def test_dropout_is_drawn_the_same_both_times():
    def noisy(x):
        return F.dropout(x, 0.5) * x

    results = []
    for call in (noisy, lambda x: checkpoint(noisy, x)):
        x = ag.tensor(np.ones(100), requires_grad=True)
        ag.manual_seed(3)
        y = call(x)
        y.sum().backward()
        results.append((y.tolist(), x.grad.tolist(), ag.get_rng_state()))
    assert results[0] == results[1]


@pytest.mark.spec("AGE-034", "keeps less memory")
def test_less_is_held_between_forward_and_backward():
    def held(call):
        x, w = tensors()
        tracemalloc.start()
        y = call(x, w)
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        y.sum().backward()
        return size

    assert held(lambda x, w: checkpoint(deep, x, w)) < held(deep) / 4


def test_parameters_inside_get_their_gradient_and_grad_refuses():
    x, w = tensors()
    y = checkpoint(lambda x: deep(x, w), x).sum()
    y.backward()
    plain = tensors()
    deep(*plain).sum().backward()
    assert w.grad.tolist() == plain[1].grad.tolist()
    with pytest.raises(RuntimeError, match="checkpoint.*backward"):
        ag.grad(checkpoint(deep, x, w).sum(), x)
