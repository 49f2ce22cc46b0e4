"""A stack of recurrent layers, in one direction or in both.

Recurrent("lstm", features=64, hidden=128, layers=2)(x) -> outputs, state
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..utils.contracts import contract
from ..utils.errors import InputError
from ..utils.tracing import tracing
from .gru import GRU
from .ln_lstm import LayerNormLSTM
from .lstm import LSTM
from .min_gru import MinGRU
from .packing import Packing
from .recurrent_cell import RecurrentCell, State, unroll
from .rnn import RNNRelu, RNNTanh


CELLS: dict[str, type[RecurrentCell]] = {
    "rnn_tanh": RNNTanh,
    "rnn_relu": RNNRelu,
    "lstm": LSTM,
    "gru": GRU,
    "ln_lstm": LayerNormLSTM,
    "min_gru": MinGRU,
}


class Recurrent(nn.Module):
    """Layer l reads the outputs of layer l - 1, of both directions side by side.

    `dropout` falls on the outputs of each layer but the last; `locked_dropout` drops
    the same units at every token of a row (Gal & Ghahramani 2016, 1512.05287).
    `bidirectional` (Schuster & Paliwal 1997): a second cell reads each row from its
    last real token to the first. `explicit` takes the plain loop, which has second
    derivatives, instead of the gradient by hand; the numbers are the same.
    """

    def __init__(
        self,
        cell: str,
        features: int,
        hidden: int,
        layers: int = 1,
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
        locked_dropout: bool = False,
        explicit: bool = False,
    ):
        super().__init__()
        if cell not in CELLS:
            raise InputError(f"cell = {cell!r}: must be one of {', '.join(CELLS)}")
        if layers < 1:
            raise InputError(f"layers = {layers}: must be >= 1")
        if not 0 <= dropout < 1:
            raise InputError(f"dropout = {dropout}: must be >= 0 and < 1")
        kind, ways = CELLS[cell], 2 if bidirectional else 1
        self.features, self.hidden, self.ways = features, hidden, ways
        self.rows, self.width = layers * ways, ways * hidden
        self.states = kind.states
        widths = [features] + [self.width] * (layers - 1)
        self.cells = nn.ModuleList(
            kind(width, hidden) for width in widths for _ in range(ways)
        )
        self.dropout, self.locked_dropout = dropout, locked_dropout
        self.explicit = explicit

    @contract
    def forward(
        self,
        x: Float[Tensor, "batch time {self.features}"],
        state: tuple[Float[Tensor, "batch {self.rows} {self.hidden}"], ...]
        | None = None,
        pad_mask: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[
        Float[Tensor, "batch time {self.width}"],
        tuple[Float[Tensor, "batch {self.rows} {self.hidden}"], ...],
    ]:
        """The last layer's outputs, and the state of each cell after its last token.

        `state` None is zeros. Its rows: layer 0 forward, layer 0 backward, layer 1 ...;
        (h, c) for an LSTM, else (h,). `pad_mask` is True at real tokens: padding
        changes no state, gives output 0, gets gradient 0, whatever it holds, also NaN.
        """
        batch, time, _ = x.shape
        if time == 0:
            raise ValueError("time = 0: there must be at least one token")
        if state is None:
            state = self.new_state(x)
        if len(state) != self.states:
            raise ValueError(f"state has {len(state)} tensors: must be {self.states}")
        packing = Packing(batch, time, pad_mask, x.device)
        if not packing.sizes:
            return x.new_zeros(batch, time, self.width), state
        sorted_state = tuple(packing.sort(part) for part in state)
        y, ends = self._layers(packing.pack(x), sorted_state, packing)
        return packing.unpack(y), tuple(packing.unsort(part) for part in ends)

    def new_state(self, like: Tensor) -> State:
        """Zeros for as many rows as `like` has, of its kind."""
        zeros = like.new_zeros(like.shape[0], self.rows, self.hidden)
        return (zeros,) * self.states

    def _layers(self, x: Tensor, state: State, packing: Packing):
        """All packed: the last layer's outputs, and the last state of each cell."""
        ends = []
        for first in range(0, self.rows, self.ways):
            if first > 0:
                x = self._drop(x, packing)
            outputs = []
            for row in range(first, first + self.ways):
                begin = tuple(part[:, row] for part in state)
                y, end = self._run(row, x, begin, packing)
                outputs.append(y)
                ends.append(end)
            x = torch.cat(outputs, 1) if self.ways == 2 else outputs[0]
        return x, tuple(torch.stack(part, 1) for part in zip(*ends, strict=True))

    def _run(self, row: int, x: Tensor, begin: State, packing: Packing):
        """One cell over all tokens; every second one of two ways begins at the end."""
        cell, backward = self.cells[row], self.ways == 2 and row % 2 == 1
        x = packing.reverse(x) if backward else x
        if self.explicit or not _by_hand(x):
            states = unroll(cell, x, begin, packing)
        else:
            states = cell.sweep(x, begin, packing)
        pairs = zip(states, begin, strict=True)
        end = tuple(packing.ends(after, before) for after, before in pairs)
        return packing.reverse(states[0]) if backward else states[0], end

    def _drop(self, x: Tensor, packing: Packing) -> Tensor:
        if not self.locked_dropout:
            return F.dropout(x, self.dropout, self.training)
        keep = F.dropout(
            x.new_ones(packing.batch, self.width), self.dropout, self.training
        )
        return x * packing.of_rows(keep)


class LockedDropout(nn.Module):
    """Dropout with one mask for all tokens of a row."""

    def __init__(self, p: float):
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"dropout = {p}: must be >= 0 and < 1")
        self.p = p

    @contract
    def forward(
        self, x: Float[Tensor, "batch time features"]
    ) -> Float[Tensor, "batch time features"]:
        """In training, zero the same units everywhere; the rest is scaled up."""
        if not self.training or self.p == 0:
            return x
        return x * F.dropout(torch.ones_like(x[:, :1]), self.p)


def _by_hand(x: Tensor) -> bool:
    """Whether the Functions of bptt.py take it: not traced, nor in less precision."""
    exact = x.dtype in (torch.float32, torch.float64)
    return exact and not tracing() and not torch.is_autocast_enabled(x.device.type)
