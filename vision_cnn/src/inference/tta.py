"""Test-time augmentation: the mean of the logits of several views of an image.

`flip`: the image and its mirror image. `flip_shift`: six views as in airbench (Jordan
2024, arXiv 2404.00498, section 3.6): half of the weight on these two, half on both of
them shifted by a pixel up and left, and down and right, the border reflected.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from ..utils.contracts import contract
from ..utils.errors import InputError


TTA = ("none", "flip", "flip_shift")
"""One, two and six views: so many times the work."""


@contract
def average_views(
    logits: Callable[[Tensor], Tensor],
    images: Float[Tensor, "batch channel height width"],
    tta: str = "none",
) -> Float[Tensor, "batch classes"]:
    """The weighted mean of `logits` over the views; ValueError for an unknown `tta`.

    Images of one pixel's height or width have no reflection and are repeated instead.
    """
    if tta not in TTA:
        raise ValueError(f"tta is {tta}, which is none of {', '.join(TTA)}")
    if tta == "none":
        return logits(images)
    straight = _with_mirror(logits, images)
    if tta == "flip":
        return straight
    height, width = images.shape[-2:]
    wide = pad(
        images, (1, 1, 1, 1), "reflect" if min(height, width) > 1 else "replicate"
    )
    down_right = _with_mirror(logits, wide[..., :height, :width])
    up_left = _with_mirror(logits, wide[..., 2:, 2:])
    return 0.5 * straight + 0.25 * (down_right + up_left)


def check_tta(tta: str) -> None:
    """Raise InputError for a `--tta` that there is not."""
    if tta not in TTA:
        raise InputError(f"--tta {tta}: choose one of {', '.join(TTA)}")


def _with_mirror(logits: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    return 0.5 * (logits(images) + logits(images.flip(-1)))
