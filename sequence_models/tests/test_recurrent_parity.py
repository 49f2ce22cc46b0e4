"""RNN, LSTM and GRU against torch's, in float64: values and every gradient."""

import pytest
import torch

from tests.recurrent_reference import (
    BY_TORCH,
    draw,
    gradients,
    named,
    pair,
    run_torch,
)


CELLS = [
    pytest.param("gru", marks=pytest.mark.parity("GRU", "torch.nn.GRU")),
    pytest.param("lstm", marks=pytest.mark.parity("LSTM", "torch.nn.LSTM")),
    pytest.param("rnn_relu", marks=pytest.mark.parity("RNN, relu", "torch.nn.RNN")),
    pytest.param("rnn_tanh", marks=pytest.mark.parity("RNN, tanh", "torch.nn.RNN")),
]
LENGTHS = [4, 7, 1, 5]


def assert_same(parity, ours, theirs, x, state, lengths=None):
    mask = None
    if lengths is not None:
        mask = torch.arange(x.shape[1]) < torch.tensor(lengths)[:, None]
    y, end = ours(x, state, mask)
    y_torch, end_torch = run_torch(theirs, x, state, lengths)
    parity.value((y, *end), (y_torch, *end_torch), atol=1e-12)
    parity.gradient(
        gradients((y, *end), [x, *state, *named(ours)]),
        gradients((y_torch, *end_torch), [x, *state, *named(theirs)]),
        atol=1e-10,
    )


@pytest.mark.spec("SEQ-033", "values and gradients of torch.nn.RNN, LSTM and GRU")
@pytest.mark.parametrize("explicit", [False, True], ids=["by hand", "plain loop"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["uni", "bi"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_torch(parity, cell, layers, bidirectional, explicit):
    ours, theirs = pair(cell, 3, 5, layers, bidirectional, explicit=explicit)

    assert_same(parity, ours, theirs, *draw(ours))


@pytest.mark.spec("SEQ-033", "rows of different lengths")
@pytest.mark.parametrize("explicit", [False, True], ids=["by hand", "plain loop"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["uni", "bi"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_torch_with_lengths(parity, cell, layers, bidirectional, explicit):
    ours, theirs = pair(cell, 3, 5, layers, bidirectional, explicit=explicit)

    assert_same(parity, ours, theirs, *draw(ours), LENGTHS)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("batch", "time"), [(1, 1), (1, 6), (3, 1)])
@pytest.mark.parametrize(("features", "hidden"), [(1, 1), (7, 3)])
def test_equals_torch_at_the_smallest_sizes(
    parity, cell, batch, time, features, hidden
):
    ours, theirs = pair(cell, features, hidden, 2, bidirectional=True)

    assert_same(parity, ours, theirs, *draw(ours, batch, time))


@pytest.mark.parametrize("cell", sorted(BY_TORCH))
def test_equals_torch_in_float32_where_onednn_multiplies(cell):
    ours, theirs = pair(cell, 48, 160, 2, bidirectional=True)
    mask = torch.arange(12) < torch.randint(1, 13, (32, 1))
    mask[0] = True
    x, state = draw(ours, 32, 12)
    y_torch, end_torch = run_torch(theirs, x, state, mask.sum(1).tolist())
    expected = gradients((y_torch, *end_torch), [x, *state, *named(theirs)])

    y, end = ours.float()(x.float(), tuple(part.float() for part in state), mask)
    found = gradients((y, *end), [x, *state, *named(ours)])

    for ours_is, torch_is in zip(found, expected, strict=True):
        scale = torch_is.abs().max()
        torch.testing.assert_close(
            ours_is.double() / scale, torch_is / scale, rtol=0, atol=1e-5
        )
