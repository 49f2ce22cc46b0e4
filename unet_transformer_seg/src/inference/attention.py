"""What the middle of an image looks at: the attention of the bottleneck, drawn."""

from pathlib import Path

import torch
from torch import Tensor

from ..models.padding import MIN_SIDE
from ..utils.charts import attention_picture
from ..utils.errors import InputError
from .predictor import Predictor, fit_channels, unit


def require_attention(predictor: Predictor) -> None:
    """Raise InputError if the model has no attention to draw."""
    if not hasattr(predictor.model, "attention_maps"):
        kind = type(predictor.model).__name__
        raise InputError(
            f"--attention: {kind} has no attention; it takes a unet_transformer"
        )


@torch.inference_mode()
def look(
    predictor: Predictor, image: Tensor, side: int, name: str = "image"
) -> tuple[Tensor, Tensor]:
    """The middle of `image` (CHW) in [0, 1], and its weights on the CPU.

    The weights, layers x heads x tokens x tokens, grow with the fourth power of the
    side: of a larger image only the central `side` pixels are looked at (0: all).
    """
    height, width = image.shape[-2:]
    top, left = (max(0, n - (side or n)) // 2 for n in (height, width))
    part = image[:, top : height - top, left : width - left]
    part = unit(fit_channels(part, predictor.info.in_channels, name))
    normal = predictor.info.normalise(part)[None].to(predictor.device)
    return part, predictor.model.attention_maps(normal)[:, 0].cpu()


def draw_attention(
    predictor: Predictor, image: Tensor, side: int, path: Path, name: str
) -> None:
    """Draw the weights of the token in the middle of `image` (CHW), a panel a layer.

    Of a larger image only the central `side` pixels are looked at (0: all), see `look`.
    Raises InputError below 16 pixels.
    """
    if min(image.shape[-2:]) < MIN_SIDE:
        raise InputError(
            f"{name}: --attention needs sides of {MIN_SIDE} pixels or more"
        )
    part, maps = look(predictor, image, side, name)
    middle = (part.shape[1] // 2, part.shape[2] // 2)
    title = f"{name}: where the token in the middle (framed) looks"
    attention_picture(part, maps, predictor.model.stride, middle, path, title)
