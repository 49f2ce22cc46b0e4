"""Mean and deviation of a data set, for its normalisation."""

import torch

from .source import Images


def moments(images: Images, chunk: int = 1024) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel of all pixels, scaled to [0, 1].

    Of bytes, hence exact: whole numbers are summed. The deviation is of the pixels, not
    the mean of that of each image (which is smaller: CIFAR-10 0.202 instead of 0.247).
    A constant channel has deviation 1, so that it can be divided by.
    """
    if not len(images):
        raise ValueError("there is no image to compute the mean of")
    indices = torch.arange(len(images))
    channels = images[indices[:1]].shape[1]
    counts = torch.zeros(channels, 256, dtype=torch.int64)
    for part in indices.split(chunk):
        pixels = images[part].transpose(0, 1).flatten(1)
        for channel, values in enumerate(pixels):
            counts[channel] += torch.bincount(values, minlength=256)
    value = torch.arange(256)
    n = counts[0].sum().item()
    mean, std = [], []
    for total, square in zip(
        (counts * value).sum(1).tolist(),
        (counts * value * value).sum(1).tolist(),
        strict=True,
    ):
        spread = n * square - total * total
        mean.append(total / n / 255)
        std.append(spread**0.5 / n / 255 if spread else 1.0)
    return mean, std
