"""Occlusion (Zeiler & Fergus 2014, arXiv 1311.2901, section 4.2).

Cover a window of the image, see how much of the score is lost, move on. Needs nothing
but forward passes, so it is a test of the other methods.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..utils.contracts import contract
from .gradients import class_score
from .layers import evaluating


@contract
def occlusion(
    model: nn.Module,
    image: Float[Tensor, "batch channel height width"],
    target: Int[Tensor, " batch"],
    *,
    window: int = 0,
    stride: int = 0,
    fill: float = 0.0,
    batch_size: int = 128,
) -> Float[Tensor, "batch height width"]:
    """Mean loss of the logit over all windows that cover a pixel; negative: it gains.

    `window` is a side in pixels (0: a fifth of the shorter side), `stride` the way to
    the next (0: half a window). `fill` covers with the mean colour. At most
    `batch_size` images run at a time, or one window of each image.
    """
    height, width = image.shape[2:]
    window = window or max(1, round(min(height, width) / 5))
    stride = stride or max(1, window // 2)
    masks = windows(height, width, window, stride).to(image.device)
    drops = []
    with evaluating(model), torch.no_grad():
        score = class_score(model(image), target)
        for some in masks.split(max(1, batch_size // max(1, len(image)))):
            covered = image.masked_fill(some[:, None, None], fill)
            logits = model(covered.flatten(0, 1))
            left = class_score(logits, target.repeat(len(some)))
            drops.append(score - left.unflatten(0, (len(some), len(image))))
    weights = masks.to(image.dtype)
    total = torch.einsum("wb,whv->bhv", torch.cat(drops), weights)
    return total / weights.sum(0)


@contract
def windows(
    height: int, width: int, window: int, stride: int
) -> Bool[Tensor, "windows {height} {width}"]:
    """A mask for each square; the last of a row and column is pushed to the edge.

    Raises ValueError if a stride longer than the window would leave pixels uncovered.
    """
    if not 1 <= stride <= window:
        raise ValueError(f"stride={stride} must lie in 1..window={window}")
    rows = _covers(height, window, stride)
    columns = _covers(width, window, stride)
    return (rows[:, None, :, None] & columns[None, :, None, :]).flatten(0, 1)


def _covers(length: int, window: int, stride: int) -> Tensor:
    """Which places of a line each window covers: (windows, length)."""
    last = max(0, length - window)
    starts = torch.tensor(sorted({*range(0, last, stride), last}))[:, None]
    place = torch.arange(length)
    return (place >= starts) & (place < starts + window)
