"""Products of matrices and vectors."""

import math
from typing import Any

import numpy as np

from ..engine.function import Function
from ..engine.grad_mode import is_grad_enabled
from ..engine.tensor import Tensor
from .elementwise import add, mul
from .reductions import sum
from .rules import quiet


class MatMul(Function):
    """X Y over the last two axes, others broadcast; backward: G Y^T and X^T G."""

    @staticmethod
    @quiet
    def forward(ctx: Function, x: Tensor, y: Tensor) -> np.ndarray:
        ctx.save_for_backward(x, y)
        try:
            return _product(x.data, y.data)
        except ValueError:
            raise RuntimeError(_do_not_fit("matmul", x, y)) from None

    @staticmethod
    @quiet
    def backward(ctx: Function, grad: Tensor) -> tuple:
        x, y = ctx.saved_tensors
        to_x, to_y = ctx.needs_input_grad
        if is_grad_enabled():
            return _gradients(grad, x, y, to_x, to_y, MatMul.apply)
        return _gradients(grad.data, x.data, y.data, to_x, to_y, _product)


def matmul(x: Tensor, y: Tensor) -> Tensor:
    """The product of matrices, batched over all but the last two axes, which broadcast.

    A vector on the left is a row, on the right a column; its axis is not in the result.
    """
    if not (isinstance(x, Tensor) and isinstance(y, Tensor)):
        raise TypeError(
            f"matmul wants two tensors, not {type(x).__name__} and {type(y).__name__}"
        )
    _check("matmul", x, y)
    return MatMul.apply(x, y)


def mm(x: Tensor, y: Tensor) -> Tensor:
    """The product of two matrices."""
    return _ranked("mm", x, y, 2, 2)


def bmm(x: Tensor, y: Tensor) -> Tensor:
    """The products of two batches of matrices, of the same batch size."""
    if x.shape[:1] != y.shape[:1]:
        raise RuntimeError(_do_not_fit("bmm", x, y))
    return _ranked("bmm", x, y, 3, 3)


def mv(x: Tensor, y: Tensor) -> Tensor:
    """A matrix times a vector."""
    return _ranked("mv", x, y, 2, 1)


def dot(x: Tensor, y: Tensor) -> Tensor:
    """The inner product of two vectors."""
    return _ranked("dot", x, y, 1, 1)


def inner(x: Tensor, y: Tensor) -> Tensor:
    """Inner products over the last axes."""
    if x.ndim == 0 or y.ndim == 0:
        return mul(x, y)
    if x.shape[-1] != y.shape[-1]:
        raise RuntimeError(_do_not_fit("inner", x, y))
    rows = matmul(_matrix(x), _matrix(y).t())
    return rows.reshape(x.shape[:-1] + y.shape[:-1])


def outer(x: Tensor, y: Tensor) -> Tensor:
    """All products of the elements of two vectors."""
    _want_rank("outer", x, y, 1, 1)
    return mul(x.reshape(-1, 1), y)


def addmm(
    x: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta x + alpha mat1 mat2."""
    return _mixed(x, mm(mat1, mat2), beta, alpha)


def addmv(
    x: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta x + alpha mat vec."""
    return _mixed(x, mv(mat, vec), beta, alpha)


def addr(
    x: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta x + alpha (outer product of vec1 and vec2)."""
    return _mixed(x, outer(vec1, vec2), beta, alpha)


def baddbmm(
    x: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta x + alpha batch1 batch2, matrix by matrix."""
    return _mixed(x, bmm(batch1, batch2), beta, alpha)


def addbmm(
    x: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta x + alpha (the sum over the batch of batch1 batch2)."""
    return _mixed(x, sum(bmm(batch1, batch2), 0), beta, alpha)


def _product(x: Any, y: Any) -> Any:
    """np.matmul; a batch of rows times one matrix is a single product of matrices."""
    if x.ndim > 2 and y.ndim == 2 and x.shape[-1] == y.shape[0]:
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        return np.matmul(rows, y).reshape(*x.shape[:-1], y.shape[1])
    return np.matmul(x, y)


def _gradients(g: Any, x: Any, y: Any, to_x: bool, to_y: bool, product: Any) -> tuple:
    """G Y^T and X^T G, on arrays or on tensors."""
    if x.ndim == y.ndim == 1:
        return (g * y if to_x else None), (g * x if to_y else None)
    g = g.reshape(*g.shape, 1) if y.ndim == 1 else g
    g = g.reshape(*g.shape[:-1], 1, g.shape[-1]) if x.ndim == 1 else g
    columns = y.reshape(-1, 1) if y.ndim == 1 else y
    rows = x.reshape(1, -1) if x.ndim == 1 else x
    grad_x = product(g, columns.swapaxes(-1, -2)) if to_x else None
    if to_x and x.ndim == 1:
        grad_x = grad_x.reshape(*grad_x.shape[:-2], x.shape[0])
    if not to_y:
        return grad_x, None
    if columns.ndim == 2 and rows.ndim > 2:
        size = math.prod(rows.shape[:-1])
        rows = rows.reshape(size, rows.shape[-1])
        g = g.reshape(size, g.shape[-1])
    grad_y = product(rows.swapaxes(-1, -2), g)
    return grad_x, grad_y.reshape(y.shape) if y.ndim == 1 else grad_y


def _mixed(x: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """beta x + alpha product; at beta = 0 also NaN in `x` does not count."""
    product = product if alpha == 1 else mul(product, alpha)
    if beta == 0:
        x = mul(x.detach(), 0).nan_to_num()
    out = add(product, x if beta == 1 else mul(x, beta))
    if out.shape != product.shape:
        raise RuntimeError(
            f"a tensor of shape {x.shape} does not broadcast to the product's "
            f"shape {product.shape}"
        )
    return out


def _matrix(x: Tensor) -> Tensor:
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _ranked(name: str, x: Tensor, y: Tensor, x_rank: int, y_rank: int) -> Tensor:
    _want_rank(name, x, y, x_rank, y_rank)
    _check(name, x, y)
    return MatMul.apply(x, y)


def _want_rank(name: str, x: Tensor, y: Tensor, x_rank: int, y_rank: int) -> None:
    if x.ndim != x_rank or y.ndim != y_rank:
        raise RuntimeError(
            f"{name} wants tensors of {x_rank} and {y_rank} axes, "
            f"not shapes {x.shape} and {y.shape}"
        )


def _check(name: str, x: Tensor, y: Tensor) -> None:
    if x.dtype != y.dtype:
        raise RuntimeError(f"{name}: dtypes {x.dtype} and {y.dtype} differ")
    if x.dtype.kind == "b":
        raise NotImplementedError(f"{name} is not defined for tensors of dtype bool")
    if not x.ndim or not y.ndim or x.shape[-1] != y.shape[-2 if y.ndim > 1 else 0]:
        raise RuntimeError(_do_not_fit(name, x, y))


def _do_not_fit(name: str, x: Tensor, y: Tensor) -> str:
    return (
        f"{name}: shapes {x.shape} and {y.shape} do not fit: the last axis of the "
        "first is as long as the second last of the second (the only one of a vector), "
        "and axes before these two broadcast"
    )


vdot, ger = dot, outer
