"""What the recurrent cells share: weights, how they begin, and the loop over time.

A cell is one layer in one direction. Its file gives the equations of one step; `unroll`
below is the plain loop to read. `sweep` runs the same recurrence faster, where a cell
has a derivative by hand (`bptt.py`).
"""

import torch
from torch import Tensor, nn

from ..utils.errors import InputError
from .linear import linear
from .packing import Packing


State = tuple[Tensor, ...]


class RecurrentCell(nn.Module):
    """Weights named, shaped and ordered as torch's, so that they copy.

    weight_ih (gates hidden, features) reads the input, weight_hh (gates hidden, hidden)
    the state before; the rows of one gate are together, in the order that the cell's
    docstring gives. Recurrent weights begin orthogonal, gate by gate (Saxe et al.
    2014, 1312.6120), input weights Glorot uniform, biases 0.
    """

    gates = 1  # blocks of rows in the weights
    states = 1  # tensors in the state; the first is the output
    reads_state = True  # False: no gate needs the state before, nor weight_hh

    def __init__(self, features: int, hidden: int):
        super().__init__()
        if features < 1 or hidden < 1:
            raise InputError(f"features = {features}, hidden = {hidden}: must be >= 1")
        self.features, self.hidden = features, hidden
        rows = self.gates * hidden
        self.weight_ih = nn.Parameter(torch.empty(rows, features))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        if self.reads_state:
            self.weight_hh = nn.Parameter(torch.empty(rows, hidden))
            self.bias_hh = nn.Parameter(torch.empty(rows))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for weight in self.weight_ih.chunk(self.gates):
            nn.init.xavier_uniform_(weight)
        nn.init.zeros_(self.bias_ih)
        if self.reads_state:
            for weight in self.weight_hh.chunk(self.gates):
                nn.init.orthogonal_(weight)
            nn.init.zeros_(self.bias_hh)

    def project(self, x: Tensor) -> Tensor:
        """What the gates see of the input, for all tokens in one product."""
        return linear(x, self.weight_ih, self.bias_ih)

    def step(self, projected: Tensor, state: State) -> State:
        """The state after one token, from its `project` and the state before."""
        raise NotImplementedError

    def sweep(self, x: Tensor, state: State, packing: Packing) -> State:
        """As `unroll`, by hand where that is faster."""
        return unroll(self, x, state, packing)


def unroll(cell: RecurrentCell, x: Tensor, state: State, packing: Packing) -> State:
    """The state after each token: the plain loop, as autograd differentiates it."""
    states = []
    for x_t in cell.project(x).split(packing.sizes):
        state = cell.step(x_t, tuple(part[: len(x_t)] for part in state))
        states.append(state)
    return tuple(torch.cat(part) for part in zip(*states, strict=True))
