"""What made a number of a layer: patch times kernel, scale and shift, or a sentence."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Seen(NamedTuple):
    module: nn.Module
    before: Tensor | None
    """(channels, rows, columns) of what went in, if that was one tensor."""
    after: Tensor


def rule(seen: Seen, channels: Tensor) -> dict[str, Any]:
    """`rule` and what it needs, for these channels of the layer.

    convolution: `input`, `weight` (kernels, channels of a group, height, width), `bias`
    and the geometry. affine: `before`, `scale`, `shift`. pointwise: `before`. other:
    only `said`. A linear layer is a convolution of 1x1 at each of its places.
    """
    module, before, after = seen
    found: dict[str, Any] = {"rule": "other", "said": sentence(module)}
    if isinstance(module, nn.Conv2d) and before is not None:
        return found | _convolution(module, before, channels)
    linear = isinstance(module, nn.Linear) and before is not None
    if linear and before.shape[1:] == after.shape[1:]:
        return found | _linear(module, before, channels)
    if before is None or before.shape != after.shape:
        return found
    if isinstance(module, nn.BatchNorm2d):
        return found | _affine(module, before, channels)
    if not any(True for _ in module.children()):
        return found | {"rule": "pointwise", "before": before[channels]}
    return found


def sentence(module: nn.Module) -> str:
    """In one sentence what the layer does, without the numbers of a unit."""
    for kinds, text in _SENTENCES:
        if isinstance(module, kinds):
            return text
    if isinstance(module, nn.Sequential) and len(module):
        last = [*module.named_children()][-1]
        return (
            f"A chain of {len(module)} parts: the number is what its last part, "
            f"{last[0]} ({type(last[1]).__name__}), gave."
        )
    lines = (module.__doc__ or "").strip().split("\n\n")[0]
    text = " ".join(lines.split()).rstrip(".:")
    return f"{text}." if text else f"{type(module).__name__} made it of its inputs."


def _convolution(module: nn.Conv2d, before: Tensor, channels: Tensor) -> dict[str, Any]:
    sides = module._reversed_padding_repeated_twice  # left, right, top, bottom
    return {
        "rule": "convolution",
        "input": before,
        "weight": module.weight.detach()[channels].float().contiguous(),
        "bias": _or_zero(module.bias, module.weight)[channels],
        "stride": list(module.stride),
        "padding": [sides[2], sides[0]],
        "zeros": module.padding_mode == "zeros",
        "dilation": list(module.dilation),
        "groups": module.groups,
        "kernels": module.out_channels,
    }


def _linear(module: nn.Linear, before: Tensor, channels: Tensor) -> dict[str, Any]:
    return {
        "rule": "convolution",
        "input": before,
        "weight": module.weight.detach()[channels][:, :, None, None].float(),
        "bias": _or_zero(module.bias, module.weight)[channels],
        "stride": [1, 1],
        "padding": [0, 0],
        "zeros": True,
        "dilation": [1, 1],
        "groups": 1,
        "kernels": module.out_features,
    }


def _affine(module: nn.BatchNorm2d, before: Tensor, channels: Tensor) -> dict[str, Any]:
    """Batch norm of fixed statistics: x scale + shift."""
    deviation = (module.running_var + module.eps).sqrt()
    weight, bias = module.weight, module.bias
    scale = (torch.ones_like(deviation) if weight is None else weight) / deviation
    shift = (0 if bias is None else bias) - module.running_mean * scale
    return {
        "rule": "affine",
        "before": before[channels],
        "scale": scale.detach()[channels].float(),
        "shift": shift.detach()[channels].float(),
    }


def _or_zero(bias: Tensor | None, weight: Tensor) -> Tensor:
    return weight.new_zeros(len(weight)) if bias is None else bias.detach().float()


_SENTENCES = (
    (nn.Conv2d, "The patch times the kernel, added up, plus the bias."),
    (nn.Linear, "All numbers that come in times a row of weights, plus the bias."),
    (
        nn.BatchNorm2d,
        "Batch norm: minus the channel's mean, over its deviation, times its weight, "
        "plus its bias, which is a scale and a shift.",
    ),
    (nn.ReLU6, "ReLU6: what is below 0 becomes 0, what is above 6 becomes 6."),
    (nn.ReLU, "ReLU: what is below 0 becomes 0, the rest passes."),
    (
        nn.GELU,
        "GELU: the number times the chance that a normal draw lies below it, so what "
        "is far below 0 becomes 0.",
    ),
    (nn.MaxPool2d, "The largest number of the window in front of it."),
    (nn.AvgPool2d, "The mean of the numbers of the window in front of it."),
    (
        nn.LayerNorm,
        "Layer norm: minus the mean of all channels at this place, over their "
        "deviation, times the channel's weight, plus its bias.",
    ),
    (
        nn.Dropout,
        "Dropout: outside training the number passes as it is.",
    ),
    (nn.Identity, "The identity: the number passes as it is."),
)
