"""What all panels look at: one checkpoint, its model and the images it is asked about.

An image travels as a string, so that a question is whole by itself: `test:17` is one of
the data of the training, `pixels:...` one that a visitor dropped, after it was brought
to the size of the model (base64 of uint8, channels first).
"""

import base64
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..data import ImageSet
from ..data.images import decode_image, image_kind
from ..explain.inputs import PLACE, Subject
from ..training.load import load_model, open_splits, run_name
from ..utils.errors import InputError
from ..utils.run_dir import resolve
from .checkpoints import check_finite


LARGEST = 40_000_000
"""Pixels of a dropped image: more take seconds to decode."""
OWN = "pixels:"
DIGITS = 12
"""Of the number of an image: Python reads no number of thousands of them."""


class Opened:
    """A checkpoint for the panels. Raises InputError for what cannot be shown."""

    def __init__(self, checkpoint: Path):
        self.path = resolve(checkpoint)
        self.loaded = load_model(self.path)
        check_finite(self.loaded.model.state_dict(), self.path)
        self.model, self.info = self.loaded.model, self.loaded.info
        self.config, self.name = self.loaded.config, run_name(self.path)
        self.subject = lru_cache(64)(self._subject)

    @cached_property
    def splits(self) -> dict[str, ImageSet]:
        """The data of the training, not augmented; InputError where it is not here."""
        try:
            return open_splits(self.config, self.info)
        except InputError as error:
            raise InputError(
                f"{error}. This needs the images of the training: put them back, or "
                "start with another --checkpoint"
            ) from None

    @property
    def split(self) -> str:
        """The images that nothing was chosen by, where there are such."""
        return "test" if "test" in self.splits else "val"

    def examples(self, count: int) -> list[str]:
        """The first images of each class in turn; none where the data is not here."""
        try:
            labels = self.splits[self.split].labels
        except InputError:
            return []
        return [f"{self.split}:{i}" for i in in_turn(labels, count)]

    @property
    def blank(self) -> Tensor:
        """A grey image: (1, channel, height, width)."""
        return torch.zeros(1, self.info.in_channels, self.info.height, self.info.width)

    def drop(self, name: str, data: bytes) -> str:
        """The string of an image file; raises InputError for what is none."""
        side = image_kind(data).partition(" ")[0]
        if side and len(data):
            width, height = map(int, side.split("x"))
            if width * height > LARGEST:
                raise InputError(
                    f"{name}: is {side}; the page takes up to {LARGEST:,} pixels. "
                    "Scale it down first"
                )
        info = self.info
        pixels = decode_image(data, name, info.in_channels, (info.height, info.width))
        return OWN + base64.b64encode(pixels.tobytes()).decode()

    def pixels(self, image: str) -> np.ndarray:
        """For the page: uint8 (height, width, channel)."""
        return self.subject(image).pixels.permute(1, 2, 0).contiguous().numpy()

    def tensor(self, image: str) -> Tensor:
        """As the model sees it: float (1, channel, height, width), normalised."""
        return self.info.normalise(self.subject(image).pixels.float() / 255)[None]

    def _subject(self, image: str) -> Subject:
        if image.startswith(OWN):
            return Subject(image, "your image", "own", self._own(image))
        place = PLACE.fullmatch(image)
        if not place or len(place[2]) > DIGITS:
            raise InputError(f"image {image[:40]!r}: must be named as test:17")
        split, index = place[1], int(place[2])
        if split not in self.splits:
            raise InputError(f"{image}: this data has {', '.join(self.splits)}")
        data = self.splits[split]
        if index >= len(data):
            raise InputError(f"{image}: {split} has the images 0 to {len(data) - 1}")
        (pixels,) = data.images[torch.tensor([index])]
        name, true = str(data.names[index]), int(data.labels[index])
        return Subject(image, name, f"{split}_{index}", pixels, true)

    def _own(self, image: str) -> Tensor:
        shape = (self.info.in_channels, self.info.height, self.info.width)
        try:
            data = base64.b64decode(image.removeprefix(OWN), validate=True)
        except ValueError:  # no base64, or no ASCII
            data = b""
        if len(data) != np.prod(shape):
            raise InputError(
                f"the dropped image has {len(data)} numbers, the model takes "
                f"{'x'.join(map(str, shape))}; drop it again"
            )
        return torch.frombuffer(bytearray(data), dtype=torch.uint8).reshape(shape)


def in_turn(labels: Tensor, count: int) -> list[int]:
    """The first image of each class, then the second of each, up to `count`."""
    places = [(labels == c).nonzero()[:, 0].tolist() for c in labels.unique().tolist()]
    longest = max((len(p) for p in places), default=0)
    order = [p[i] for i in range(longest) for p in places if i < len(p)]
    return order[:count]
