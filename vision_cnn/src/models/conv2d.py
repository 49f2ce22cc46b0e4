"""Convolution written out: every patch a column, then one matrix product.

A lesson beside `F.conv2d`, which gives the same numbers and is what the networks use.
Letters: B images, G groups, C channels and K kernels per group, h x w the kernel,
H' x W' the output. With X of C h w rows the patches, W of K rows the kernels, and Y:

    forward                      Y  = W X + b
    backward, from dY            dW = sum over images of dY X'
                                 db = sum over images and places of dY
                                 dX = W' dY, each entry added where it was read

No loop gathers the patches: they are a view of the padded image, whose strides step
over the kernel and over the places at once (`patches`). The image's gradient needs the
transpose of that view (`add_patches`).
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from ..utils.contracts import contract


Pair = int | tuple[int, int]


@contract
def conv2d(
    image: Float[Tensor, "batch channel height width"],
    weight: Float[Tensor, "kernels channel//{groups} kernel_height kernel_width"],
    bias: Float[Tensor, " kernels"] | None = None,
    *,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Float[Tensor, "batch kernels out_height out_width"]:
    """Cross-correlate, as `F.conv2d` does, with zeros around the image.

    out_height = (height + 2 padding - dilation (kernel_height - 1) - 1) // stride + 1.
    Can be differentiated any number of times. ValueError if the groups do not divide
    channels and kernels, or if the kernel is larger than the padded image.
    """
    stride, padding, dilation = _pair(stride), _pair(padding), _pair(dilation)
    if groups < 1 or image.shape[1] % groups or weight.shape[0] % groups:
        raise ValueError(
            f"groups = {groups}: must divide {image.shape[1]} channels "
            f"and {weight.shape[0]} kernels"
        )
    if min(*stride, *dilation) < 1 or min(padding) < 0:
        raise ValueError(
            f"stride = {stride}, dilation = {dilation}: must be >= 1; "
            f"padding = {padding}: must be >= 0"
        )
    for axis in (0, 1):
        span = dilation[axis] * (weight.shape[2 + axis] - 1) + 1
        side = image.shape[2 + axis] + 2 * padding[axis]
        if span > side:
            raise ValueError(f"a kernel over {span} pixels on an image of {side}")
    return _Conv2d.apply(image, weight, bias, stride, padding, dilation, groups)


class _Conv2d(torch.autograd.Function):
    @staticmethod
    def forward(ctx, image, weight, bias, stride, padding, dilation, groups):
        ctx.save_for_backward(image, weight)
        ctx.settings = stride, padding, dilation, groups
        x = patches(_pad(image, padding), weight.shape[2:], stride, dilation)
        x = x.unflatten(1, (groups, -1))  # (B, G, C, h, w, H', W')
        w = weight.unflatten(0, (groups, -1))  # (G, K, C, h, w)
        y = torch.einsum("gkcij,bgcijyx->bgkyx", w, x).flatten(1, 2)
        return y if bias is None else y + bias[:, None, None]

    @staticmethod
    def backward(ctx, grad):
        """Made of differentiable operations only, so that it has a derivative too."""
        image, weight = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.settings
        for_image, for_weight, for_bias, *_ = ctx.needs_input_grad
        dy = grad.unflatten(1, (groups, -1))  # (B, G, K, H', W')
        d_image = d_weight = None
        padded = _pad(image, padding)
        if for_weight:
            x = patches(padded, weight.shape[2:], stride, dilation)
            x = x.unflatten(1, (groups, -1))
            d_weight = torch.einsum("bgkyx,bgcijyx->gkcij", dy, x).flatten(0, 1)
        if for_image:
            w = weight.unflatten(0, (groups, -1))
            dx = torch.einsum("gkcij,bgkyx->bgcijyx", w, dy).flatten(1, 2)
            d_padded = add_patches(dx, padded.shape[2:], stride, dilation)
            d_image = F.pad(d_padded, [-p for p in _sides(padding)])
        d_bias = grad.sum((0, 2, 3)) if for_bias else None
        return d_image, d_weight, d_bias, None, None, None, None


@contract
def patches(
    image: Float[Tensor, "batch channel height width"],
    kernel: tuple[int, ...],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> Float[Tensor, "batch channel kernel_height kernel_width out_height out_width"]:
    """A view: entry (i, j, y, x) is pixel (y s + i d, x s + j d). Copies nothing."""
    batch, channels, *sides = image.shape
    by_batch, by_channel, *by_pixel = image.stride()
    places = _places(sides, kernel, stride, dilation)
    within = [step * d for step, d in zip(by_pixel, dilation, strict=True)]
    between = [step * s for step, s in zip(by_pixel, stride, strict=True)]
    return image.as_strided(
        (batch, channels, *kernel, *places),
        (by_batch, by_channel, *within, *between),
        image.storage_offset(),
    )


@contract
def add_patches(
    columns: Float[
        Tensor, "batch channel kernel_height kernel_width out_height out_width"
    ],
    size: tuple[int, ...],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> Float[Tensor, "batch channel height width"]:
    """The transpose of `patches`: <patches(a), c> = <a, add_patches(c)> for all a, c.

    A pixel gets the sum of the entries that were read from it.
    """
    batch, channels, height, width, *places = columns.shape
    image = columns.new_zeros(batch, channels, *size)
    for i in range(height):
        for j in range(width):
            rows, cols = (
                slice(k * d, k * d + s * (n - 1) + 1, s)
                for k, d, s, n in zip((i, j), dilation, stride, places, strict=True)
            )
            image[:, :, rows, cols] += columns[:, :, i, j]
    return image


def _places(sides, kernel, stride, dilation) -> list[int]:
    """How often the kernel fits into each side."""
    return [
        (side - d * (k - 1) - 1) // s + 1
        for side, k, s, d in zip(sides, kernel, stride, dilation, strict=True)
    ]


def _pad(image: Tensor, padding: tuple[int, int]) -> Tensor:
    return F.pad(image, _sides(padding)) if any(padding) else image


def _sides(padding: tuple[int, int]) -> list[int]:
    """As F.pad has them: left, right, top, bottom."""
    vertical, horizontal = padding
    return [horizontal, horizontal, vertical, vertical]


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value
