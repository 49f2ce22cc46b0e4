"""What a model says of a part of a split, and small pictures of its images.

A page may not wait for ten thousand images: it takes some, drawn once for all, because
the first are of one class where files are sorted, and each tenth where they alternate.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data import ImageSet
from ..inference.predictor import Predictor
from ..inference.scores import Predictions
from ..utils.errors import InputError
from ..utils.seed import permutation


BATCH = 100
"""Images between two words of progress."""
SIDE = 64
"""Pixels that the longer side of a small picture has at most."""


class Part(NamedTuple):
    split: str
    dataset: ImageSet
    indices: Tensor
    """Numbers of its images, rising."""


def part_of(splits: dict[str, ImageSet], split: str, images: int) -> Part:
    """`images` of a split, or all there are; raises InputError for another name."""
    if split not in splits:
        raise InputError(f"split {split[:40]!r}: this data has {', '.join(splits)}")
    if images < 1:
        raise InputError(f"images is {images}; at least 1")
    dataset = splits[split]
    count = min(images, len(dataset))
    if not count:
        raise InputError(f"split {split}: this data has no image there")
    drawn = sorted(permutation(len(dataset), 0)[:count])
    return Part(split, dataset, torch.tensor(drawn))


def predict(predictor: Predictor, part: Part) -> Iterator[int | Predictions]:
    """How many images are done, after each batch; at the end what the model says.

    Raises InputError where that is not a number.
    """
    dataset, parts = part.dataset, []
    for chosen in part.indices.split(BATCH):
        keys = [(0, index) for index in chosen.tolist()]
        parts.append(predictor.logits(dataset.__getitems__(keys)["image"]))
        bad = ~parts[-1].isfinite().all(1)
        if bad.any():
            number = int(chosen[bad][0])
            raise InputError(
                f"{part.split}:{number}: the model gives NaN or infinity; use another "
                "checkpoint of its run"
            )
        yield sum(map(len, parts))
    names = [str(dataset.names[index]) for index in part.indices.tolist()]
    yield Predictions(names, dataset.labels[part.indices], torch.cat(parts))


def tiles(
    part: Part, seen: Predictions, places: list[int], class_names: tuple[str, ...]
) -> list[dict[str, Any]]:
    """A picture of each image, with what is true and what the model takes it for."""
    if not places:
        return []
    pixels = small(part.dataset.images[part.indices[places]])
    shares, classes = seen.probabilities[places].topk(min(3, len(class_names)))
    return [
        {
            "image": picture,
            "id": f"{part.split}:{part.indices[place]}",
            "name": seen.names[place],
            "true": int(seen.target[place]),
            "predicted": int(seen.predicted[place]),
            "confidence": share[0],
            "top": [
                {"class": class_names[c], "probability": p}
                for c, p in zip(number, share, strict=True)
            ],
        }
        for place, picture, share, number in zip(
            places, pixels, shares.tolist(), classes.tolist(), strict=True
        )
    ]


def small(images: Tensor, side: int = SIDE) -> Tensor:
    """Images of bytes (n, channel, height, width) with the channels last, for a page.

    Shrunk, never enlarged, until the longer side is `side`.
    """
    return shrunk(images, side).permute(0, 2, 3, 1).contiguous()


def shrunk(images: Tensor, side: int) -> Tensor:
    """Images of bytes whose longer side is `side` at most."""
    height, width = images.shape[2:]
    if max(height, width) <= side:
        return images
    scale = side / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    floats = F.interpolate(images.float(), size, mode="bilinear", antialias=True)
    return floats.round().clamp(0, 255).to(torch.uint8)
