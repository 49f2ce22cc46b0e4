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
    chosen = flags.nonzero()[:, 0]
    mirrored = images.index_select(0, chosen).flip(-1)
    return images.clone().index_copy_(0, chosen, mirrored)


@contract
def crop(
    images: UInt8[Tensor, "batch channel height width"],
    top: Int[Tensor, " batch"],
    left: Int[Tensor, " batch"],
    flip: Bool[Tensor, " batch"] | None = None,
    *,
    pad: int,
    fill: CropFill = "reflect",
) -> UInt8[Tensor, "batch channel height width"]:
    """Grow by `pad` pixels on every side, cut the old size from (top, left), flip.

    `top` and `left` are 0 to 2 pad; pad gives back the input. `reflect` mirrors about
    the outermost pixel (`c b | a b c`), again where `pad` exceeds the side; `zero` is
    black. `flip` mirrors what was cut, at no cost: each row of the result is one run of
    bytes of a tape that has the row both ways.
    """
    for name, corner in (("top", top), ("left", left)):
        if len(corner) and not 0 <= corner.min() <= corner.max() <= 2 * pad:
            span = f"{corner.min()} to {corner.max()}"
            raise ValueError(f"{name} is {span}; with pad {pad} it is 0 to {2 * pad}")
    if images.numel() == 0:
        return images
    batch, channels, height, width = images.shape
    flip = torch.zeros_like(top, dtype=torch.bool) if flip is None else flip
    down = (top - pad)[:, None] + torch.arange(height)
    first = torch.arange(batch * channels).view(batch, channels, 1) * height
    if fill == "reflect":
        tape, ahead, back = _mirror_tape(images, left - pad)
        rows = first + mirror(down, height)[:, None]
    else:
        tape, ahead, back = _zero_tape(images, left - pad, pad)
        inside = (down >= 0) & (down < height)
        rows = torch.where(inside[:, None], first + down[:, None], len(tape) - 1)
    starts = rows * tape.shape[1] + torch.where(flip, back, ahead)[:, None, None]
    return _take_runs(tape, starts, width)


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


def _mirror_tape(images: Tensor, shift: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A period of each mirrored row and the row again: a b c d c b a b c d.

    Also where the row moved by `shift` begins, and where its mirror image does.
    """
    width = images.shape[-1]
    period = max(2 * (width - 1), 1)
    tape = images.new_empty(images.shape[:-1].numel(), period + width)
    rows = images.reshape(len(tape), width)
    tape[:, :width], tape[:, period:] = rows, rows
    tape[:, width:period] = rows.flip(-1)[:, 1:-1]
    return tape, shift.remainder(period), (1 - width - shift).remainder(period)


def _zero_tape(
    images: Tensor, shift: Tensor, pad: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Black, each row, black, its mirror image, black; and a last row all black."""
    width = images.shape[-1]
    tape = images.new_zeros(images.shape[:-1].numel() + 1, 3 * pad + 2 * width)
    rows = images.reshape(len(tape) - 1, width)
    tape[:-1, pad : pad + width] = rows
    tape[:-1, 2 * pad + width : 2 * (pad + width)] = rows.flip(-1)
    return tape, pad + shift, 2 * pad + width - shift


def _take_runs(table: Tensor, starts: Tensor, length: int) -> Tensor:
    """`length` consecutive bytes from each place: numpy copies each run as one item."""
    flat = table.view(-1).numpy()
    runs = np.ndarray((flat.size - length + 1,), f"V{length}", flat, strides=(1,))
    taken = runs[starts.reshape(-1).numpy()].view(np.uint8)
    return torch.from_numpy(taken).view(*starts.shape, length)
