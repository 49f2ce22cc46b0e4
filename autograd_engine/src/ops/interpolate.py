"""Images of another size: interpolation, and channels that become pixels.

Every mode is linear and goes axis by axis. Along an axis each output is a weighted sum
of a few inputs, its taps; which ones rises from output to output, so that the gradient
of an input is a sum over neighbours.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ..engine.backend import array_module
from ..engine.function import Function
from ..engine.tensor import Tensor
from ..utils.contracts import contract
from .fused import refuse
from .geometry import per_axis, with_batch
from .pooling import adaptive_mean


MODES = {  # mode -> how many spatial axes it is for
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
    "area": (1, 2, 3),
}
CUBIC = -0.75  # Keys' a (1981), as torch has it


@contract
def interpolate(
    input: Float[Tensor, "batch channel *sizes"],
    size: int | tuple[int, ...] | list[int] | None = None,
    scale_factor: float | tuple[float, ...] | list[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Float[Tensor, "batch channel *resized"]:
    """`input` resized to `size`, or by `scale_factor`.

    Modes: nearest, nearest-exact, linear (1 spatial axis), bilinear and bicubic (2),
    trilinear (3), area (adaptive mean). `align_corners` makes the first and last pixels
    stay where they are; only the linear and cubic modes know it.
    """
    axes = input.ndim - 2
    _check_mode(mode, input)
    refuse("interpolate", antialias=antialias)
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ValueError(f"interpolate: align_corners is not for mode={mode!r}")
    sizes, scales = _sizes(input, size, scale_factor)
    if recompute_scale_factor:
        if scale_factor is None:
            raise ValueError("interpolate: recompute_scale_factor needs scale_factor")
        scales = (None,) * axes
    if mode == "area":
        return adaptive_mean(axes, input, sizes)

    def resize(x: Tensor) -> Tensor:
        for axis, (n, scale) in enumerate(zip(sizes, scales, strict=True), start=2):
            taps = _taps(x, axis, n, scale, mode, bool(align_corners))
            x = Resample.apply(x, taps)
        return x

    return with_batch("interpolate", input, axes, resize)


@contract
def pixel_shuffle(
    input: Float[Tensor, "*batch channel height width"], upscale_factor: int
) -> Float[Tensor, "*batch out_channels out_height out_width"]:
    """(C r^2, H, W) to (C, H r, W r): channels become pixels (Shi et al. 2016)."""
    (r,) = per_axis("pixel_shuffle", "upscale_factor", upscale_factor, 1)
    *lead, c, h, w = input.shape
    if c % (r * r):
        raise RuntimeError(
            f"pixel_shuffle: {c} channels of input {input.shape} are not divisible by "
            f"{r} * {r}"
        )
    x = input.reshape(*lead, c // (r * r), r, r, h, w)
    order = (0, 3, 1, 4, 2)  # (C, r, r, H, W) -> (C, H, r, W, r)
    x = x.permute(*range(len(lead)), *(len(lead) + i for i in order))
    return x.reshape(*lead, c // (r * r), h * r, w * r)


@contract
def pixel_unshuffle(
    input: Float[Tensor, "*batch channel height width"], downscale_factor: int
) -> Float[Tensor, "*batch out_channels out_height out_width"]:
    """(C, H r, W r) to (C r^2, H, W): the inverse of `pixel_shuffle`."""
    (r,) = per_axis("pixel_unshuffle", "downscale_factor", downscale_factor, 1)
    *lead, c, h, w = input.shape
    if h % r or w % r:
        raise RuntimeError(
            f"pixel_unshuffle: height and width of input {input.shape} are not "
            f"divisible by {r}"
        )
    x = input.reshape(*lead, c, h // r, r, w // r, r)
    order = (0, 2, 4, 1, 3)  # (C, H, r, W, r) -> (C, r, r, H, W)
    x = x.permute(*range(len(lead)), *(len(lead) + i for i in order))
    return x.reshape(*lead, c * r * r, h // r, w // r)


class Taps(NamedTuple):
    """Output i along `axis` is the sum over t of weights[t, i] * x[places[t, i]]."""

    axis: int
    size: int  # of the input
    places: np.ndarray  # (taps, outputs), each row rising
    weights: np.ndarray | None  # None: one tap of weight 1


class Resample(Function):
    """The weighted sums that `taps` describes, along one axis."""

    @staticmethod
    def forward(ctx: Function, x: Tensor, taps: Taps) -> Any:
        ctx.taps = taps
        xp = array_module(x.data)
        total = None
        for place, weight in _each(taps, x.ndim, xp):
            part = xp.take(x.data, xp.asarray(place), taps.axis)
            if weight is not None:
                part *= weight
            total = part if total is None else np.add(total, part, out=total)
        return total

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return ResampleBack.apply(grad, ctx.taps), None


class ResampleBack(Function):
    """The gradient of `Resample`: neighbours that came from one input are added up."""

    @staticmethod
    def forward(ctx: Function, g: Tensor, taps: Taps) -> Any:
        ctx.taps = taps
        xp, axis = array_module(g.data), taps.axis
        shape = (*g.shape[:axis], taps.size, *g.shape[axis + 1 :])
        out = xp.zeros(shape, g.dtype)
        if g.data.size == 0:
            return out
        for place, weight in _each(taps, g.ndim, xp):
            part = g.data if weight is None else g.data * weight
            starts = np.flatnonzero(np.diff(place, prepend=-1))
            sums = xp.add.reduceat(part, xp.asarray(starts), axis)
            out[(slice(None),) * axis + (place[starts],)] += sums
        return out

    @staticmethod
    def backward(ctx: Function, grad: Tensor) -> tuple:
        return Resample.apply(grad, ctx.taps), None


def _each(taps: Taps, ndim: int, xp: Any):
    shape = [1] * ndim
    shape[taps.axis] = -1
    for t, place in enumerate(taps.places):
        weights = taps.weights
        yield place, None if weights is None else xp.asarray(weights[t]).reshape(shape)


def _check_mode(mode: str, x: Tensor) -> None:
    if mode not in MODES:
        raise NotImplementedError(
            f"interpolate: mode={mode!r} is not one of {', '.join(MODES)}"
        )
    if x.ndim - 2 not in MODES[mode]:
        raise NotImplementedError(
            f"interpolate: mode={mode!r} is for {' or '.join(map(str, MODES[mode]))} "
            f"spatial axes, the input {x.shape} has {x.ndim - 2}"
        )


def _sizes(x: Tensor, size: Any, scale_factor: Any) -> tuple[tuple, tuple]:
    """The new sizes, and the scale that was asked for along each axis, if any."""
    axes = x.ndim - 2
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give either size or scale_factor")
    if 0 in x.shape[1:]:
        raise RuntimeError(f"interpolate: input {x.shape} has no pixels")
    if size is not None:
        return per_axis("interpolate", "size", size, axes), (None,) * axes
    many = isinstance(scale_factor, (tuple, list))
    scales = tuple(scale_factor) if many else (scale_factor,) * axes
    if len(scales) != axes:
        raise ValueError(
            f"interpolate: scale_factor={scale_factor!r} for {axes} spatial axes"
        )
    sizes = tuple(math.floor(n * s) for n, s in zip(x.shape[2:], scales, strict=True))
    if min(sizes) < 1:
        raise RuntimeError(f"interpolate: input {x.shape} would have sizes {sizes}")
    return sizes, scales


def _taps(x: Tensor, axis: int, out: int, scale: Any, mode: str, align: bool) -> Taps:
    size = x.shape[axis]
    if mode.startswith("nearest"):
        scale = 1 if out == size and x.ndim == 4 else scale  # as torch, only in 2-d
        return Taps(axis, size, _nearest(size, out, scale, mode), None)
    # Where outputs lie in the input, in the dtype of the input as torch has it.
    kind = x.dtype.type
    i = np.arange(out).astype(kind)
    if align:
        step = kind(size - 1) / kind(out - 1) if out > 1 else kind(0)
        at = step * i
    else:
        step = kind(size) / kind(out) if scale is None else kind(1 / scale)
        at = step * (i + kind(0.5)) - kind(0.5)
    if mode == "bicubic":
        low = np.floor(at)
        weights = _cubic(at - low)
        places = low.astype(np.int64) + np.arange(-1, 3)[:, None]
        return Taps(axis, size, places.clip(0, size - 1), weights)
    if out == size:
        at = i
    at = at.clip(0)
    low = np.floor(at).astype(np.int64).clip(0, size - 1)
    right = (at - low).clip(0, 1)
    places = np.stack([low, (low + 1).clip(0, size - 1)])
    return Taps(axis, size, places, np.stack([1 - right, right]).astype(kind))


def _nearest(size: int, out: int, scale: Any, mode: str) -> np.ndarray:
    """In float32 for every dtype, as torch has it."""
    step = np.float32(size / out if scale is None else 1 / scale)
    i = np.arange(out, dtype=np.float32)
    if mode == "nearest-exact":
        i += np.float32(0.5)
    places = np.floor(i * step).astype(np.int64)
    return places.clip(0, size - 1)[None]


def _cubic(t: np.ndarray) -> np.ndarray:
    """The weights of the four neighbours at a distance t behind the second one."""
    near = np.stack([t, 1 - t])
    far = near + 1
    inner = ((CUBIC + 2) * near - (CUBIC + 3)) * near * near + 1
    outer = ((CUBIC * far - 5 * CUBIC) * far + 8 * CUBIC) * far - 4 * CUBIC
    return np.stack([outer[0], inner[0], inner[1], outer[1]]).astype(t.dtype)
