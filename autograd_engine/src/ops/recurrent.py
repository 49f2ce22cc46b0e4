"""Recurrent networks: one step, and a whole sequence as one operation.

The whole sequence is what trains fast; both forms give the same numbers. Weights are
stacked gate by gate, as PyTorch stacks them.
"""

from jaxtyping import Float

from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .fused import want_same_dtype
from .gru import Gru, GruCell, Rnn, RnnCell
from .lstm import Lstm, LstmCell


@contract
def lstm_cell(
    input: Float[Tensor, "batch features"],
    hx: tuple[Float[Tensor, "batch hidden"], Float[Tensor, "batch hidden"]]
    | list[Float[Tensor, "batch hidden"]],
    w_ih: Float[Tensor, "4*hidden features"],
    w_hh: Float[Tensor, "4*hidden hidden"],
    b_ih: Float[Tensor, " 4*hidden"] | None = None,
    b_hh: Float[Tensor, " 4*hidden"] | None = None,
) -> tuple[Float[Tensor, "batch hidden"], Float[Tensor, "batch hidden"]]:
    """The next (h, c) from (h, c); gates stacked as i, f, g, o."""
    h, c = hx
    _check("lstm_cell", input, w_ih, w_hh, b_ih, b_hh, h, c)
    return LstmCell.apply(input, h, c, w_ih, w_hh, b_ih, b_hh)


@contract
def gru_cell(
    input: Float[Tensor, "batch features"],
    hx: Float[Tensor, "batch hidden"],
    w_ih: Float[Tensor, "3*hidden features"],
    w_hh: Float[Tensor, "3*hidden hidden"],
    b_ih: Float[Tensor, " 3*hidden"] | None = None,
    b_hh: Float[Tensor, " 3*hidden"] | None = None,
) -> Float[Tensor, "batch hidden"]:
    """The next h from h; gates stacked as r, z, n."""
    _check("gru_cell", input, w_ih, w_hh, b_ih, b_hh, hx)
    return GruCell.apply(input, hx, w_ih, w_hh, b_ih, b_hh)


@contract
def rnn_tanh_cell(
    input: Float[Tensor, "batch features"],
    hx: Float[Tensor, "batch hidden"],
    w_ih: Float[Tensor, "hidden features"],
    w_hh: Float[Tensor, "hidden hidden"],
    b_ih: Float[Tensor, " hidden"] | None = None,
    b_hh: Float[Tensor, " hidden"] | None = None,
) -> Float[Tensor, "batch hidden"]:
    """tanh(x W_ih^T + b_ih + h W_hh^T + b_hh)."""
    _check("rnn_tanh_cell", input, w_ih, w_hh, b_ih, b_hh, hx)
    return RnnCell.apply(input, hx, w_ih, w_hh, b_ih, b_hh, False)


@contract
def rnn_relu_cell(
    input: Float[Tensor, "batch features"],
    hx: Float[Tensor, "batch hidden"],
    w_ih: Float[Tensor, "hidden features"],
    w_hh: Float[Tensor, "hidden hidden"],
    b_ih: Float[Tensor, " hidden"] | None = None,
    b_hh: Float[Tensor, " hidden"] | None = None,
) -> Float[Tensor, "batch hidden"]:
    """relu(x W_ih^T + b_ih + h W_hh^T + b_hh)."""
    _check("rnn_relu_cell", input, w_ih, w_hh, b_ih, b_hh, hx)
    return RnnCell.apply(input, hx, w_ih, w_hh, b_ih, b_hh, True)


@contract
def lstm(
    input: Float[Tensor, "length batch features"],
    h: Float[Tensor, "batch hidden"],
    c: Float[Tensor, "batch hidden"],
    w_ih: Float[Tensor, "4*hidden features"],
    w_hh: Float[Tensor, "4*hidden hidden"],
    b_ih: Float[Tensor, " 4*hidden"] | None = None,
    b_hh: Float[Tensor, " 4*hidden"] | None = None,
) -> tuple[
    Float[Tensor, "length batch hidden"],
    Float[Tensor, "batch hidden"],
    Float[Tensor, "batch hidden"],
]:
    """One layer, one direction: every h_t, the last h and the last c."""
    _check("lstm", input, w_ih, w_hh, b_ih, b_hh, h, c)
    return Lstm.apply(input, h, c, w_ih, w_hh, b_ih, b_hh)


@contract
def gru(
    input: Float[Tensor, "length batch features"],
    h: Float[Tensor, "batch hidden"],
    w_ih: Float[Tensor, "3*hidden features"],
    w_hh: Float[Tensor, "3*hidden hidden"],
    b_ih: Float[Tensor, " 3*hidden"] | None = None,
    b_hh: Float[Tensor, " 3*hidden"] | None = None,
) -> tuple[Float[Tensor, "length batch hidden"], Float[Tensor, "batch hidden"]]:
    """One layer, one direction: every h_t and the last."""
    _check("gru", input, w_ih, w_hh, b_ih, b_hh, h)
    return Gru.apply(input, h, w_ih, w_hh, b_ih, b_hh)


@contract
def rnn(
    input: Float[Tensor, "length batch features"],
    h: Float[Tensor, "batch hidden"],
    w_ih: Float[Tensor, "hidden features"],
    w_hh: Float[Tensor, "hidden hidden"],
    b_ih: Float[Tensor, " hidden"] | None = None,
    b_hh: Float[Tensor, " hidden"] | None = None,
    nonlinearity: str = "tanh",
) -> tuple[Float[Tensor, "length batch hidden"], Float[Tensor, "batch hidden"]]:
    """One layer, one direction, `tanh` or `relu`: every h_t and the last."""
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"rnn: nonlinearity is tanh or relu, not {nonlinearity!r}")
    _check("rnn", input, w_ih, w_hh, b_ih, b_hh, h)
    return Rnn.apply(input, h, w_ih, w_hh, b_ih, b_hh, nonlinearity == "relu")


def _check(name: str, x, w_ih, w_hh, b_ih, b_hh, *states: Tensor) -> None:
    want_same_dtype(name, x, *states, w_ih, w_hh, b_ih, b_hh)
    hidden = w_hh.shape[-1]
    fits = w_ih.shape == (w_hh.shape[0], x.shape[-1])
    if not fits or any(s.shape != (x.shape[-2], hidden) for s in states):
        told = ", ".join(str(s.shape) for s in states)
        raise RuntimeError(
            f"{name}: input of shape {x.shape} and state of shape {told} do not fit "
            f"weights of shapes {w_ih.shape} and {w_hh.shape}"
        )
