"""Operations that move no number: permute, view, expand, slices; and two that copy.

All but the last two change shape and strides only and share the storage.
"""

from typing import Any

import numpy as np

from .autodiff import Context, Function
from .tensor_data import TensorData
from .tensor_ops import TensorOps


class Permute(Function):
    def forward(ctx: Context, a, order: tuple[int, ...]) -> TensorData:
        out = a.data.permute(order)
        ctx.back = tuple(int(i) for i in np.argsort([dim % a.ndim for dim in order]))
        return out

    def backward(ctx: Context, grad):
        return grad.permute(*ctx.back)


class View(Function):
    def forward(ctx: Context, a, shape: tuple[int, ...]) -> TensorData:
        ctx.shape = a.shape
        return a.data.view(shape)

    def backward(ctx: Context, grad):
        return grad.contiguous().view(*ctx.shape)


class Expand(Function):
    """Repeat axes of size 1 by stride 0; the loop sums the gradient of the copies."""

    def forward(ctx: Context, a, shape: tuple[int, ...]) -> TensorData:
        return a.data.broadcast_to(shape)

    def backward(ctx: Context, grad):
        return grad


class Select(Function):
    """A slice; its gradient is zero wherever the slice did not look."""

    def forward(ctx: Context, a, index: Any) -> TensorData:
        ctx.shape, ctx.index = a.shape, index
        return a.data.select(index)

    def backward(ctx: Context, grad):
        whole = np.zeros(ctx.shape)
        whole[ctx.index] = grad.numpy()
        return grad.derived(TensorData(ctx.ops.place(whole.reshape(-1)), ctx.shape))


class Contiguous(Function):
    def forward(ctx: Context, a) -> TensorData:
        return ctx.ops.contiguous(a.data)

    def backward(ctx: Context, grad):
        return grad


class To(Function):
    """A copy on another backend; the gradient comes back to this one."""

    def forward(ctx: Context, a, ops: TensorOps) -> TensorData:
        ctx.out_ops = ops
        return TensorData(ops.place(a.numpy().reshape(-1)), a.shape)

    def backward(ctx: Context, grad):
        return grad.to(ctx.ops.name)
