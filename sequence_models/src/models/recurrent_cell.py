"""What the recurrent cells share: weights, how they begin, and the loop over time.

A cell is one layer in one direction. Its file gives the equations of one step; `unroll`
below is the plain loop to read. `bptt.py` runs the same recurrences faster.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..utils.contracts import contract


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
            raise ValueError(f"features = {features}, hidden = {hidden}: must be >= 1")
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
        return F.linear(x, self.weight_ih, self.bias_ih)

    def step(self, projected: Tensor, state: State) -> State:
        """The state after one token, from W x + b of the token and the state before."""
        raise NotImplementedError

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch time {self.features}"],
        state: tuple[Float[Tensor, "batch {self.hidden}"], ...],
        pad_mask: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[
        Float[Tensor, "batch time {self.hidden}"],
        tuple[Float[Tensor, "batch {self.hidden}"], ...],
    ]:
        """The output at each token, 0 at padding, and the state after the last."""
        return self.run(x, state, pad_mask)

    def run(
        self, x: Tensor, state: State, pad_mask: Tensor | None
    ) -> tuple[Tensor, State]:
        return unroll(self, x, state, pad_mask)


def unroll(
    cell: RecurrentCell, x: Tensor, state: State, pad_mask: Tensor | None
) -> tuple[Tensor, State]:
    """The plain loop: a token of padding leaves the state as it was and gives 0."""
    projected = cell.project(x)
    outputs = []
    for t in range(x.shape[1]):
        after = cell.step(projected[:, t], state)
        if pad_mask is None:
            state = after
            outputs.append(state[0])
        else:
            real = pad_mask[:, t, None]
            state = tuple(
                torch.where(real, new, old)
                for new, old in zip(after, state, strict=True)
            )
            outputs.append(state[0].masked_fill(~real, 0))
    return torch.stack(outputs, 1), state
