"""The LSTM's gradient by hand; `lstm.py` has the equations of the forward.

From the last step to the first, where dh_t and dc_t are what comes from outside and
from step t + 1, and da are the gradients of the gates before sigmoid and tanh:

    dc_t += dh_t . o_t . (1 - tanh(c_t)^2)
    da_i  = dc_t . g_t       . i_t . (1 - i_t)
    da_f  = dc_t . c_{t-1}   . f_t . (1 - f_t)
    da_g  = dc_t . i_t       . (1 - g_t^2)
    da_o  = dh_t . tanh(c_t) . o_t . (1 - o_t)
    dh_{t-1} += W_hh^T (da_i, da_f, da_g, da_o)
    dc_{t-1} += dc_t . f_t
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


class LSTMSteps(torch.autograd.Function):
    """(projected, W_hh, h_0, c_0) -> h and c after each token."""

    @staticmethod
    def forward(ctx, projected, weight, h0, c0, packing: Packing):
        sizes, hidden = packing.sizes, weight.shape[1]
        product, tanh = Product(weight, sizes), Tanh(projected)
        gates = torch.empty_like(projected)
        h, c, squashed = (projected.new_empty(len(gates), hidden) for _ in range(3))
        before_h, before_c = h0, c0
        for x_t, a_t, (i, f, g, o), c_t, s_t, h_t in zip(
            projected.split(sizes),
            gates.split(sizes),
            _by_gate(gates, sizes),
            c.split(sizes),
            squashed.split(sizes),
            h.split(sizes),
            strict=True,
        ):
            a = product.plus(before_h[: len(x_t)], x_t)
            a[:, 2 * hidden : 3 * hidden].mul_(tanh.two)
            torch.sigmoid(a, out=a_t)
            tanh.from_sigmoid_(g)
            torch.mul(f, before_c[: len(x_t)], out=c_t).addcmul_(i, g)
            torch.mul(o, tanh(c_t, out=s_t), out=h_t)
            before_h, before_c = h_t, c_t
        ctx.save_for_backward(weight, h0, c0, gates, c, squashed, h)
        ctx.packing = packing
        ctx.set_materialize_grads(False)
        return h, c

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_h: Tensor | None, grad_c: Tensor | None):
        weight, h0, c0, gates, c, squashed, h = ctx.saved_tensors
        sizes, product = ctx.packing.sizes, Product(weight.t(), ctx.packing.sizes)
        da, dh, dc = torch.empty_like(gates), own_copy(grad_h, h), torch.zeros_like(c0)
        outside = [None] * len(sizes) if grad_c is None else grad_c.split(sizes)
        before_c = [c0, *c.split(sizes)[:-1]]
        steps = zip(
            _by_gate(gates, sizes),
            _by_gate(da, sizes),
            da.split(sizes),
            da[:, : 2 * c.shape[1]].split(sizes),
            gates[:, : 2 * c.shape[1]].split(sizes),
            before_c,
            squashed.split(sizes),
            dh.split(sizes),
            outside,
            strict=True,
        )
        after = None
        for (i, f, g, o), (
            di,
            df,
            dg,
            do,
        ), da_t, d_if, i_f, c_b, s_t, dh_t, dc_out in reversed(list(steps)):
            if after is not None:
                dh_t[: len(after)].add_(product(after))
            dc_t = dc[: len(dh_t)]
            if dc_out is not None:
                dc_t.add_(dc_out)
            sigmoid_back_(torch.mul(dh_t, s_t, out=do), o)
            dc_t.add_(tanh_back_(dh_t.mul_(o), s_t))
            torch.mul(dc_t, g, out=di)
            torch.mul(dc_t, c_b[: len(dh_t)], out=df)
            sigmoid_back_(d_if, i_f)
            tanh_back_(torch.mul(dc_t, i, out=dg), g)
            dc_t.mul_(f)
            after = da_t
        dh0 = first_gradient(product, after, h0) if ctx.needs_input_grad[2] else None
        d_weight = None
        if ctx.needs_input_grad[1]:
            d_weight = weight_gradient(da, h, h0, ctx.packing)
        return da, d_weight, dh0, dc, None


def _by_gate(gates: Tensor, sizes: list[int]):
    """Of each step the views (i, f, g, o)."""
    return zip(*(gate.split(sizes) for gate in gates.chunk(4, 1)), strict=True)
