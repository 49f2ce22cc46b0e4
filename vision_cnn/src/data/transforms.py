"""Flip, crop and normalise a batch of images of bytes, each image with its own draw."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int, UInt8
from torch import Tensor

from ..utils.contracts import contract


CropFill = Literal["reflect", "zero"]


@contract
def flip_horizontal(
    images: UInt8[Tensor, "batch channel height width"], flags: Bool[Tensor, " batch"]
) -> UInt8[Tensor, "batch channel height width"]:
    """Mirror left and right the images whose flag is set."""
    flipped = images.clone()
    flipped[flags] = images[flags].flip(-1)
    return flipped


@contract
def crop(
    images: UInt8[Tensor, "batch channel height width"],
    top: Int[Tensor, " batch"],
    left: Int[Tensor, " batch"],
    *,
    pad: int,
    fill: CropFill = "reflect",
) -> UInt8[Tensor, "batch channel height width"]:
    """Grow by `pad` pixels on every side, then cut the old size from (top, left).

    `top` and `left` are 0 to 2 pad; pad gives back the input. `reflect` mirrors about
    the outermost pixel (`c b | a b c`), again where `pad` exceeds the side; `zero` is
    black.
    """
    for name, corner in (("top", top), ("left", left)):
        if len(corner) and not 0 <= corner.min() <= corner.max() <= 2 * pad:
            span = f"{corner.min()} to {corner.max()}"
            raise ValueError(f"{name} is {span}; with pad {pad} it is 0 to {2 * pad}")
    if pad == 0 or images.numel() == 0:
        return images
    batch, channels, height, width = images.shape
    source_row = top[:, None] + torch.arange(height) - pad
    first_row = torch.arange(batch * channels).view(batch, channels, 1) * height
    wide = _wider(images, pad, fill).flatten(0, 2)
    if fill == "reflect":
        rows = first_row + mirror(source_row, height)[:, None]
    else:
        inside = (source_row >= 0) & (source_row < height)
        rows = torch.where(inside[:, None], first_row + source_row[:, None], len(wide))
        wide = torch.cat([wide, wide.new_zeros(1, wide.shape[1])])
    starts = rows * wide.shape[1] + left[:, None, None]
    return _take_runs(wide, starts, width)


@contract
def to_input(
    images: UInt8[Tensor, "batch channel height width"],
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> Float32[Tensor, "batch channel height width"]:
    """(image / 255 - mean) / std of each channel."""
    scale = 1 / (255 * torch.tensor(std, dtype=torch.float64))
    shift = scale * 255 * torch.tensor(mean, dtype=torch.float64)
    scale, shift = (v.float()[:, None, None] for v in (scale, shift))
    return images.float().mul_(scale).sub_(shift)


def mirror(index: Int[Tensor, "*shape"], size: int) -> Int[Tensor, "*shape"]:
    """The pixel inside 0 .. size - 1 that `reflect` shows at any whole number."""
    period = max(2 * (size - 1), 1)
    index = index.remainder(period)
    return torch.minimum(index, period - index) if size > 1 else index * 0


def _wider(images: Tensor, pad: int, fill: CropFill) -> Tensor:
    """`pad` columns more on each side."""
    width = images.shape[-1]
    if fill == "reflect" and pad >= width:
        return images[..., mirror(torch.arange(-pad, width + pad), width)]
    wide = images.new_zeros(*images.shape[:-1], width + 2 * pad)
    wide[..., pad : pad + width] = images
    if fill == "reflect":  # the same as above, by slices five times as fast
        wide[..., :pad] = images[..., 1 : pad + 1].flip(-1)
        wide[..., pad + width :] = images[..., -pad - 1 : -1].flip(-1)
    return wide


def _take_runs(table: Tensor, starts: Tensor, length: int) -> Tensor:
    """`length` consecutive bytes from each place: numpy copies each run as one item."""
    flat = table.contiguous().view(-1).numpy()
    runs = np.ndarray((flat.size - length + 1,), f"V{length}", flat, strides=(1,))
    taken = runs[starts.reshape(-1).numpy()].view(np.uint8)
    return torch.from_numpy(taken).view(*starts.shape, length)
