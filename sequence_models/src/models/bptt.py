"""Backpropagation through time, derived by hand: what the cells' Functions share.

The plain loop leaves some twenty small operations a token to autograd, each with memory
and a backward of its own. A Function that knows the derivative of whole rows

    * keeps only what the derivative reads, in buffers made once, and works in place;
    * gets a weight's gradient as ONE product over all tokens after the loop,
      dW_hh = sum over t of da_t^T h_{t-1}, not as T products that are added up;
    * takes tanh(x) as 2 sigmoid(2x) - 1, which torch computes six times faster: right
      to a rounding of 1, not of the result.

The input's part of the gates comes in as `projected`, of all tokens by one product, so
that W_ih needs no care here. All tensors are packed (`packing.py`).
"""

import sys

import torch
from torch import Tensor

from .linear import is_dense
from .packing import Packing


LARGE = 2**19  # multiplications, from where oneDNN was measured to be faster
_ONEDNN = torch.ops.mkldnn
_HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(
    _ONEDNN, "_linear_pointwise"
)


class Product:
    """x W^T for one W and many x: in float32 on a CPU by oneDNN (see `linear.py`).

    oneDNN wants W in an order of its own; it is brought into it once for all steps.
    Products of few rows stay with torch, which has less to prepare.
    """

    def __init__(self, weight: Tensor, sizes: list[int]):
        weight = weight if is_dense(weight) else weight.contiguous()
        self.weight, self.transposed = weight, weight.t()
        self.rows = sys.maxsize  # from so many rows on, oneDNN
        if (
            _HAS_ONEDNN
            and torch.backends.mkldnn.enabled
            and weight.is_cpu
            and weight.dtype is torch.float32
        ):
            self.rows = -(-LARGE // weight.numel())
        if self.rows <= sizes[0] and len(sizes) >= 4:
            weight = weight.contiguous()
            self.weight = _ONEDNN._reorder_linear_weight(weight, sizes[0])

    def __call__(self, x: Tensor) -> Tensor:
        if len(x) >= self.rows:
            return _ONEDNN._linear_pointwise(x, self.weight, None, "none", [], "")
        return torch.mm(x, self.transposed)

    def plus(self, x: Tensor, y: Tensor) -> Tensor:
        """x W^T + y."""
        if len(x) >= self.rows:
            return _ONEDNN._linear_pointwise.binary(x, y, self.weight, None, "add")
        return torch.addmm(y, x, self.transposed)


class Tanh:
    """tanh(x) = 2 sigmoid(2x) - 1; a number that is no tensor costs a conversion."""

    def __init__(self, like: Tensor):
        self.two, self.minus_one = like.new_tensor(2.0), like.new_tensor(-1.0)

    def __call__(self, x: Tensor, out: Tensor) -> Tensor:
        return self.from_sigmoid_(torch.mul(x, self.two, out=out).sigmoid_())

    def from_sigmoid_(self, s: Tensor) -> Tensor:
        """2 s - 1, into s."""
        return torch.add(self.minus_one, s, alpha=2, out=s)


def tanh_back_(grad: Tensor, y: Tensor) -> Tensor:
    """grad . (1 - y^2), into grad."""
    return torch.ops.aten.tanh_backward.grad_input(grad, y, grad_input=grad)


def sigmoid_back_(grad: Tensor, y: Tensor) -> Tensor:
    """grad . y . (1 - y), into grad."""
    return torch.ops.aten.sigmoid_backward.grad_input(grad, y, grad_input=grad)


def own_copy(grad: Tensor | None, like: Tensor) -> Tensor:
    """A gradient that may be changed; zeros where none came."""
    if grad is None:
        return torch.zeros_like(like)
    return grad.clone(memory_format=torch.contiguous_format)


def weight_gradient(da: Tensor, h: Tensor, h0: Tensor, packing: Packing) -> Tensor:
    """The sum over all tokens of da_t^T h_{t-1}."""
    begun = packing.begun
    grad = da[:begun].t() @ h0[:begun]
    if len(packing.sizes) == 1:
        return grad
    later, before = da[begun:], packing.before(h)
    # h^T da, turned: oneDNN is a quarter faster where the longer side comes second.
    return grad.add_(Product(later.t(), [before.shape[1]])(before.t()).t())


def first_gradient(product: Product, da: Tensor, h0: Tensor) -> Tensor:
    """What step 1 gives to h_0; 0 for rows without a token."""
    dh0 = torch.zeros_like(h0)
    dh0[: len(da)] = product(da)
    return dh0
