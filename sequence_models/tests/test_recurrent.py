"""The stack: padding, chunks, dropout, first weights, and what it refuses."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.models.recurrent import CELLS, LockedDropout, Recurrent
from src.utils.contracts import ContractError
from src.utils.errors import InputError
from tests.recurrent_reference import draw, gradients


EVERY = sorted(CELLS)
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def make(cell, layers=2, **options):
    torch.manual_seed(0)
    return Recurrent(cell, 3, 4, layers, **options).double()


@pytest.mark.spec("SEQ-035", "each row is as if it were alone without it")
@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("cell", EVERY)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_padded_equals_alone(cell, explicit, data):
    module = make(cell, bidirectional=data.draw(st.booleans()), explicit=explicit)
    batch, time = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 6))
    bits = st.lists(st.booleans(), min_size=batch * time, max_size=batch * time)
    mask = torch.tensor(data.draw(bits)).view(batch, time)
    x, state = draw(module, batch, time)

    y, end = module(x.masked_fill(~mask[..., None], torch.nan), state, mask)

    assert (y[~mask] == 0).all()
    for row in range(batch):
        begin = tuple(part[row : row + 1] for part in state)
        real = x[row : row + 1, mask[row]]
        ends = tuple(part[row : row + 1] for part in end)
        if real.shape[1] == 0:
            torch.testing.assert_close(ends, begin, rtol=0, atol=0)
            continue
        alone, alone_ends = module(real, begin)
        torch.testing.assert_close(y[row, mask[row]], alone[0], **CLOSE)
        torch.testing.assert_close(ends, alone_ends, **CLOSE)


@pytest.mark.spec("SEQ-035", "changes no state and no gradient")
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", EVERY)
def test_padding_leaves_no_trace_in_gradients(cell, bidirectional):
    module = make(cell, bidirectional=bidirectional)
    x, state = draw(module)
    mask = torch.rand(4, 7) < 0.6
    sources = [*state, *module.parameters()]
    found = []
    for filler in (0.0, torch.nan, torch.inf):
        dirty = torch.where(mask[..., None], x.detach(), filler).requires_grad_()
        y, end = module(dirty, state, mask)
        d_x, *rest = gradients((y, *end), [dirty, *sources])
        assert (d_x[~mask] == 0).all()
        found.append([d_x, *rest])

    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)
    torch.testing.assert_close(found[2], found[0], rtol=0, atol=0)


@pytest.mark.spec("SEQ-036", "in pieces, the state handed on, gives the whole")
@pytest.mark.parametrize("cell", EVERY)
@pytest.mark.parametrize("cuts", [[3, 4], [1, 5, 1], [1] * 7])
def test_chunked_equals_whole(cell, cuts):
    module = make(cell)
    x, state = draw(module)
    whole, whole_end = module(x, state)
    sources = [x, *state, *module.parameters()]
    expected = gradients((whole, *whole_end), sources)

    pieces, end = [], state
    for piece in x.split(cuts, 1):
        y, end = module(piece, end)
        pieces.append(y)
    chunked = torch.cat(pieces, 1)

    torch.testing.assert_close((chunked, *end), (whole, *whole_end), **CLOSE)
    torch.testing.assert_close(gradients((chunked, *end), sources), expected, **CLOSE)


@pytest.mark.spec("SEQ-036", "a detached state ends the gradient there")
@pytest.mark.parametrize("cell", EVERY)
def test_detached_state_truncates(cell):
    module = make(cell)
    x, _ = draw(module)
    _, middle = module(x[:, :3])
    y, _ = module(x[:, 3:], tuple(part.detach() for part in middle))

    (d_x,) = torch.autograd.grad(y.sum(), x)

    assert (d_x[:, :3] == 0).all()
    assert (d_x[:, 3:] != 0).any()


@pytest.mark.spec("SEQ-037", "orthogonal gate by gate")
@pytest.mark.parametrize("cell", ["rnn_tanh", "rnn_relu", "lstm", "gru", "ln_lstm"])
def test_recurrent_weights_begin_orthogonal(cell):
    module = Recurrent(cell, 3, 6)
    for gate in module.cells[0].weight_hh.detach().chunk(module.cells[0].gates):
        torch.testing.assert_close(gate @ gate.T, torch.eye(6), rtol=0, atol=1e-5)


@pytest.mark.spec("SEQ-037", "forget gate with the bias 1 in all")
@pytest.mark.parametrize("cell", ["lstm", "ln_lstm"])
def test_forget_bias_is_one_in_all(cell):
    first = Recurrent(cell, 3, 6).cells[0]

    biases = (first.bias_ih + first.bias_hh).detach().unflatten(0, (4, 6))

    assert biases.sum(1).tolist() == [0, 6, 0, 0]
    assert (biases[1] == 1).all()


@pytest.mark.spec("SEQ-038", "between the layers only")
@pytest.mark.parametrize("locked", [False, True])
def test_dropout_is_between_layers_only(locked):
    x = torch.randn(4, 7, 3, dtype=torch.float64)
    options = {"dropout": 0.5, "locked_dropout": locked}
    one, two = make("gru", 1, **options), make("gru", 2, **options)

    assert torch.equal(one(x)[0], one.eval()(x)[0])
    assert not torch.equal(two(x)[0], two(x)[0])
    assert torch.equal(two.eval()(x)[0], two(x)[0])


@pytest.mark.spec("SEQ-038", "the same units at every token of a row")
@pytest.mark.parametrize("padded", [False, True])
def test_locked_dropout_keeps_its_units(padded):
    module = make("rnn_relu", 2, dropout=0.5, locked_dropout=True)
    first, second = module.cells
    with torch.no_grad():  # layer 0 gives ones, layer 1 copies
        for parameter in module.parameters():
            parameter.zero_()
        first.bias_ih.fill_(1)
        second.weight_ih.copy_(torch.eye(4))
    mask = torch.arange(7) < torch.tensor([[5], [7], [2], [6]])

    y, _ = module(torch.zeros(4, 7, 3).double(), None, mask if padded else None)

    kept = [row[real] for row, real in zip(y, mask, strict=True)]
    assert all((row == row[0]).all() for row in kept)
    assert set(torch.cat(kept).unique().tolist()) == {0.0, 2.0}
    assert any((row[0] != kept[0][0]).any() for row in kept[1:])


def test_locked_dropout_module_scales_what_stays():
    torch.manual_seed(0)
    drop = LockedDropout(0.25)
    y = drop(torch.ones(200, 5, 30))

    torch.testing.assert_close(y.unique(), torch.tensor([0, 1 / 0.75]))
    assert (y == y[:, :1]).all()
    assert abs(y.mean() - 1) < 0.03
    assert torch.equal(drop.eval()(torch.ones(2, 5, 3)), torch.ones(2, 5, 3))


@pytest.mark.parametrize("cell", EVERY)
def test_no_state_is_zeros(cell):
    module = make(cell)
    x, state = draw(module)

    given, _ = module(x, tuple(torch.zeros_like(part) for part in state))

    assert torch.equal(module(x)[0], given)


def test_what_does_not_fit_is_refused():
    lstm = make("lstm", 1)
    x, (h, c) = draw(lstm)
    with pytest.raises(ContractError, match="got a wrong `x`"):
        lstm(x[..., :2])
    with pytest.raises(ContractError, match="got a wrong `state`"):
        lstm(x, (h[:, :, :3], c))
    with pytest.raises(ContractError, match="got a wrong `pad_mask`"):
        lstm(x, None, torch.ones(4, 6, dtype=torch.bool))
    with pytest.raises(ValueError, match="state has 1 tensors: must be 2"):
        lstm(x, (h,))
    with pytest.raises(ValueError, match="time = 0: there must be at least one token"):
        lstm(x[:, :0])
    with pytest.raises(InputError, match=r"cell = 'lstn': must be one of rnn_tanh,"):
        Recurrent("lstn", 3, 4)
    with pytest.raises(InputError, match="layers = 0: must be >= 1"):
        Recurrent("lstm", 3, 4, 0)
    with pytest.raises(InputError, match=r"dropout = 1\.0: must be >= 0 and < 1"):
        Recurrent("lstm", 3, 4, dropout=1.0)
    with pytest.raises(InputError, match="features = 3, hidden = 0: must be >= 1"):
        Recurrent("lstm", 3, 0)
    with pytest.raises(ValueError, match=r"dropout = -0\.1: must be >= 0 and < 1"):
        LockedDropout(-0.1)
