"""The GRU's gradient by hand; `gru.py` has the equations of the forward.

Let m_t = W_hn h_{t-1} + b_hn, what the reset gate weighs. From the last step to the
first, where dh_t is what comes from outside and from step t + 1:

    da_n = dh_t . (1 - z_t) . (1 - n_t^2)
    da_z = dh_t . (h_{t-1} - n_t) . z_t . (1 - z_t)
    dm   = da_n . r_t
    da_r = da_n . m_t . r_t . (1 - r_t)
    dh_{t-1} += dh_t . z_t + W_hh^T (da_r, da_z, dm)

The buffer of gradients has four blocks, dm, da_r, da_z, da_n: the last three are the
gradient of the input's part, the first three that of the state's.
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .bptt import (
    Product,
    Tanh,
    first_gradient,
    own_copy,
    sigmoid_back_,
    tanh_back_,
    weight_gradient,
)
from .packing import Packing


class GRUSteps(torch.autograd.Function):
    """(projected, W_hh, b_hn, h_0) -> h after each token."""

    @staticmethod
    def forward(ctx, projected, weight, bias, h0, packing: Packing):
        sizes, hidden = packing.sizes, weight.shape[1]
        product, tanh = Product(weight, sizes), Tanh(projected)
        gates = projected.new_empty(len(projected), 4 * hidden)
        h, before = projected.new_empty(len(projected), hidden), h0
        for x_rz, x_n, r_z, (r, z, n, m), h_t in zip(
            projected[:, : 2 * hidden].split(sizes),
            projected[:, 2 * hidden :].split(sizes),
            gates[:, : 2 * hidden].split(sizes),
            _by_block(gates, sizes),
            h.split(sizes),
            strict=True,
        ):
            before = before[: len(h_t)]
            a = product(before)
            torch.add(a[:, : 2 * hidden], x_rz, out=r_z).sigmoid_()
            torch.add(a[:, 2 * hidden :], bias, out=m)
            tanh(torch.addcmul(x_n, r, m, out=n), out=n)
            torch.lerp(n, before, z, out=h_t)
            before = h_t
        ctx.save_for_backward(weight, h0, gates, h)
        ctx.packing = packing
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):
        weight, h0, gates, h = ctx.saved_tensors
        sizes, hidden = ctx.packing.sizes, h.shape[1]
        # dm comes first in the buffer, so W_hn comes first in the matrix.
        product = Product(weight.roll(hidden, 0).t(), sizes)
        d, dh, after = torch.empty_like(gates), own_copy(grad, h), None
        steps = zip(
            _by_block(gates, sizes),
            _by_block(d, sizes),
            d[:, : 3 * hidden].split(sizes),
            [h0, *h.split(sizes)[:-1]],
            dh.split(sizes),
            strict=True,
        )
        carried = None
        for (r, z, n, m), (dm, dr, dz, dn), d_state, before, dh_t in reversed(
            list(steps)
        ):
            if after is not None:
                dh_t[: len(after)].add_(product(after)).add_(carried)
            torch.sub(before[: len(dh_t)], n, out=dz).mul_(dh_t)
            sigmoid_back_(dz, z)
            carried = dh_t.mul(z)
            tanh_back_(torch.sub(dh_t, carried, out=dn), n)
            torch.mul(dn, r, out=dm)
            sigmoid_back_(torch.mul(dn, m, out=dr), r)
            after = d_state
        dh0 = d_weight = None
        if ctx.needs_input_grad[3]:
            dh0 = first_gradient(product, after, h0)
            dh0[: len(carried)].add_(carried)
        if ctx.needs_input_grad[1]:
            d_state = d[:, : 3 * hidden]
            d_weight = weight_gradient(d_state, h, h0, ctx.packing).roll(-hidden, 0)
        return d[:, hidden:], d_weight, d[:, :hidden].sum(0), dh0, None


def _by_block(gates: Tensor, sizes: list[int]):
    """Of each step the views of the four blocks."""
    return zip(*(block.split(sizes) for block in gates.chunk(4, 1)), strict=True)
