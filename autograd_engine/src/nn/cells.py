"""One step of the recurrent layers."""

from math import prod
from typing import Any

from jaxtyping import Float

from .. import functional as F
from ..engine.backend import array_module
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .linear import new_parameter, no_parameter
from .module import Module
from .recurrent import spread


class Cell(Module):
    """Weights of one step; any number of batch axes."""

    gates = 1

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        rows = self.gates * hidden_size
        self.weight_ih = new_parameter(rows, input_size)
        self.weight_hh = new_parameter(rows, hidden_size)
        for name in ("bias_ih", "bias_hh"):
            if bias:
                setattr(self, name, new_parameter(rows))
            else:
                no_parameter(self, name)
        spread(self, hidden_size)

    def weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def flat(self, x: Tensor, *states: Tensor | None) -> list[Tensor]:
        """Input and states with one batch axis; zeros for the states not given."""
        size = prod(x.shape[:-1])
        flat = [x.reshape(size, x.shape[-1])]
        for h in states:
            if h is None:
                h = Tensor(
                    array_module(x.data).zeros((size, self.hidden_size), x.dtype)
                )
            flat.append(h.reshape(size, self.hidden_size))
        return flat

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


class RNNCell(Cell):
    """tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of it."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            told = f"nonlinearity is tanh or relu, not {nonlinearity!r}"
            raise ValueError(f"RNNCell: {told}")
        super().__init__(input_size, hidden_size, bias)
        self.nonlinearity = nonlinearity

    @contract
    def forward(
        self,
        x: Float[Tensor, "*batch {self.input_size}"],
        hx: Float[Tensor, "*batch {self.hidden_size}"] | None = None,
    ) -> Float[Tensor, "*batch {self.hidden_size}"]:
        step = F.rnn_relu_cell if self.nonlinearity == "relu" else F.rnn_tanh_cell
        h = step(*self.flat(x, hx), *self.weights())
        return h.reshape(*x.shape[:-1], self.hidden_size)


class GRUCell(Cell):
    """One step of `GRU`."""

    gates = 3

    @contract
    def forward(
        self,
        x: Float[Tensor, "*batch {self.input_size}"],
        hx: Float[Tensor, "*batch {self.hidden_size}"] | None = None,
    ) -> Float[Tensor, "*batch {self.hidden_size}"]:
        h = F.gru_cell(*self.flat(x, hx), *self.weights())
        return h.reshape(*x.shape[:-1], self.hidden_size)


class LSTMCell(Cell):
    """One step of `LSTM`: the next (h, c)."""

    gates = 4

    @contract
    def forward(
        self,
        x: Float[Tensor, "*batch {self.input_size}"],
        hx: tuple[
            Float[Tensor, "*batch {self.hidden_size}"],
            Float[Tensor, "*batch {self.hidden_size}"],
        ]
        | None = None,
    ) -> tuple[
        Float[Tensor, "*batch {self.hidden_size}"],
        Float[Tensor, "*batch {self.hidden_size}"],
    ]:
        x2, h, c = self.flat(x, *(hx or (None, None)))
        h, c = F.lstm_cell(x2, (h, c), *self.weights())
        shape = (*x.shape[:-1], self.hidden_size)
        return h.reshape(*shape), c.reshape(*shape)
