"""How far apart, or how parallel, vectors are."""

import numpy as np
from jaxtyping import Float

from ..engine.backend import array_module
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .fused import constant, refuse, want_same_dtype
from .reductions import normalize_dim
from .rules import cannot_broadcast
from .statistics import vector_norm


@contract
def normalize(
    input: Float[Tensor, "..."],
    p: float = 2.0,
    dim: int = 1,
    eps: float = 1e-12,
    out: None = None,
) -> Float[Tensor, "..."]:
    """x / max(|x|_p, eps) along `dim`."""
    refuse("normalize", out=out)
    return input / floored(norm(input, p, dim, keepdim=True), eps)


@contract
def cosine_similarity(
    x1: Float[Tensor, "..."],
    x2: Float[Tensor, "..."],
    dim: int = 1,
    eps: float = 1e-8,
) -> Float[Tensor, "*others"]:
    """x1 x2 / (max(|x1|, eps) max(|x2|, eps)) along `dim`, broadcast."""
    want_same_dtype("cosine_similarity", x1, x2)
    rank = max(x1.ndim, x2.ndim)
    axis = normalize_dim("cosine_similarity", dim, rank) - rank
    shape = _broadcast("cosine_similarity", x1, x2)
    x1, x2 = x1.expand(shape), x2.expand(shape)
    axis = axis if shape else 0
    lengths = [floored(norm(x, 2, axis, keepdim=True), eps) for x in (x1, x2)]
    return ((x1 / lengths[0]) * (x2 / lengths[1])).sum(axis)


@contract
def pairwise_distance(
    x1: Float[Tensor, "..."],
    x2: Float[Tensor, "..."],
    p: float = 2.0,
    eps: float = 1e-6,
    keepdim: bool = False,
) -> Float[Tensor, "*others"]:
    """|x1 - x2 + eps|_p along the last axis."""
    want_same_dtype("pairwise_distance", x1, x2)
    _broadcast("pairwise_distance", x1, x2)
    return norm(x1 - x2 + eps, p, -1, keepdim)


def norm(x: Tensor, p: float, axis: int, keepdim: bool) -> Tensor:
    """(sum of |x|^p)^(1/p) along one axis; its gradient at 0 is 0, as PyTorch's."""
    xp = array_module(x.data)
    if p == 0:
        return constant((x.data != 0).sum(axis, keepdims=keepdim).astype(x.dtype))
    if p == 1:
        return x.abs().sum(axis, keepdim)
    if p == float("inf"):
        return x.abs().amax(axis, keepdim)
    if p == float("-inf"):
        return x.abs().amin(axis, keepdim)
    if p == 2:
        total = (x * x).sum(axis, keepdim)
    else:
        total = (x.abs() ** p).sum(axis, keepdim)
    # Where the total is 0 the root has no slope: a constant 1 goes in and 0 comes out.
    null = (total.data == 0).astype(x.dtype)
    if not null.any():
        return total.sqrt() if p == 2 else total ** (1 / p)
    root = total + constant(null)
    root = root.sqrt() if p == 2 else root ** (1 / p)
    return root * constant(1 - xp.asarray(null))


def floored(x: Tensor, eps: float) -> Tensor:
    """max(x, eps) with the gradient of x where it is not below."""
    below = (x.data < eps).astype(x.dtype)
    if not below.any():
        return x
    return x * constant(1 - below) + constant(below * x.dtype.type(eps))


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm of the difference of each row of `x1` and each row of `x2`."""
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"cdist: shapes {x1.shape} and {x2.shape}: rows of one length are wanted"
        )
    return vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


def _broadcast(name: str, x1: Tensor, x2: Tensor) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(x1.shape, x2.shape)
    except ValueError:
        raise RuntimeError(cannot_broadcast(name, (x1, x2))) from None
