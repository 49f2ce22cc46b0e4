"""Arguments and results of samples: flat, and in words."""

from typing import Any

import torch


def flatten(value: Any) -> list:
    if isinstance(value, (tuple, list)):
        return [leaf for item in value for leaf in flatten(item)]
    return [value]


def describe(arguments: Any) -> str:
    """The arguments of a sample with shapes in place of values."""
    if isinstance(arguments, torch.Tensor):
        return f"{str(arguments.dtype).removeprefix('torch.')}{list(arguments.shape)}"
    if isinstance(arguments, (tuple, list)):
        return f"({', '.join(describe(a) for a in arguments)})"
    if isinstance(arguments, dict):
        return ", ".join(f"{k}={describe(v)}" for k, v in arguments.items())
    return repr(arguments)
