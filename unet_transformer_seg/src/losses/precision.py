"""Losses sum over many pixels: they are computed in float32 whatever autocast does."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor


def in_float32(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Run `loss` outside autocast with half-precision logits widened to float32."""

    @functools.wraps(loss)
    def widened(logits: Tensor, target: Tensor, **options) -> Tensor:
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()
        with torch.autocast(logits.device.type, enabled=False):
            return loss(logits, target, **options)

    return widened
