"""Tensors cut into several: split, chunk, unbind and their kin. All give views."""

from collections.abc import Sequence

import numpy as np

from ..engine.function import Function
from ..engine.tensor import Tensor
from ..engine.views import as_view
from .joining import cat, stack
from .places import view_at
from .reductions import normalize_dim


class Split(Function):
    """Consecutive parts of one axis; backward joins their gradients."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, dim: int, ends: tuple[int, ...]) -> tuple:
        ctx.dim, starts = dim, (0, *ends[:-1])
        before = (slice(None),) * dim
        pairs = zip(starts, ends, strict=True)
        return tuple(x.data[(*before, slice(a, b))] for a, b in pairs)

    @staticmethod
    def backward(ctx: Function, *grads: Tensor) -> tuple:
        return cat(grads, ctx.dim), None, None


class Unbind(Function):
    """The gradients of the slices, stacked."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, dim: int) -> tuple:
        ctx.dim, before = dim, (slice(None),) * dim
        return tuple(x.data[(*before, i, ...)] for i in range(x.shape[dim]))

    @staticmethod
    def backward(ctx: Function, *grads: Tensor) -> tuple:
        return stack(grads, ctx.dim), None


def split(
    x: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Views of equal size along `dim` (the last may be smaller), or of given sizes."""
    sizes = split_size_or_sections
    if not isinstance(sizes, int):
        return split_with_sizes(x, sizes, dim)
    dim = axis_of("split", x, dim)
    total = x.shape[dim]
    if sizes < 0 or (sizes == 0 and total):
        raise RuntimeError(f"split: a size of at least 1, not {sizes}")
    if total == 0:
        return _split(x, dim, (0,))
    return _split(
        x, dim, tuple(min(e, total) for e in range(sizes, total + sizes, sizes))
    )


def split_with_sizes(
    x: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Views of the given sizes, which add up to the axis."""
    dim, sizes = axis_of("split", x, dim), [int(s) for s in split_sizes]
    if sum(sizes) != x.shape[dim] or min(sizes, default=0) < 0:
        raise RuntimeError(
            f"split: sizes {sizes} do not add up to axis {dim} of size {x.shape[dim]}"
        )
    return _split(x, dim, tuple(int(e) for e in np.cumsum(sizes, dtype=np.int64)))


def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` views of equal size (the last may be smaller)."""
    dim = axis_of("chunk", x, dim)
    if chunks < 1:
        raise RuntimeError(f"chunk: at least 1 chunk, not {chunks}")
    if x.shape[dim] == 0:
        return _split(x, dim, (0,) * chunks)
    return split(x, -(-x.shape[dim] // chunks), dim)


def tensor_split(
    x: Tensor, indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0
) -> tuple[Tensor, ...]:
    """Views cut at the given indices, or so many of sizes that differ by at most 1."""
    cuts, dim = indices_or_sections, axis_of("tensor_split", x, dim)
    cuts = cuts.tolist() if isinstance(cuts, Tensor) else cuts
    key = (slice(None),) * dim
    if not isinstance(cuts, int):
        edges = [None, *[int(c) for c in cuts], None]
        keys = [(*key, slice(a, b)) for a, b in zip(edges, edges[1:], strict=False)]
        return tuple(view_at(x, lambda array, k=k: array[k]) for k in keys)
    if cuts < 1:
        raise RuntimeError(f"tensor_split: at least 1 section, not {cuts}")
    size, more = divmod(x.shape[dim], cuts)
    ends = [(i + 1) * size + min(i + 1, more) for i in range(cuts)]
    return _split(x, dim, tuple(ends))


def hsplit(x: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """tensor_split along axis 1 (vectors: 0); a number has to divide it."""
    return _even_split("hsplit", x, indices_or_sections, 0 if x.ndim == 1 else 1, 1)


def vsplit(x: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """tensor_split along axis 0; a number has to divide it."""
    return _even_split("vsplit", x, indices_or_sections, 0, 2)


def dsplit(x: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """tensor_split along axis 2; a number has to divide it."""
    return _even_split("dsplit", x, indices_or_sections, 2, 3)


def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """A view of each index of one axis."""
    dim = axis_of("unbind", x, dim)
    return (
        tuple(as_view(out, x) for out in Unbind.apply(x, dim)) if x.shape[dim] else ()
    )


def _split(x: Tensor, dim: int, ends: tuple[int, ...]) -> tuple[Tensor, ...]:
    return tuple(as_view(out, x) for out in Split.apply(x, dim, ends)) if ends else ()


def _even_split(name: str, x: Tensor, cuts, dim: int, least: int) -> tuple[Tensor, ...]:
    if x.ndim < least:
        raise RuntimeError(f"{name}: at least {least} axes, not shape {x.shape}")
    if isinstance(cuts, int) and (cuts < 1 or x.shape[dim] % cuts):
        raise RuntimeError(f"{name}: {cuts} do not divide axis {dim} of {x.shape}")
    return tensor_split(x, cuts, dim)


def axis_of(name: str, x: Tensor, dim: int) -> int:
    """The axis `dim`; RuntimeError for a number, which has none."""
    if x.ndim == 0:
        raise RuntimeError(f"{name}: a 0-d tensor has no axis to take a part of")
    return normalize_dim(name, dim, x.ndim)
