"""Recurrent layers over whole sequences, under PyTorch's names of parameters.

The input is (length, *batch, features), with `batch_first` (*batch, length, features);
a sequence without a batch is the case of no batch axis. States are
(layers * directions, *batch, hidden), the backward direction after the forward one.
"""

from math import prod, sqrt
from typing import Any

from jaxtyping import Float

from .. import functional as F
from ..engine.backend import array_module
from ..engine.tensor import Tensor
from ..ops.joining import cat, stack
from ..ops.repeating import flip
from ..utils.contracts import contract
from . import init
from .linear import new_parameter
from .module import Module


class Recurrent(Module):
    """Layers and directions; a subclass states its gates and how one of them runs."""

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if min(input_size, hidden_size, num_layers) < 1:
            sizes = f"{input_size}, {hidden_size}, {num_layers}"
            raise ValueError(f"{name}: sizes and layers are 1 or more, not {sizes}")
        if not 0 <= dropout <= 1:
            raise ValueError(f"{name}: dropout is a probability, not {dropout}")
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        self.dropout, self.bidirectional = dropout, bidirectional
        self.endings = ("", "_reverse") if bidirectional else ("",)
        self.output_size = hidden_size * len(self.endings)
        self.states = num_layers * len(self.endings)
        rows = self.gates * hidden_size
        for layer in range(num_layers):
            features = self.output_size if layer else input_size
            for end in self.endings:
                place = f"l{layer}{end}"
                weights = {"ih": (rows, features), "hh": (rows, hidden_size)}
                for kind, shape in weights.items():
                    setattr(self, f"weight_{kind}_{place}", new_parameter(*shape))
                for kind in weights if bias else ():
                    setattr(self, f"bias_{kind}_{place}", new_parameter(rows))
        spread(self, hidden_size)

    def run(self, x: Tensor, states: list[Tensor], weights: list) -> tuple:
        """All outputs of one layer in one direction, then its last states."""
        raise NotImplementedError(f"{type(self).__name__} states no run()")

    def weights(self, place: str) -> list[Tensor | None]:
        """Of one layer and direction: ih, hh, and their biases or None."""
        names = [f"{kind}_{place}" for kind in ("weight_ih", "weight_hh")]
        found = [getattr(self, name) for name in names]
        if not self.bias:
            return [*found, None, None]
        return [*found, *(getattr(self, f"bias_{k}_{place}") for k in ("ih", "hh"))]

    def sequence(self, x: Tensor, given: list[Tensor | None]) -> tuple:
        """Outputs of the last layer, and the last states of all layers."""
        batch = x.shape[:-2] if self.batch_first else x.shape[1:-1]
        if self.batch_first and batch:
            x = x.movedim(-2, 0)
        length, size = x.shape[0], prod(batch)
        x = x.reshape(length, size, self.input_size)
        starts = [self._start(h, batch, size, x) for h in given]
        ends: list[list[Tensor]] = [[] for _ in given]
        for layer in range(self.num_layers):
            outs = []
            for way, end in enumerate(self.endings):
                at = layer * len(self.endings) + way
                turned = flip(x, 0) if way else x
                states = [start[at] for start in starts]
                out, *last = self.run(turned, states, self.weights(f"l{layer}{end}"))
                outs.append(flip(out, 0) if way else out)
                for kept, state in zip(ends, last, strict=True):
                    kept.append(state)
            x = outs[0] if len(outs) == 1 else cat(outs, -1)
            if self.dropout and layer + 1 < self.num_layers:
                x = F.dropout(x, self.dropout, training=self.training)
        x = x.reshape(length, *batch, self.output_size)
        x = x.movedim(0, -2) if self.batch_first and batch else x
        shape = (self.states, *batch, self.hidden_size)
        return x, *(stack(kept).reshape(*shape) for kept in ends)

    def _start(self, h: Tensor | None, batch: tuple, size: int, x: Tensor) -> Any:
        """A state for each layer and direction: the given ones, or zeros."""
        if h is None:
            zeros = array_module(x.data).zeros((size, self.hidden_size), x.dtype)
            return [Tensor(zeros)] * self.states
        shape = (self.states, *batch, self.hidden_size)
        if h.shape != shape:
            raise RuntimeError(
                f"{type(self).__name__}: a state of shape {h.shape} for an input that "
                f"needs {shape}: (layers * directions, *batch, hidden)"
            )
        return h.reshape(self.states, size, self.hidden_size).unbind(0)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}"


class RNN(Recurrent):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), or relu of it."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity is tanh or relu, not {nonlinearity!r}")
        how = bias, batch_first, dropout, bidirectional
        super().__init__(input_size, hidden_size, num_layers, *how)
        self.nonlinearity = nonlinearity

    def run(self, x: Tensor, states: list[Tensor], weights: list) -> tuple:
        return F.rnn(x, *states, *weights, self.nonlinearity)

    @contract
    def forward(
        self,
        x: Float[Tensor, "first *second {self.input_size}"],
        hx: Float[Tensor, "{self.states} *batch {self.hidden_size}"] | None = None,
    ) -> tuple[
        Float[Tensor, "first *second {self.output_size}"],
        Float[Tensor, "{self.states} *batch {self.hidden_size}"],
    ]:
        return self.sequence(x, [hx])


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014); the gates are r, z, n."""

    gates = 3

    def run(self, x: Tensor, states: list[Tensor], weights: list) -> tuple:
        return F.gru(x, *states, *weights)

    @contract
    def forward(
        self,
        x: Float[Tensor, "first *second {self.input_size}"],
        hx: Float[Tensor, "{self.states} *batch {self.hidden_size}"] | None = None,
    ) -> tuple[
        Float[Tensor, "first *second {self.output_size}"],
        Float[Tensor, "{self.states} *batch {self.hidden_size}"],
    ]:
        return self.sequence(x, [hx])


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997); gates i, f, g, o."""

    gates = 4

    def run(self, x: Tensor, states: list[Tensor], weights: list) -> tuple:
        return F.lstm(x, *states, *weights)

    @contract
    def forward(
        self,
        x: Float[Tensor, "first *second {self.input_size}"],
        hx: tuple[
            Float[Tensor, "{self.states} *batch {self.hidden_size}"],
            Float[Tensor, "{self.states} *batch {self.hidden_size}"],
        ]
        | None = None,
    ) -> tuple[
        Float[Tensor, "first *second {self.output_size}"],
        tuple[
            Float[Tensor, "{self.states} *batch {self.hidden_size}"],
            Float[Tensor, "{self.states} *batch {self.hidden_size}"],
        ],
    ]:
        """Every output of the last layer, and (h, c) of all layers at the end."""
        out, h, c = self.sequence(x, [None, None] if hx is None else list(hx))
        return out, (h, c)


def spread(module: Module, hidden_size: int) -> None:
    """Uniform in +-1/sqrt(hidden), all parameters, as torch.nn starts them."""
    bound = 1 / sqrt(hidden_size)
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)
