"""A stack of recurrent layers, in one direction or in both.

Recurrent("lstm", features=64, hidden=128, layers=2)(x) -> outputs, state
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ..utils.contracts import contract
from ..utils.errors import InputError
from .gru import GRU
from .ln_lstm import LayerNormLSTM
from .lstm import LSTM
from .min_gru import MinGRU
from .recurrent_cell import RecurrentCell, State
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
    last real token to the first.
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
    ):
        super().__init__()
        if cell not in CELLS:
            raise InputError(f"cell = {cell!r}: must be one of {', '.join(CELLS)}")
        if layers < 1:
            raise ValueError(f"layers = {layers}: must be >= 1")
        kind, ways = CELLS[cell], 2 if bidirectional else 1
        self.features, self.hidden, self.ways = features, hidden, ways
        self.rows, self.width = layers * ways, ways * hidden
        self.states = kind.states
        widths = [features] + [self.width] * (layers - 1)
        self.cells = nn.ModuleList(
            kind(width, hidden) for width in widths for _ in range(ways)
        )
        self.dropout = (LockedDropout if locked_dropout else nn.Dropout)(dropout)

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
        if x.shape[1] == 0:
            raise ValueError("time = 0: there must be at least one token")
        if state is None:
            state = self.new_state(x)
        if len(state) != self.states:
            raise ValueError(f"state has {len(state)} tensors: must be {self.states}")
        if pad_mask is not None:
            x = x.masked_fill(~pad_mask[..., None], 0)
        ends = []
        for layer in range(0, self.rows, self.ways):
            x = x if layer == 0 else self.dropout(x)
            runs = [self._run(row, x, state, pad_mask) for row in self._rows(layer)]
            x = torch.cat([y for y, _ in runs], 2) if self.ways == 2 else runs[0][0]
            ends += [end for _, end in runs]
        return x, tuple(torch.stack(part, 1) for part in zip(*ends, strict=True))

    def new_state(self, like: Tensor) -> State:
        """Zeros for as many rows as `like` has, on its device."""
        zeros = like.new_zeros(like.shape[0], self.rows, self.hidden)
        return (zeros,) * self.states

    def _rows(self, layer: int) -> range:
        return range(layer, layer + self.ways)

    def _run(self, row: int, x: Tensor, state: State, pad_mask: Tensor | None):
        """One cell over all tokens; the odd ones go from the end to the beginning."""
        cell, begin = self.cells[row], tuple(part[:, row] for part in state)
        if self.ways == 1 or row % 2 == 0:
            return cell(x, begin, pad_mask)
        mask = None if pad_mask is None else pad_mask.flip(1)
        y, end = cell(x.flip(1), begin, mask)
        return y.flip(1), end


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
        return x * nn.functional.dropout(torch.ones_like(x[:, :1]), self.p)
