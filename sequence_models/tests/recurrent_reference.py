"""torch's own recurrent networks, and inputs for both, for the tests of ours."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from src.models.recurrent import Recurrent


BY_TORCH = {
    "rnn_tanh": lambda *args, **kw: nn.RNN(*args, nonlinearity="tanh", **kw),
    "rnn_relu": lambda *args, **kw: nn.RNN(*args, nonlinearity="relu", **kw),
    "lstm": nn.LSTM,
    "gru": nn.GRU,
}


def load_torch(ours: Recurrent, theirs: nn.RNNBase) -> None:
    """Copy the weights; the names differ only by the layer's ending."""
    source = dict(theirs.named_parameters())
    for row, cell in enumerate(ours.cells):
        layer, way = divmod(row, ours.ways)
        ending = f"_l{layer}" + "_reverse" * way
        cell.load_state_dict(
            {name: source[name + ending].data for name in cell.state_dict()}
        )


def pair(cell: str, features=3, hidden=5, layers=1, bidirectional=False, **options):
    """Ours and torch's with the same random weights, in float64."""
    torch.manual_seed(0)
    theirs = BY_TORCH[cell](
        features, hidden, layers, bidirectional=bidirectional, batch_first=True
    ).double()
    ours = Recurrent(
        cell, features, hidden, layers, bidirectional=bidirectional, **options
    ).double()
    load_torch(ours, theirs)
    return ours, theirs


def draw(module: Recurrent, batch=4, time=7) -> tuple[Tensor, tuple[Tensor, ...]]:
    """An input and a first state, both with gradients."""
    x = torch.randn(batch, time, module.features, dtype=torch.float64)
    state = tuple(
        torch.randn(batch, module.rows, module.hidden, dtype=torch.float64)
        for _ in range(module.states)
    )
    return x.requires_grad_(), tuple(part.requires_grad_() for part in state)


def run_torch(theirs: nn.RNNBase, x, state, lengths=None):
    """Outputs and state, batch first, by a PackedSequence if lengths are given."""
    states = tuple(part.transpose(0, 1).contiguous() for part in state)
    begin = states if isinstance(theirs, nn.LSTM) else states[0]
    if lengths is not None:
        x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    y, end = theirs(x, begin)
    if lengths is not None:
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=max(lengths))
    ends = end if isinstance(theirs, nn.LSTM) else (end,)
    return y, tuple(part.transpose(0, 1) for part in ends)


def gradients(outputs, sources) -> list[Tensor]:
    """Of a sum with fixed random weights over all entries of all outputs."""
    generator = torch.Generator().manual_seed(1)
    total = sum(
        (torch.randn(y.shape, generator=generator, dtype=torch.float64) * y).sum()
        for y in outputs
    )
    return list(torch.autograd.grad(total, sources))


def named(module: nn.Module) -> list[Tensor]:
    """The parameters, cell after cell, in torch's order of names."""
    cells = module.cells if isinstance(module, Recurrent) else None
    if cells is None:
        return list(module.parameters())
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return [getattr(cell, name) for cell in cells for name in names]
