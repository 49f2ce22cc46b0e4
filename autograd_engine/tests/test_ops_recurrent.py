"""Recurrent cells and sequences: torch's numbers, and each other's."""

import numpy as np
import pytest
import torch

import src as ag
from src import functional as F
from src.ops.gru import Gru, Rnn
from src.ops.lstm import Lstm
from tests.torch_compare import agree, normal


GATES = {"lstm": 4, "gru": 3, "rnn": 1}
LENGTH, BATCH, FEATURES, HIDDEN = 4, 3, 2, 5


def parts(kind: str, *, length: int = LENGTH, bias: bool = True) -> list[np.ndarray]:
    """Input, state(s), the two weights, the two biases."""
    gates = GATES[kind] * HIDDEN
    states = 2 if kind == "lstm" else 1
    shapes = [(length, BATCH, FEATURES)] + [(BATCH, HIDDEN)] * states
    shapes += [(gates, FEATURES), (gates, HIDDEN)] + [(gates,)] * (2 * bias)
    return [normal(*s, seed=i, scale=0.7) for i, s in enumerate(shapes)]


def torch_sequence(kind: str, relu: bool = False):
    def call(x, *rest):
        states = 2 if kind == "lstm" else 1
        hx = [s[None] for s in rest[:states]]
        names, bias = list(rest[states:]), len(rest) > states + 2
        run = {"lstm": torch.lstm, "gru": torch.gru}.get(kind)
        run = run or (torch.rnn_relu if relu else torch.rnn_tanh)
        state = hx if kind == "lstm" else hx[0]
        out = run(x, state, names, bias, 1, 0.0, True, False, False)
        return out[0], *(s[0] for s in out[1:])

    return call


CELLS = {
    "lstm_cell": ("lstm", torch.lstm_cell),
    "gru_cell": ("gru", torch.gru_cell),
    "rnn_tanh_cell": ("rnn", torch.rnn_tanh_cell),
    "rnn_relu_cell": ("rnn", torch.rnn_relu_cell),
}


@pytest.mark.spec("AGE-048", "Recurrent cells and whole sequences")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_torch_s(name, bias):
    kind, cell = CELLS[name]
    x, *rest = parts(kind, bias=bias)

    def call(run):
        if kind == "lstm":
            return lambda x, h, c, *w: run(x, (h, c), *w)
        return lambda x, h, *w: run(x, h, *w)

    agree(call(getattr(F, name)), call(cell), [x[0], *rest])


@pytest.mark.spec("AGE-048", "Recurrent cells and whole sequences")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", GATES)
def test_a_sequence_is_torch_s(kind, bias):
    agree(getattr(F, kind), torch_sequence(kind), parts(kind, bias=bias))


def test_a_relu_sequence_is_torch_s():
    agree(
        lambda *a: F.rnn(*a, nonlinearity="relu"),
        torch_sequence("rnn", relu=True),
        parts("rnn"),
    )


@pytest.mark.parametrize("kind", GATES)
def test_a_sequence_equals_its_cells(kind):
    arrays = parts(kind)
    results = []
    for whole in (True, False):
        x, *rest = (ag.tensor(a, requires_grad=True) for a in arrays)
        out = getattr(F, kind)(x, *rest)[0] if whole else step_by_step(kind, x, rest)
        (out * ag.tensor(normal(LENGTH, BATCH, HIDDEN, seed=9))).sum().backward()
        results.append([out.detach(), *(t.grad for t in (x, *rest))])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a.data, b.data, atol=1e-13)


def step_by_step(kind: str, x: ag.Tensor, rest: list) -> ag.Tensor:
    outs, states = [], rest[: 2 if kind == "lstm" else 1]
    weights = rest[len(states) :]
    for t in range(LENGTH):
        if kind == "lstm":
            states = list(F.lstm_cell(x[t], tuple(states), *weights))
        else:
            cell = F.gru_cell if kind == "gru" else F.rnn_tanh_cell
            states = [cell(x[t], states[0], *weights)]
        outs.append(states[0])
    return ag.stack(outs)


@pytest.mark.parametrize("kind, node", [("lstm", Lstm), ("gru", Gru), ("rnn", Rnn)])
def test_the_plain_form_has_the_same_value(kind, node):
    tensors = [ag.tensor(a) for a in parts(kind)]
    more = (False,) if kind == "rnn" else ()
    fused, plain = node.apply(*tensors, *more), node.plain(*tensors, *more)
    for a, b in zip(fused, plain, strict=True):
        np.testing.assert_allclose(a.data, b.data, atol=1e-14)


@pytest.mark.parametrize("kind", GATES)
def test_only_the_last_state_may_be_used(kind):
    def last(run):
        return lambda *a: run(*a)[1]

    agree(last(getattr(F, kind)), last(torch_sequence(kind)), parts(kind))


@pytest.mark.parametrize("kind", GATES)
def test_a_second_backward_gives_the_same(kind):
    tensors = [ag.tensor(a, requires_grad=True) for a in parts(kind)]
    out = getattr(F, kind)(*tensors)[0].sum()
    first = ag.grad(out, tensors, retain_graph=True)
    for a, b in zip(first, ag.grad(out, tensors), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


@pytest.mark.parametrize("kind", GATES)
def test_an_empty_sequence_leaves_the_state(kind):
    x, *rest = (ag.tensor(a) for a in parts(kind, length=0))
    out, last = getattr(F, kind)(x, *rest)[:2]
    assert out.shape == (0, BATCH, HIDDEN)
    np.testing.assert_array_equal(last.data, rest[0].data)


@pytest.mark.parametrize("kind", GATES)
def test_one_bias_may_be_missing(kind):
    x, *rest, b_ih, b_hh = (ag.tensor(a) for a in parts(kind))
    run, zero = getattr(F, kind), b_hh * 0
    for given, filled in [((b_ih, None), (b_ih, zero)), ((None, b_hh), (zero, b_hh))]:
        a, b = run(x, *rest, *given)[0], run(x, *rest, *filled)[0]
        np.testing.assert_allclose(a.data, b.data)


def test_saturated_gates_have_no_nan():
    arrays = [a * 1e4 for a in parts("lstm")]
    tensors = [ag.tensor(a, requires_grad=True) for a in arrays]
    out = F.lstm(*tensors)[0]
    out.sum().backward()
    assert np.isfinite(out.data).all()
    assert all(np.isfinite(t.grad.data).all() for t in tensors)


def test_float32_stays_float32():
    for kind in GATES:
        arrays = [a.astype(np.float32) for a in parts(kind)]
        tensors = [ag.tensor(a, requires_grad=True) for a in arrays]
        out = getattr(F, kind)(*tensors)[0]
        out.sum().backward()
        assert out.dtype == np.float32
        assert all(t.grad.dtype == np.float32 for t in tensors)


def test_wrong_calls_are_refused():
    x, h, w_ih, w_hh = (ag.tensor(a) for a in parts("rnn", bias=False))
    with pytest.raises(ValueError, match="'sigmoid'"):
        F.rnn(x, h, w_ih, w_hh, nonlinearity="sigmoid")
    with pytest.raises(TypeError, match="(?s)gru.*w_ih"):
        F.gru(x, h, w_ih, w_hh)
    with pytest.raises(RuntimeError, match="one dtype"):
        F.rnn(x, h.float(), w_ih, w_hh)
