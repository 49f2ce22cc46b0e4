"""Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate.

The forget gate is of Gers et al. 2000. With . the product of entries:

    i_t = sigmoid(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)     input gate
    f_t = sigmoid(W_if x_t + b_if + W_hf h_{t-1} + b_hf)     forget gate
    g_t = tanh   (W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)     what could be written
    o_t = sigmoid(W_io x_t + b_io + W_ho h_{t-1} + b_ho)     output gate
    c_t = f_t . c_{t-1} + i_t . g_t                          the cell
    h_t = o_t . tanh(c_t)                                    the output
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .bptt_lstm import LSTMSteps
from .linear import linear
from .packing import Packing
from .recurrent_cell import RecurrentCell, State


class LSTM(RecurrentCell):
    """Gates in the order i, f, g, o. The state is (h, c).

    The forget gate's two biases begin with the sum 1 (Jozefowicz et al. 2015): 1 and 0.
    """

    gates = 4
    states = 2

    def reset_parameters(self) -> None:
        super().reset_parameters()
        nn.init.ones_(self.bias_ih.data.chunk(4)[1])

    def step(self, projected: Tensor, state: State) -> State:
        h, c = state
        recurrent = F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = (projected + recurrent).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * torch.tanh(c), c

    def sweep(self, x: Tensor, state: State, packing: Packing) -> State:
        projected = linear(x, self.weight_ih, self.bias_ih + self.bias_hh)
        return LSTMSteps.apply(projected, self.weight_hh, *state, packing)
