# pattern: utils/tensor_utils.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/tensor_utils.py --from <sub-project>
"""Walks over the dicts, lists and tuples in which batches travel."""

from typing import Any

import torch
from torch import Tensor


def to_device(
    value: Any, device: torch.device | str, channels_last: bool = False
) -> Any:
    """Move each tensor inside; what is not a tensor stays as it is.

    `channels_last` lays floating tensors of four axes out as convolutions like them.
    """
    if isinstance(value, Tensor):
        if channels_last and value.ndim == 4 and value.is_floating_point():
            layout = torch.channels_last
            return value.to(device, non_blocking=True, memory_format=layout)
        return value.to(device, non_blocking=True)
    if isinstance(value, dict):
        return {
            key: to_device(item, device, channels_last) for key, item in value.items()
        }
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(to_device(item, device, channels_last) for item in value))
    if type(value) in (list, tuple):
        return type(value)(to_device(item, device, channels_last) for item in value)
    return value
