"""The minimal GRU, whose gates read the input only (Feng et al. 2024, 2410.01201).

    z_t  = sigmoid(W_z x_t + b_z)                            update gate
    h~_t = g(W_h x_t + b_h),  g(x) = x + 1/2 if x >= 0, else sigmoid(x)
    h_t  = (1 - z_t) . h_{t-1} + z_t . h~_t

With g (the paper's appendix B.3) the state stays positive. As no gate needs h_{t-1},
the step is linear in it and all steps together are a scan, done in log2(T) rounds. The
paper scans in log space (Heinsen 2023, 2311.06281): there cumulative sums of log(1 - z)
grow with T and a float32 loses digits by them. `scan.py` multiplies the factors, which
are below 1, themselves: no sum grows, and h_0 may be 0.
"""

import torch
from torch import Tensor

from .packing import Packing
from .recurrent_cell import RecurrentCell, State
from .scan import linear_scan


class MinGRU(RecurrentCell):
    """Rows in the order z, h~. The state is (h,)."""

    gates = 2
    reads_state = False

    def step(self, projected: Tensor, state: State) -> State:
        (h,) = state
        keep, write = gates(projected)
        return (keep * h + write,)

    def sweep(self, x: Tensor, state: State, packing: Packing) -> State:
        keep, write = (packing.spread(part) for part in gates(self.project(x)))
        return (packing.gather(linear_scan(keep, write, state[0])),)


def gates(projected: Tensor) -> tuple[Tensor, Tensor]:
    """1 - z and z . h~, from (W_z x + b_z, W_h x + b_h)."""
    update, candidate = projected.chunk(2, -1)
    positive = torch.where(candidate >= 0, candidate + 0.5, candidate.sigmoid())
    return torch.sigmoid(-update), torch.sigmoid(update) * positive
