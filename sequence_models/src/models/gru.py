"""The gated recurrent unit (Cho et al. 2014, 1406.1078).

In the form of cuDNN and torch, where the reset gate comes after the matrix product:

    r_t = sigmoid(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)     reset gate
    z_t = sigmoid(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)     update gate
    n_t = tanh   (W_in x_t + b_in + r_t . (W_hn h_{t-1} + b_hn))
    h_t = (1 - z_t) . n_t + z_t . h_{t-1}

Eq. 8 of the paper has W_hn (r_t . h_{t-1}): three products in two rounds, not in one.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from .bptt_gru import GRUSteps
from .linear import linear
from .packing import Packing
from .recurrent_cell import RecurrentCell, State


class GRU(RecurrentCell):
    """Gates in the order r, z, n. The state is (h,)."""

    gates = 3

    def step(self, projected: Tensor, state: State) -> State:
        (h,) = state
        recurrent = F.linear(h, self.weight_hh, self.bias_hh)
        (xr, xz, xn), (hr, hz, hn) = projected.chunk(3, 1), recurrent.chunk(3, 1)
        r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
        n = torch.tanh(xn + r * hn)
        return ((1 - z) * n + z * h,)

    def sweep(self, x: Tensor, state: State, packing: Packing) -> State:
        bias_rz, bias_n = self.bias_hh.split([2 * self.hidden, self.hidden])
        bias = self.bias_ih + F.pad(bias_rz, (0, self.hidden))
        projected = linear(x, self.weight_ih, bias)
        return (GRUSteps.apply(projected, self.weight_hh, bias_n, *state, packing),)
