"""torch.nn.functional.pad: zeros or values of the tensor around it."""

from collections.abc import Sequence

import numpy as np

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from .casts import clone
from .places import Place, Read, read_at, view_at


class PadConstant(Function):
    """`value` around `x`; the gradient of `x` is the inner part."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, pads: tuple, value: float):
        xp = array_module(x.data)
        sizes = [n + a + b for n, (a, b) in zip(x.shape, pads, strict=True)]
        key = tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, pads, strict=True))
        ctx.place = Place(lambda array: array[key])
        out = xp.full(sizes, value, x.dtype)
        out[key] = x.data
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return Read.apply(grad, ctx.place), None, None


def pad(
    x: Tensor,
    pad: Sequence[int],
    mode: str = "constant",
    value: float | None = None,
) -> Tensor:
    """`pad` is (before, after) of the last axis, then of the one before it, and so on.

    Modes: constant (negative numbers cut), reflect (without the edge), replicate,
    circular.
    """
    pads = [int(p) for p in pad]
    if len(pads) % 2 or len(pads) > 2 * x.ndim:
        raise RuntimeError(
            f"pad: {len(pads)} numbers for shape {x.shape}: (before, after) for each "
            "axis from the last"
        )
    pairs = list(zip(pads[::2], pads[1::2], strict=True))[::-1]
    pairs = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    for n, (a, b) in zip(x.shape, pairs, strict=True):
        if n + a + b < 0:
            raise RuntimeError(f"pad: {pads} cut more of shape {x.shape} than there is")
    if mode == "constant":
        return _constant(x, pairs, 0.0 if value is None else value)
    if mode not in NUMPY_MODES:
        raise NotImplementedError(
            f"pad: mode {mode!r}; there are constant, {', '.join(NUMPY_MODES)}"
        )
    if value is not None and value != 0:
        raise ValueError(f"pad: value {value} goes with mode 'constant' only")
    _check_rank(x, len(pads) // 2, mode)
    for axis, (a, b) in enumerate(pairs):
        if a or b:
            x = _repeat_edges(x, axis, a, b, mode)
    return x


NUMPY_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _constant(x: Tensor, pairs: list, value: float) -> Tensor:
    cut = tuple(
        slice(max(-a, 0), n - max(-b, 0))
        for n, (a, b) in zip(x.shape, pairs, strict=True)
    )
    if any(a < 0 or b < 0 for a, b in pairs):
        x = view_at(x, lambda array: array[cut])
    more = tuple((max(a, 0), max(b, 0)) for a, b in pairs)
    return PadConstant.apply(x, more, value) if any(map(any, more)) else clone(x)


def _repeat_edges(x: Tensor, axis: int, a: int, b: int, mode: str) -> Tensor:
    n = x.shape[axis]
    most = {"reflect": n - 1, "circular": n}.get(mode, max(a, b))
    if max(a, b) > most or n == 0:
        raise RuntimeError(
            f"pad: {mode} of ({a}, {b}) at axis {axis} of size {n} (shape {x.shape}): "
            f"at most {most}"
        )
    if mode == "circular" and min(a, b) < 0:  # PyTorch wraps what the cut has left
        key = (slice(None),) * axis + (slice(max(-a, 0), n - max(-b, 0)),)
        cut = view_at(x, lambda array: array[key])
        return _repeat_edges(cut, axis, max(a, 0), max(b, 0), mode)
    index = np.pad(np.arange(n), (max(a, 0), max(b, 0)), mode=NUMPY_MODES[mode])
    index = index[max(-a, 0) : index.size - max(-b, 0)]
    key = (slice(None),) * axis + (array_module(x.data).asarray(index),)
    return read_at(x, key)


def _check_rank(x: Tensor, axes: int, mode: str) -> None:
    if not 1 <= axes <= 3 or x.ndim not in (axes + 1, axes + 2):
        raise NotImplementedError(
            f"pad: {mode} of the last {axes} axes of shape {x.shape}; channels have to "
            "stand before them: (channel, ...) or (batch, channel, ...)"
        )
