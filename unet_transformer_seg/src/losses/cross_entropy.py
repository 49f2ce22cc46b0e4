"""Cross entropy over the pixels that count, and class weights for unbalanced data."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..data.info import IGNORE_INDEX
from ..utils.contracts import contract
from .precision import in_float32


@in_float32
@contract
def cross_entropy_loss(
    logits: Float[Tensor, "batch classes height width"],
    target: Int[Tensor, "batch height width"],
    *,
    weight: Float[Tensor, " classes"] | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """Sum of w_y nll over sum of w_y (smoothing: Szegedy et al. 2016, section 7).

    By hand: two classes of equal logits cost log 2 = 0.6931 a pixel.
    All pixels ignored, or of weight 0: 0, with zero gradient, where torch says NaN.
    """
    # "none": the sums inside F.cross_entropy are not deterministic on CUDA
    nll = F.cross_entropy(
        logits,
        target,
        weight=weight,
        ignore_index=ignore_index,
        reduction="none",
        label_smoothing=label_smoothing,
    )
    return nll.sum() / safe_divisor(
        pixel_weight(target, weight, ignore_index, logits.dtype).sum()
    )


def pixel_weight(
    target: Tensor, weight: Tensor | None, ignore_index: int, dtype: torch.dtype
) -> Tensor:
    """w_y of each pixel, or 1 without weights; 0 where the pixel is ignored."""
    valid = target != ignore_index
    if weight is None:
        return valid.to(dtype)
    return weight[torch.where(valid, target, 0)] * valid


def safe_divisor(total: Tensor) -> Tensor:
    """`total` with 1 in the place of 0, for sums that are 0 when their divisor is."""
    return torch.where(total == 0, 1, total)


def inverse_frequency(class_pixels: tuple[int, ...]) -> Tensor:
    """Class weights as 1 / pixels, scaled to mean 1; a class of no pixels weighs 1.

    1 and not 0: if the class turns up after all it is learned, and the mean stays 1.
    """
    pixels = torch.tensor(class_pixels, dtype=torch.float64)
    present = pixels > 0
    if not present.any():
        raise ValueError(f"class_pixels is {class_pixels}: no class has a pixel")
    inverse = 1 / pixels[present]
    weight = torch.ones_like(pixels)
    weight[present] = inverse / inverse.mean()
    return weight.float()
