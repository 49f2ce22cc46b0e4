"""Sums of products named by letters: einsum, tensordot, kron.

Two operands at a time become a batched product of matrices. Its derivatives are of the
same kind with the letters exchanged, so that they can be differentiated again.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.function import Function
from ..engine.tensor import Tensor
from .elementwise import mul
from .reductions import normalize_dim, sum
from .rules import match, quiet


class Contract(Function):
    """x and y over the axes that both name and `out` does not; no name twice in one."""

    @staticmethod
    @quiet
    def forward(ctx: Function, x: Tensor, y: Tensor, xs: tuple, ys: tuple, out: tuple):
        ctx.names = xs, ys, out
        ctx.save_for_backward(x, y)
        return _contract(x.data, y.data, xs, ys, out)

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        x, y = ctx.saved_tensors
        xs, ys, out = ctx.names
        to_x, to_y = ctx.needs_input_grad[:2]
        grad_x = Contract.apply(grad, y, out, ys, xs) if to_x else None
        grad_y = Contract.apply(grad, x, out, xs, ys) if to_y else None
        return grad_x, grad_y, None, None, None


def einsum(equation: str, *operands: Any) -> Tensor:
    """Products summed over the letters that the result does not have.

    `einsum("bij,bjk->bik", x, y)`; `...` stands for all other axes, which broadcast. A
    letter twice in one operand takes its diagonal. Without `->` the result has the
    letters that occur once, in alphabetical order. Operands go together from the left.
    """
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if not isinstance(equation, str):
        raise NotImplementedError("einsum: give the subscripts as a string")
    inputs, out = _parse(equation, operands)
    tensors = match(*operands) if len(operands) > 1 else operands
    sizes = _sizes(equation, inputs, tensors)
    pairs = [_simplified(t, n, sizes) for t, n in zip(tensors, inputs, strict=True)]
    tensor, names = pairs[0]
    for i, (other, others) in enumerate(pairs[1:], 2):
        later = set(out).union(*[n for _, n in pairs[i:]])
        tensor, names = _drop(tensor, names, later | set(others))
        other, others = _drop(other, others, later | set(names))
        kept = tuple(n for n in dict.fromkeys(names + others) if n in later)
        kept = tuple(out) if i == len(pairs) and set(kept) == set(out) else kept
        tensor, names = Contract.apply(tensor, other, names, others, kept), kept
    tensor, names = _drop(tensor, names, set(out))
    missing = [n for n in out if n not in names]  # all of size 1
    tensor = tensor.reshape(tensor.shape + (1,) * len(missing))
    names = (*names, *missing)
    return (
        tensor.permute(tuple(names.index(n) for n in out)) if names != out else tensor
    )


def tensordot(x: Tensor, y: Tensor, dims: Any = 2) -> Tensor:
    """Summed over the last `dims` axes of x and the first of y, or over two lists."""
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        dims = [range(x.ndim - dims, x.ndim), range(dims)]
    first = [normalize_dim("tensordot", d, x.ndim) for d in dims[0]]
    second = [normalize_dim("tensordot", d, y.ndim) for d in dims[1]]
    xs, ys = list(range(x.ndim)), list(range(x.ndim, x.ndim + y.ndim))
    for a, b in zip(first, second, strict=True):
        if x.shape[a] != y.shape[b] and 1 in (x.shape[a], y.shape[b]):
            x = sum(x, a, True) if y.shape[b] == 1 else x
            y = sum(y, b, True) if x.shape[a] == 1 else y
        if x.shape[a] != y.shape[b]:
            raise RuntimeError(
                f"tensordot: axis {a} of shape {x.shape} and axis {b} of shape "
                f"{y.shape} differ in size"
            )
        ys[b] = xs[a]
    out = [n for n in xs if n not in ys] + [n for n in ys if n not in xs]
    if x.dtype != y.dtype:
        raise RuntimeError(f"tensordot: dtypes {x.dtype} and {y.dtype} differ")
    return Contract.apply(x, y, tuple(xs), tuple(ys), tuple(out))


def kron(x: Tensor, y: Tensor) -> Tensor:
    """Blocks of y, each times one element of x."""
    ndim = max(x.ndim, y.ndim)
    a = (1,) * (ndim - x.ndim) + x.shape
    b = (1,) * (ndim - y.ndim) + y.shape
    left = x.reshape([n for size in a for n in (size, 1)])
    right = y.reshape([n for size in b for n in (1, size)])
    return mul(left, right).reshape([n * m for n, m in zip(a, b, strict=True)])


def _contract(x: Any, y: Any, xs: tuple, ys: tuple, out: tuple) -> Any:
    """One batched product of matrices: (batch, own of x, summed, own of y)."""
    size = dict(zip(xs + ys, x.shape + y.shape, strict=True))
    batch = [n for n in out if n in xs and n in ys]
    left = [n for n in out if n in xs and n not in ys]
    right = [n for n in out if n in ys and n not in xs]
    summed = [n for n in xs if n not in out]

    def length(names: Sequence) -> int:
        return math.prod(size[n] for n in names)

    lead = [size[n] for n in batch]
    a = x.transpose([xs.index(n) for n in batch + left + summed])
    b = y.transpose([ys.index(n) for n in batch + summed + right])
    a = a.reshape(*lead, length(left), length(summed))
    b = b.reshape(*lead, length(summed), length(right))
    product = np.matmul(a, b) if a.shape[-1] != 1 else a * b
    order = batch + left + right
    product = product.reshape([size[n] for n in order])
    return product.transpose([order.index(n) for n in out])


def _parse(equation: str, operands: tuple) -> tuple[list[list], tuple]:
    """The names of the axes of each operand and of the result; `...` become numbers."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(
            f"einsum: {equation!r} names {len(terms)} operands, {len(operands)} given"
        )
    inputs, rest = [], 0
    for term, operand in zip(terms, operands, strict=True):
        letters = term.replace("...", "", 1)
        extra = operand.ndim - len(letters)
        if extra < 0 or (extra > 0 and "..." not in term):
            raise RuntimeError(
                f"einsum: {term!r} of {equation!r} does not name the axes of shape "
                f"{operand.shape}"
            )
        rest = max(rest, extra)
        inputs.append(_names(equation, term, extra))
    if arrow:
        out = _names(equation, right, rest if "..." in right else 0)
        unknown = set(out) - {n for names in inputs for n in names}
        if unknown or len(set(out)) != len(out):
            raise RuntimeError(
                f"einsum: the result {right!r} of {equation!r} repeats a letter or has "
                "one that no operand has"
            )
    else:
        every = [n for names in inputs for n in names if isinstance(n, str)]
        once = sorted(n for n in set(every) if every.count(n) == 1)
        out = list(range(-rest, 0)) + once
    return inputs, tuple(out)


def _names(equation: str, term: str, extra: int) -> list:
    """The letters of `term`, with numbers counted from the right for its `...`."""
    before, dots, after = term.partition("...")
    if not (before + after).isalpha() and before + after:
        raise ValueError(f"einsum: {term!r} of {equation!r} has more than letters")
    return [*before, *(range(-extra, 0) if dots else ()), *after]


def _sizes(equation: str, inputs: list[list], tensors: tuple) -> dict:
    """The size of each name; a size of 1 gives way to another."""
    sizes: dict = {}
    for names, tensor in zip(inputs, tensors, strict=True):
        for name, size in zip(names, tensor.shape, strict=True):
            if sizes.setdefault(name, size) == 1:
                sizes[name] = size
            elif size not in (1, sizes[name]):
                raise RuntimeError(
                    f"einsum: {name!r} of {equation!r} has sizes {sizes[name]} and "
                    f"{size} in {' and '.join(str(t.shape) for t in tensors)}"
                )
    return sizes


def _simplified(tensor: Tensor, names: list, sizes: dict) -> tuple[Tensor, tuple]:
    """Diagonals taken, and axes of size 1 left out."""
    for name in dict.fromkeys(names):
        while names.count(name) > 1:
            first, second = [i for i, n in enumerate(names) if n == name][:2]
            tensor = _diagonal(tensor, first, second, sizes[name])
            names = [n for i, n in enumerate(names) if i not in (first, second)]
            names.append(name)
    kept = [i for i, size in enumerate(tensor.shape) if size != 1]
    if len(kept) < len(names):
        tensor = tensor.reshape([tensor.shape[i] for i in kept])
    return tensor, tuple(names[i] for i in kept)


def _diagonal(tensor: Tensor, first: int, second: int, size: int) -> Tensor:
    shape = list(tensor.shape)
    shape[first] = shape[second] = size
    return tensor.expand(shape).diagonal(0, first, second)


def _drop(tensor: Tensor, names: tuple, wanted: set) -> tuple[Tensor, tuple]:
    """Summed over the axes that nothing else needs."""
    lost = tuple(i for i, n in enumerate(names) if n not in wanted)
    kept = tuple(n for n in names if n in wanted)
    return (sum(tensor, lost), kept) if lost else (tensor, names)
