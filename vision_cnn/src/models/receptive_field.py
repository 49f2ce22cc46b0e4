"""Which input pixels a place of a feature map can see, followed through any operation.

A convolution with kernel k, stride s, padding p and dilation d over a map whose places
lie `stride` pixels apart: low' = low - p stride, high' = high + (d (k - 1) - p) stride,
stride' = s stride (Araujo, Norris & Sim 2019, "Computing receptive fields of
convolutional neural networks"). Where branches meet, the field is their hull.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor


Pair = tuple[float, float]


@dataclass(frozen=True)
class Field:
    """Place i of a map sees the pixels low + i stride to high + i stride of an axis.

    Without end where the whole image is seen. Pairs are (down, right).
    """

    low: Pair
    high: Pair
    stride: Pair
    axes: tuple[int, int] | None
    """Which axes of the tensor are height and width; None once they are one."""
    places: int
    """Height times width of the map."""

    @property
    def size(self) -> Pair:
        return tuple(h - low + 1 for low, h in zip(self.low, self.high, strict=True))

    @property
    def centre(self) -> Pair:
        """Of the first place, in pixels; not a number where the whole image is seen."""
        return tuple((low + h) / 2 for low, h in zip(self.low, self.high, strict=True))


def of_image(height: int, width: int) -> Field:
    """Each pixel of an image (batch channel height width) sees itself."""
    return Field((0, 0), (0, 0), (1, 1), (2, 3), height * width)


def follow(operation: Any, args: tuple, out: Tensor, fields: list[Field]) -> Field:
    """The field of `out`, from those of the tensors in `args`, for a batch of 1."""
    field = _hull(fields)
    kind = operation.overloadpacket
    rule = _mix if "scaled_dot_product" in str(kind) else _RULES.get(kind)
    field = rule(field, args, out) if rule else _keep(field, args, out)
    if field.axes:
        field = replace(field, places=math.prod(out.shape[a] for a in field.axes))
    return field


def _hull(fields: list[Field]) -> Field:
    first, *rest = fields
    for other in rest:
        first = Field(
            tuple(map(min, first.low, other.low)),
            tuple(map(max, first.high, other.high)),
            tuple(map(max, first.stride, other.stride)),
            first.axes or other.axes,
            max(first.places, other.places),
        )
    return first


def _keep(field: Field, args: tuple, out: Tensor) -> Field:
    """Point by point."""
    return field


def _reshape(field: Field, args: tuple, out: Tensor) -> Field:
    """Height and width are followed as long as they keep their axes."""
    same = field.axes and args[0].shape[1:] == out.shape[1:]
    return field if same else replace(field, axes=None)


def _whole(field: Field, axes: Sequence[int] = (0, 1)) -> Field:
    """The whole image along height (0), width (1) or both."""
    low, high = list(field.low), list(field.high)
    for axis in axes:
        low[axis], high[axis] = -math.inf, math.inf
    return replace(field, low=tuple(low), high=tuple(high))


def _window(
    field: Field, kernel: Any, stride: Any, padding: Any, dilation: Any = 1
) -> Field:
    low, high, steps = [], [], []
    for axis in range(2):
        k, s, p, d = (_at(v, axis) for v in (kernel, stride, padding, dilation))
        step = field.stride[axis]
        low.append(field.low[axis] - p * step)
        high.append(field.high[axis] + (d * (k - 1) - p) * step)
        steps.append(s * step)
    return replace(field, low=tuple(low), high=tuple(high), stride=tuple(steps))


def _at(value: Any, axis: int) -> int:
    """Of (down, right), of a list of one, or of a number for both."""
    if isinstance(value, int):
        return value
    return value[axis if len(value) > 1 else 0]


def _convolution(field: Field, args: tuple, out: Tensor) -> Field:
    _, weight, _, stride, padding, dilation, transposed, *_ = args
    if transposed:
        raise NotImplementedError("the receptive field of a transposed convolution")
    return _window(field, weight.shape[2:], stride, padding, dilation)


def _pool(field: Field, args: tuple, out: Tensor) -> Field:
    kernel, stride, padding = (*args[1:4], *(None,) * 3)[:3]
    if out.shape[2:].numel() == 1 and _at(kernel, 0) * _at(kernel, 1) == field.places:
        return _whole(field)
    return _window(field, kernel, stride or kernel, padding or 0)


def _adaptive_pool(field: Field, args: tuple, out: Tensor) -> Field:
    sides = [(args[0].shape[axis], out.shape[axis]) for axis in field.axes]
    if all(before % after == 0 for before, after in sides):
        kernel = [before // after for before, after in sides]
        field = _window(field, kernel, kernel, 0)
    whole = [i for i, (_, after) in enumerate(sides) if after == 1]
    uneven = [i for i, (before, after) in enumerate(sides) if before % after]
    return _whole(field, {*whole, *uneven})


def _reduce(field: Field, args: tuple, out: Tensor) -> Field:
    """A mean or maximum; over features it leaves the places alone."""
    dims = args[1] if len(args) > 1 and args[1] is not None else range(args[0].ndim)
    dims = [dims] if isinstance(dims, int) else dims
    dims = {d % args[0].ndim for d in dims}
    kept = out.ndim == args[0].ndim
    if field.axes is None:
        return field if dims == {args[0].ndim - 1} else _whole(field)
    field = _whole(field, [i for i, axis in enumerate(field.axes) if axis in dims])
    if kept:
        return field
    if dims & set(field.axes):
        return replace(field, axes=None, places=1)
    shifted = tuple(a - sum(d < a for d in dims) for a in field.axes)
    return replace(field, axes=shifted)


def _slice(field: Field, args: tuple, out: Tensor) -> Field:
    _, dim, start, _, step = (*args, *(None,) * 4)[:5]
    if field.axes is None or dim % out.ndim not in field.axes:
        return field
    axis, begin = field.axes.index(dim % out.ndim), start or 0
    begin = begin + args[0].shape[dim] if begin < 0 else begin
    low, high, stride = map(list, (field.low, field.high, field.stride))
    low[axis] += begin * stride[axis]
    high[axis] += begin * stride[axis]
    stride[axis] *= step or 1
    return replace(field, low=tuple(low), high=tuple(high), stride=tuple(stride))


def _pad(field: Field, args: tuple, out: Tensor) -> Field:
    low, high = list(field.low), list(field.high)
    for axis, place in enumerate(field.axes or ()):
        last = 2 * (out.ndim - 1 - place)  # pairs are given from the last axis on
        shift = args[1][last] * field.stride[axis] if last < len(args[1]) else 0
        low[axis], high[axis] = low[axis] - shift, high[axis] - shift
    return replace(field, low=tuple(low), high=tuple(high))


def _permute(field: Field, args: tuple, out: Tensor) -> Field:
    if field.axes is None:
        return field
    order = [d % out.ndim for d in args[1]]
    return replace(field, axes=tuple(order.index(axis) for axis in field.axes))


def _transpose(field: Field, args: tuple, out: Tensor) -> Field:
    order = list(range(out.ndim))
    first, second = (d % out.ndim for d in args[1:3])
    order[first], order[second] = second, first
    return _permute(field, (args[0], order), out)


def _product(field: Field, args: tuple, out: Tensor) -> Field:
    """A row for each place leaves them alone; one row of all places mixes them."""
    return field if field.places == 1 or out.shape[0] > 1 else _whole(field)


def _layer_norm(field: Field, args: tuple, out: Tensor) -> Field:
    """Over the last axes, which are the features alone but for unusual models."""
    first = out.ndim - len(args[1])
    if field.axes is None:
        return field if len(args[1]) == 1 else _whole(field)
    return _whole(field, [i for i, axis in enumerate(field.axes) if axis >= first])


def _mix(field: Field, args: tuple, out: Tensor) -> Field:
    """Attention, and norms over all places."""
    return _whole(field)


_aten = torch.ops.aten
_RULES = {
    _aten.convolution: _convolution,
    _aten.max_pool2d_with_indices: _pool,
    _aten.avg_pool2d: _pool,
    _aten._adaptive_avg_pool2d: _adaptive_pool,
    _aten.adaptive_max_pool2d: _adaptive_pool,
    _aten.mean: _reduce,
    _aten.sum: _reduce,
    _aten.amax: _reduce,
    _aten.slice: _slice,
    _aten.constant_pad_nd: _pad,
    _aten.permute: _permute,
    _aten.transpose: _transpose,
    _aten.mm: _product,
    _aten.addmm: _product,
    _aten.bmm: _mix,
    _aten.baddbmm: _mix,
    _aten.native_group_norm: _mix,
    _aten.native_layer_norm: _layer_norm,
    _aten.view: _reshape,
    _aten._unsafe_view: _reshape,
    _aten.unsqueeze: _reshape,
    _aten.squeeze: _reshape,
    _aten.select: _reshape,
}
