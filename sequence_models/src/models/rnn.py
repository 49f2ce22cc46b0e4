"""The simple recurrent network (Elman 1990, "Finding structure in time").

h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh),  f = tanh or relu
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from .bptt_rnn import RNNSteps
from .linear import linear
from .packing import Packing
from .recurrent_cell import RecurrentCell, State


class RNNTanh(RecurrentCell):
    """f = tanh: the state stays within (-1, 1)."""

    activation = staticmethod(torch.tanh)

    def step(self, projected: Tensor, state: State) -> State:
        (h,) = state
        recurrent = F.linear(h, self.weight_hh, self.bias_hh)
        return (self.activation(projected + recurrent),)

    def sweep(self, x: Tensor, state: State, packing: Packing) -> State:
        projected = linear(x, self.weight_ih, self.bias_ih + self.bias_hh)
        relu = self.activation is torch.relu
        return (RNNSteps.apply(projected, self.weight_hh, *state, packing, relu),)


class RNNRelu(RNNTanh):
    """f = relu (Le et al. 2015, 1504.00941): can count, and can grow without bound."""

    activation = staticmethod(torch.relu)
