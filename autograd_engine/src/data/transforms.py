"""Images made ready and varied, a batch at a time: uint8 in, float32 out.

What is random is a hash of (seed, epoch, place of the sample), so that a resumed run
sees the same pixels. Images are (batch, channel, height, width) throughout.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int, UInt8
from numpy import ndarray  # as docs/CONTRACTS.md spells it

from ..utils.contracts import contract


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """How training images are varied; the defaults leave them as they are."""

    crop: int = 0
    """Pixels of border added on each side before a crop of the old size; 0 is off."""
    flip: bool = False
    """Mirror half of the images, left to right."""
    cut_out: int = 0
    """Side in pixels of a blanked square (DeVries & Taylor 2017); 0 is off."""

    def __post_init__(self) -> None:
        for name in ("crop", "cut_out"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} = {getattr(self, name)}: must be >= 0 pixels")


def prepare_images(
    images: np.ndarray,
    index: np.ndarray,
    seed: int,
    epoch: int,
    *,
    mean: list[float],
    std: list[float],
    config: AugmentConfig | None = None,
) -> np.ndarray:
    """A batch of uint8 images, augmented where `config` is given, and normalised."""
    if config is not None:
        fill = np.rint(np.asarray(mean) * 255).astype(np.uint8)
        images = augment(images, index, seed, epoch, config, fill)
    return normalise(images, mean, std)


@contract
def normalise(
    images: UInt8[ndarray, "batch channel height width"],
    mean: Sequence[float],
    std: Sequence[float],
) -> Float32[ndarray, "batch channel height width"]:
    """(images / 255 - mean) / std with a mean and deviation per channel."""
    scale = 1.0 / (255.0 * np.asarray(std, np.float64))
    shift = -np.asarray(mean, np.float64) / np.asarray(std, np.float64)
    out = np.multiply(images, scale.astype(np.float32)[:, None, None])
    out += shift.astype(np.float32)[:, None, None]
    return out


def channel_statistics(
    images: np.ndarray,
) -> tuple[list[float], list[float]]:
    """Mean and deviation of each channel of uint8 images, where 255 is 1.

    A channel without any spread gets the deviation 1, so that it can be divided by.
    """
    count, channels, height, width = images.shape
    total, squares = np.zeros(channels), np.zeros(channels)
    for first in range(0, count, 1024):  # sums of whole numbers: exact in float64
        chunk = images[first : first + 1024].astype(np.float32)
        total += chunk.sum((0, 2, 3), dtype=np.float64)
        chunk *= chunk
        squares += chunk.sum((0, 2, 3), dtype=np.float64)
    pixels = count * height * width
    mean = total / pixels
    std = np.sqrt(np.maximum(squares / pixels - mean**2, 0.0))
    std = np.where(std > 0, std, 255.0)
    return (mean / 255.0).tolist(), (std / 255.0).tolist()


@contract
def augment(
    images: UInt8[ndarray, "batch channel height width"],
    index: Int[ndarray, " batch"],
    seed: int,
    epoch: int,
    config: AugmentConfig,
    fill: UInt8[ndarray, " channel"],
) -> UInt8[ndarray, "batch channel height width"]:
    """Crop, flip and cut out as `config` says; `fill` is the colour of blank pixels."""
    height, width = images.shape[2:]
    draws = uniforms(seed, epoch, index, 5)
    if config.crop:
        shift = (draws[:, :2] * (2 * config.crop + 1)).astype(np.int64)
        images = crop(images, shift, config.crop, fill)
    if config.flip:
        images = flip(images, draws[:, 2] < 0.5)
    if config.cut_out:
        centre = (draws[:, 3:] * (height, width)).astype(np.int64)
        images = cut_out(images, centre, config.cut_out, fill)
    return images


@contract
def crop(
    images: UInt8[ndarray, "batch channel height width"],
    shift: Int[ndarray, "batch 2"],
    border: int,
    fill: UInt8[ndarray, " channel"],
) -> UInt8[ndarray, "batch channel height width"]:
    """The window at `shift` (down, right) of each image after `border` pixels of `fill`
    were put around it; a shift of (border, border) changes nothing."""
    batch, channel, height, width = images.shape
    shape = (batch, channel, height + 2 * border, width + 2 * border)
    wide = np.empty(shape, np.uint8)
    wide[:] = fill[:, None, None]
    wide[:, :, border : border + height, border : border + width] = images
    windows = np.lib.stride_tricks.sliding_window_view(wide, (height, width), (2, 3))
    return windows[np.arange(batch), :, shift[:, 0], shift[:, 1]]


@contract
def flip(
    images: UInt8[ndarray, "batch channel height width"],
    chosen: Bool[ndarray, " batch"],
) -> UInt8[ndarray, "batch channel height width"]:
    """The chosen images mirrored, left to right; the others as they are."""
    out = images.copy()
    out[chosen] = images[chosen, :, :, ::-1]
    return out


@contract
def cut_out(
    images: UInt8[ndarray, "batch channel height width"],
    centre: Int[ndarray, "batch 2"],
    size: int,
    fill: UInt8[ndarray, " channel"],
) -> UInt8[ndarray, "batch channel height width"]:
    """A square of side `size` in the colour `fill` about each centre (row, column), cut
    off at the edges of the image."""
    first = centre - size // 2
    inside = [
        (np.arange(side) >= first[:, [axis]])
        & (np.arange(side) < first[:, [axis]] + size)
        for axis, side in enumerate(images.shape[2:])
    ]
    square = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return np.where(square, fill[:, None, None], images)


@contract
def uniforms(
    seed: int, epoch: int, index: Int[ndarray, " batch"], count: int
) -> Float64[ndarray, "batch {count}"]:
    """`count` numbers in [0, 1) for each sample: a hash of (seed, epoch, index).

    Each word goes through the mixer of SplitMix64 (Steele, Lea & Flood 2014), for all
    samples at once; a generator a sample would cost 10 microseconds each.
    """
    state = _mix(np.uint64(seed % 2**64) + GOLDEN)
    state = _mix((state ^ np.uint64(epoch)) + GOLDEN)
    state = _mix((state ^ index.astype(np.uint64)) + GOLDEN)
    steps = np.arange(1, count + 1, dtype=np.uint64) * GOLDEN
    return (_mix(state[:, None] + steps) >> np.uint64(11)) * 2.0**-53


GOLDEN = np.array([0x9E3779B97F4A7C15], np.uint64)  # an array: it wraps in silence


def _mix(word: np.ndarray) -> np.ndarray:
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))
