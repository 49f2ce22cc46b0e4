"""`ag.linalg`: norms, and chains of products."""

import builtins
from functools import reduce
from typing import Any

from ..engine.tensor import Tensor
from . import products
from .elementwise import abs, mul
from .extrema import amax, amin
from .matmul import matmul
from .reductions import Dim, sum
from .statistics import vector_norm as vector_norm


def matrix_norm(
    x: Tensor,
    ord: float | str = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """ "fro": the root of the squares; 1 (inf): the largest sum of a column (row).

    -1 and -inf are the smallest. Those of singular values are not here.
    """
    if ord == "fro":
        return vector_norm(x, 2, dim, keepdim, dtype=dtype)
    if isinstance(ord, str) or builtins.abs(ord) not in (1, float("inf")):
        raise NotImplementedError(
            f"matrix_norm: ord is 'fro', 1, -1, inf, -inf: {ord!r}"
        )
    x = x if dtype is None else x.to(dtype)
    rows, columns = (d % x.ndim for d in dim)
    first, second = (rows, columns) if builtins.abs(ord) == 1 else (columns, rows)
    sums = sum(abs(x), first, True)
    out = (amax if ord > 0 else amin)(sums, second, True)
    return out if keepdim else out.squeeze((rows, columns))


def norm(
    x: Tensor,
    ord: float | str | None = None,
    dim: Dim = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """The norm of vectors, or of matrices where `ord` is given and `dim` names two."""
    two = (
        x.ndim == 2 if dim is None else isinstance(dim, (tuple, list)) and len(dim) == 2
    )
    if ord is None or not (two or isinstance(ord, str)):
        if ord is not None and dim is None and x.ndim != 1:
            raise RuntimeError(f"norm: ord={ord!r} of shape {x.shape} needs dim")
        return vector_norm(x, 2 if ord is None else ord, dim, keepdim, dtype=dtype)
    return matrix_norm(x, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Inner products over one axis."""
    return sum(mul(x, y), dim)


def cross(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product over an axis of 3; the other axes broadcast."""
    return products.cross(x, y, dim)


def multi_dot(tensors: list[Tensor]) -> Tensor:
    """The product of several matrices from the left to the right."""
    return reduce(matmul, tensors)
