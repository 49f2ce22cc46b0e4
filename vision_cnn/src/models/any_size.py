"""A network also for images that are too small for it, which then need a frame."""

import math

import torch

from . import Classifier, ModelConfig, build_model


LARGE = 256
"""A side that every network takes."""


def build_for_any_size(
    config: ModelConfig, in_channels: int, classes: int, size: tuple[int, int]
) -> tuple[Classifier, tuple[int, int]]:
    """The network, and the smallest size from `size` up that it takes.

    ValueError where no size would help.
    """
    try:
        return build_model(config, in_channels, classes, size), size
    except ValueError:
        with torch.device("meta"):  # only to be asked
            probe = build_model(config, in_channels, classes, (LARGE, LARGE))
    least, many = probe.least_side, probe.side_multiple
    height, width = (math.ceil(max(side, least) / many) * many for side in size)
    model = build_model(config, in_channels, classes, (height, width))
    return model, (height, width)
