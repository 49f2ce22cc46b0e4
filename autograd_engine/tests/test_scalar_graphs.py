"""Whole expressions of Scalars: random graphs beside torch, order, depth, sharing."""

import gc

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.scalar import Scalar, backpropagate, chain_rule, topological_order


# Each works on Scalars and on tensors, and is smooth and tame for every argument.
UNARY = [
    lambda x: x.tanh(),
    lambda x: x.sigmoid(),
    lambda x: (x * x + 1).log(),
    lambda x: (x.tanh() * 2).exp(),
    lambda x: -x,
    lambda x: 3 - x / 2,
    lambda x: (x * x + 0.5) ** -1.5,
    lambda x: 2.0 ** x.sigmoid(),
    lambda x: x.relu(),
]
BINARY = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x.tanh() * y,
    lambda x, y: x / (y * y + 1),
    lambda x, y: (x.sigmoid() + 0.5) ** y.tanh(),
]


@st.composite
def programs(draw):
    """Values of leaves, and steps `(rule, index of x, index of y or None)`.

    An index counts from the newest node: small ones make chains, equal ones sharing.
    """
    leaves = draw(st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=4))
    index = st.integers(1, 6)
    step = st.one_of(
        st.tuples(st.sampled_from(UNARY), index, st.none()),
        st.tuples(st.sampled_from(BINARY), index, index),
    )
    return leaves, draw(st.lists(step, min_size=1, max_size=25))


def run(leaves, steps):
    """The sum of the last three nodes of the program."""
    nodes = list(leaves)
    for rule, i, j in steps:
        x = nodes[-min(i, len(nodes))]
        nodes.append(rule(x) if j is None else rule(x, nodes[-min(j, len(nodes))]))
    return nodes[-1] + nodes[len(nodes) // 2] + nodes[-2]


@pytest.mark.spec("AGE-002", "random expressions")
@settings(max_examples=150)
@given(programs())
def test_random_expressions_with_shared_nodes_equal_torch(program):
    values, steps = program
    ours = [Scalar(value) for value in values]
    theirs = [
        torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values
    ]
    mine, expected = run(ours, steps), run(theirs, steps)
    mine.backward()
    expected.backward()

    assert mine.data == pytest.approx(expected.item(), rel=1e-9, abs=1e-12)
    for a, b in zip(ours, theirs, strict=True):
        gradient = 0.0 if b.grad is None else b.grad.item()
        assert a.grad == pytest.approx(gradient, rel=1e-9, abs=1e-12)


@pytest.mark.spec("AGE-004", "every node once, the root first")
@pytest.mark.spec("AGE-004", "after all nodes that were made from it")
@given(programs())
def test_the_order_has_every_node_once_after_all_that_was_made_from_it(program):
    values, steps = program
    root = run([Scalar(value) for value in values], steps)

    order = topological_order(root)

    place = {node: number for number, node in enumerate(order)}
    assert order[0] is root and len(place) == len(order)
    for node in order:
        assert all(place[node] < place[parent] for parent in node.parents)
    inner = [node for node in order if node.parents]
    assert inner == topological_order(root, leaves=False)


@given(programs())
def test_backward_is_the_chain_rule_along_the_order(program):
    values, steps = program
    root = run([Scalar(value) for value in values], steps)
    gradients = {node: 0.0 for node in topological_order(root)}
    gradients[root] = 1.0
    for node in gradients:
        for parent, gradient in chain_rule(node, gradients[node]):
            gradients[parent] += gradient

    root.backward()

    assert gradients == {node: node.grad for node in gradients}


@pytest.mark.spec("AGE-004", "`b = a + a; c = b + b` gives 4")
def test_a_value_used_twice_twice():
    a = Scalar(1.0)
    b = a + a
    c = b + b
    c.backward()

    assert (c.grad, b.grad, a.grad) == (1.0, 2.0, 4.0)
    assert topological_order(c) == [c, b, a]
    assert chain_rule(c, 3.0) == [(b, 3.0), (b, 3.0)]


def test_a_late_second_use_of_an_early_node():
    x = Scalar(0.5)
    late = x
    for _ in range(5):
        late = late.tanh() + x
    late.backward()
    expected = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    other = expected
    for _ in range(5):
        other = other.tanh() + expected
    other.backward()

    assert x.grad == pytest.approx(expected.grad.item(), rel=1e-14)


def test_a_hundred_doublings_visit_each_node_once():
    node = leaf = Scalar(1.0)
    for _ in range(100):
        node = node + node
    node.backward()

    assert leaf.grad == 2.0**100
    assert len(topological_order(node)) == 101


@pytest.mark.spec("AGE-003", "100,000 nodes")
def test_a_chain_of_100_000_nodes_is_differentiated_and_freed():
    x = Scalar(1.0)
    node = x
    for _ in range(100_000):
        node = node + 1e-5
    node.backward()

    assert x.grad == 1.0 and node.data == pytest.approx(2.0)
    assert len(topological_order(node)) == 100_001
    del node
    gc.collect()


@pytest.mark.spec("AGE-003", "freed without the garbage collector")
def test_an_expression_is_freed_without_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        before = sum(type(each) is Scalar for each in gc.get_objects())
        x = Scalar(2.0)
        result = (x * x + x).exp().log() / x
        result.backward()
        del x, result
        after = sum(type(each) is Scalar for each in gc.get_objects())
    finally:
        gc.enable()

    assert after == before


def test_nan_and_inf_travel_through_backward():
    x, y = Scalar(0.0), Scalar(3.0)
    backpropagate(x.log() * y)

    assert x.grad == float("inf") and y.grad == float("-inf")


def test_an_expression_keeps_what_it_was_computed_with():
    x = Scalar(3.0)
    square = x * x
    x.data = 5.0
    square.backward()

    assert square.data == 9.0 and x.grad == 6.0
