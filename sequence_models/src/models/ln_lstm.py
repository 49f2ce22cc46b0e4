"""The LSTM with layer normalisation (Ba, Kiros & Hinton 2016, 1607.06450, eq. 20-22).

    (i, f, g, o) = LN(W_ih x_t; alpha_1) + b_ih + LN(W_hh h_{t-1}; alpha_2) + b_hh
    c_t = sigmoid(f) . c_{t-1} + sigmoid(i) . tanh(g)
    h_t = sigmoid(o) . tanh(LN(c_t; alpha_3, beta_3))

The mean and the variance are of all four gates together; b_ih and b_hh are the shifts
beta_1 and beta_2 of the paper. The cell that goes to the next step is not normalised.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .linear import linear
from .lstm import LSTM
from .packing import Packing
from .recurrent_cell import State, unroll


class LayerNormLSTM(LSTM):
    """Gates in the order i, f, g, o. The state is (h, c). Gains begin with 1."""

    def __init__(self, features: int, hidden: int):
        super().__init__(features, hidden)
        self.norm_ih = nn.LayerNorm(4 * hidden, bias=False)
        self.norm_hh = nn.LayerNorm(4 * hidden, bias=False)
        self.norm_cell = nn.LayerNorm(hidden)

    def project(self, x: Tensor) -> Tensor:
        return self.norm_ih(linear(x, self.weight_ih)) + self.bias_ih

    def step(self, projected: Tensor, state: State) -> State:
        h, c = state
        recurrent = self.norm_hh(F.linear(h, self.weight_hh)) + self.bias_hh
        i, f, g, o = (projected + recurrent).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * torch.tanh(self.norm_cell(c)), c

    def sweep(self, x: Tensor, state: State, packing: Packing) -> State:
        return unroll(self, x, state, packing)
