"""The simple network's gradient by hand; `rnn.py` has the equation of the forward.

From the last step to the first, where dh_t is what comes from outside and from t + 1:

    da_t      = dh_t . (1 - h_t^2)   for tanh,   dh_t where h_t > 0, else 0   for relu
    dh_{t-1} += W_hh^T da_t
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .bptt import Product, Tanh, first_gradient, own_copy, tanh_back_, weight_gradient
from .packing import Packing


class RNNSteps(torch.autograd.Function):
    """(projected, W_hh, h_0) -> h after each token."""

    @staticmethod
    def forward(ctx, projected, weight, h0, packing: Packing, relu: bool):
        sizes = packing.sizes
        product, tanh = Product(weight, sizes), Tanh(projected)
        h, before = torch.empty_like(projected), h0
        for x_t, h_t in zip(projected.split(sizes), h.split(sizes), strict=True):
            a = product.plus(before[: len(x_t)], x_t)
            if relu:
                torch.clamp_min(a, 0, out=h_t)
            else:
                tanh(a, out=h_t)
            before = h_t
        ctx.save_for_backward(weight, h0, h)
        ctx.packing, ctx.relu = packing, relu
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor):
        weight, h0, h = ctx.saved_tensors
        sizes, product = ctx.packing.sizes, Product(weight.t(), ctx.packing.sizes)
        da, after = own_copy(grad, h), None
        steps = list(zip(h.split(sizes), da.split(sizes), strict=True))
        for h_t, da_t in reversed(steps):
            if after is not None:
                da_t[: len(after)].add_(product(after))
            if ctx.relu:
                da_t.mul_(h_t > 0)
            else:
                tanh_back_(da_t, h_t)
            after = da_t
        dh0 = first_gradient(product, after, h0) if ctx.needs_input_grad[2] else None
        d_weight = None
        if ctx.needs_input_grad[1]:
            d_weight = weight_gradient(da, h, h0, ctx.packing)
        return da, d_weight, dh0, None, None
