"""The tree of modules, the neuron, and the fused weighted sum."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.scalar import (
    MLP,
    Layer,
    Module,
    Neuron,
    Parameter,
    Scalar,
    derivative_check,
    dot,
)


class Branch(Module):
    def __init__(self):
        self.size = 3
        self.scale = Parameter(1.0)
        self.twigs = [Neuron(2, rng=random.Random(0)), Neuron(1, rng=random.Random(1))]


class Tree(Module):
    def __init__(self):
        self.left = Branch()
        self.pairs = ({"a": Parameter(2.0)}, [[Parameter(3.0)]])
        self.again = self.left
        self.root = self
        self.constant = Scalar(5.0)
        self.names = {"just", "words"}


@pytest.mark.spec("AGE-008", "each parameter once, under its path")
def test_parameters_are_found_at_any_depth_each_once_in_order():
    tree = Tree()

    assert [name for name, _ in tree.named_parameters()] == [
        "left.scale",
        "left.twigs.0.weights.0",
        "left.twigs.0.weights.1",
        "left.twigs.0.bias",
        "left.twigs.1.weights.0",
        "left.twigs.1.bias",
        "pairs.0.a",
        "pairs.1.0.0",
    ]
    assert [p for _, p in tree.named_parameters()] == list(tree.parameters())
    assert list(tree.modules()) == [tree, tree.left, *tree.left.twigs]


@pytest.mark.spec("AGE-008", "also in a list that grew later")
def test_a_list_may_grow_and_an_attribute_be_replaced():
    branch = Branch()
    branch.twigs.append(Neuron(1, rng=random.Random(2)))
    del branch.scale

    assert [name for name, _ in branch.named_parameters()][-1] == "twigs.2.bias"
    assert "scale" not in dict(branch.named_parameters())
    branch.twigs = None
    assert list(branch.parameters()) == []


def test_equal_values_are_different_parameters():
    module = Module()
    module.both = [Parameter(1.0), Parameter(1.0)]

    assert len(list(module.parameters())) == 2


def test_parameters_in_a_set_are_refused():
    module = Module()
    module.bag = {Parameter(1.0)}

    with pytest.raises(TypeError, match="bag is a set, which has no order"):
        list(module.parameters())


@pytest.mark.spec("AGE-008", "`train`, `eval` and `zero_grad` reach all of them")
def test_train_eval_and_zero_grad_reach_the_whole_tree():
    tree = Tree()
    for parameter in tree.parameters():
        (parameter * 2).backward()

    assert tree.eval() is tree
    assert not any(module.training for module in tree.modules())
    tree.left.train()
    assert [module.training for module in tree.modules()] == [False, True, True, True]
    tree.zero_grad()
    assert all(parameter.grad == 0.0 for parameter in tree.parameters())


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Branch defines no forward"):
        Branch()(1.0)


@pytest.mark.spec("AGE-009", "`dot` gives the value and the gradients")
@given(
    st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.booleans()), max_size=6),
    st.booleans(),
)
def test_dot_equals_the_operations_that_it_replaces(terms, biased):
    def leaves():
        weights = [Scalar(w) for w, _, _ in terms]
        inputs = [Scalar(x) if node else x for _, x, node in terms]
        return weights, inputs, Scalar(0.7) if biased else None

    fused, plain = leaves(), leaves()
    one = dot(*fused)
    many = plain[2] if biased else Scalar(0.0)
    for weight, each in zip(*plain[:2], strict=True):
        many = many + weight * each
    one.tanh().backward()
    many.tanh().backward()

    assert one.data == pytest.approx(many.data, rel=1e-13, abs=1e-15)
    for ours, theirs in zip(
        (*fused[0], *fused[1]), (*plain[0], *plain[1]), strict=True
    ):
        if isinstance(ours, Scalar):
            assert ours.grad == pytest.approx(theirs.grad, rel=1e-12, abs=1e-15)
        else:
            assert ours == theirs
    if biased and terms:
        assert fused[2].grad == pytest.approx(plain[2].grad, rel=1e-12)


def test_dot_adds_up_when_a_scalar_is_weight_input_and_bias():
    x = Scalar(3.0)
    result = dot([x, x], [x, np.float32(0.1)], x)
    result.backward()

    assert type(result.data) is float
    assert result.data == 9 + 3 * float(np.float32(0.1)) + 3
    assert x.grad == pytest.approx(6 + float(np.float32(0.1)) + 1)
    derivative_check(lambda x, y: dot([x, y], [y, x], x), Scalar(0.3), Scalar(-2.0))


def test_dot_names_both_lengths_and_a_weight_that_is_no_scalar():
    with pytest.raises(ValueError, match="2 weights and 1 inputs"):
        dot([Scalar(1.0), Scalar(2.0)], [1.0])
    with pytest.raises(TypeError, match="a weight is no Scalar"):
        dot([1.0], [Scalar(1.0)])


@pytest.mark.parity("perceptron of Scalars", "torch.nn.Linear")
@pytest.mark.spec("AGE-009", "an MLP equals torch's of the same weights")
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "linear"])
def test_an_mlp_equals_torch_value_and_gradient(activation, fused, parity):
    sizes = [3, 5, 4, 2]
    ours = MLP(sizes[0], sizes[1:], activation, seed=1, fused=fused)
    theirs = torch.nn.ModuleList(
        torch.nn.Linear(a, b, dtype=torch.float64)
        for a, b in zip(sizes, sizes[1:], strict=False)
    )
    for mine, layer in zip(ours.layers, theirs, strict=True):
        rows = [[w.data for w in neuron.weights] for neuron in mine.neurons]
        layer.weight.data = torch.tensor(rows, dtype=torch.float64)
        layer.bias.data = torch.full_like(layer.bias.data, 0.1)
        for neuron in mine.neurons:
            neuron.bias.data = 0.1
    x = [0.4, -1.3, 2.2]
    expected = torch.tensor(x, dtype=torch.float64)
    for number, layer in enumerate(theirs):
        expected = layer(expected)
        if number < 2 and activation != "linear":
            expected = getattr(torch, activation)(expected)

    outputs = ours(x)
    (outputs[0] * outputs[1]).backward()
    expected.prod().backward()

    parity.value([each.data for each in outputs], expected.tolist(), atol=1e-12)
    for mine, layer in zip(ours.layers, theirs, strict=True):
        weights = [[p.grad for p in neuron.weights] for neuron in mine.neurons]
        biases = [neuron.bias.grad for neuron in mine.neurons]
        parity.gradient(weights, layer.weight.grad.tolist(), atol=1e-12)
        parity.gradient(biases, layer.bias.grad.tolist(), atol=1e-12)


def test_the_same_seed_gives_the_same_weights():
    def values(seed):
        return [p.data for p in MLP(2, [3, 1], seed=seed).parameters()]

    assert values(4) == values(4) != values(5)


@pytest.mark.parametrize("fused", [True, False])
def test_a_neuron_names_both_lengths(fused):
    with pytest.raises(ValueError, match="2 weights and 3 inputs"):
        Neuron(2, rng=random.Random(0), fused=fused)([1.0, 2.0, 3.0])


def test_impossible_sizes_and_activations_are_refused():
    rng = random.Random(0)
    with pytest.raises(ValueError, match="inputs is 0"):
        Neuron(0, rng=rng)
    with pytest.raises(ValueError, match="outputs is -1"):
        Layer(2, -1, rng=rng)
    with pytest.raises(ValueError, match="no activation 'gelu'; one of relu, tanh"):
        Neuron(2, "gelu", rng=rng)
    with pytest.raises(ValueError, match="sizes is empty"):
        MLP(2, [])
