"""Five wrong answers that an engine gives without a word, each held against torch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as TF

import src as ag
from src import functional as F


def leaves(*arrays):
    ours = [ag.tensor(a, requires_grad=True) for a in arrays]
    return ours, [torch.tensor(a, requires_grad=True) for a in arrays]


def assert_same_gradients(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert a.grad.shape == tuple(b.grad.shape) and a.grad.numpy().dtype == "float64"
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), 1e-12, 1e-12)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.spec("AGE-023", "Gradient buffers are never shared")
def test_1_the_buffer_that_add_hands_to_both_inputs_is_not_added_to():
    ours, theirs = leaves(normal(3), normal(3, seed=1))
    for a, b in (ours, theirs):
        c = a + b
        ((c + a * 3) * 1).sum().backward()
        y = a + b
        (y * y + a * 5).mean().backward()
    assert_same_gradients(ours, theirs)


@pytest.mark.parametrize("shapes", [((3, 4), (2, 4, 5)), ((3, 4), (4,)), ((4,), (4,))])
def test_2_the_gradients_of_matmul_have_the_shapes_of_its_inputs(shapes):
    ours, theirs = leaves(normal(*shapes[0]), normal(*shapes[1], seed=1))
    for a, b in (ours, theirs):
        ((a @ b) ** 2).sum().backward()
    assert_same_gradients(ours, theirs)


@pytest.mark.spec("AGE-029", "takes the gradient from what is overwritten")
def test_3_an_overwritten_element_gets_no_gradient():
    ours, theirs = leaves(normal(3), normal(1, seed=1))
    for x, v in (ours, theirs):
        y = x * 2
        y[0] = 5.0
        y[1:2] = v
        (y * y).sum().backward()
    assert_same_gradients(ours, theirs)
    assert ours[0].grad.tolist()[:2] == [0, 0]


def test_4_options_of_losses_are_heard_and_classes_are_axis_1():
    weight = np.array([0.5, 2.0, 1.0])
    ours, theirs = leaves(np.array([0.2, 0.6, 0.9]), normal(2, 3, 4, seed=1))
    truth = np.array([0.0, 1.0, 1.0])
    target = np.random.default_rng(0).integers(0, 3, (2, 4))
    for f, make, (p, logits) in ((F, ag.tensor, ours), (TF, torch.tensor, theirs)):
        loss = f.binary_cross_entropy(
            p, make(truth), weight=make(weight), reduction="sum"
        )
        (loss + f.cross_entropy(logits, make(target), weight=make(weight))).backward()
    assert_same_gradients(ours, theirs)
    with pytest.raises(TypeError, match="reduktion"):
        F.cross_entropy(ours[1], ag.tensor(target), reduktion="sum")


def test_5_float64_stays_and_a_second_or_shapeless_backward_is_refused():
    (x,), _ = leaves(normal(3))
    total = (x * x).sum()
    assert total.dtype == np.float64
    total.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        total.backward()
    with pytest.raises(RuntimeError, match="gradient="):
        (x * x).backward()
