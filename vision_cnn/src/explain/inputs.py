"""The images that a person names: files, folders, and images of a split as `val:17`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from ..data import ImageSet
from ..data.images import read_image
from ..data.listing import list_inputs
from ..data.names import show
from ..training.load import Loaded, open_splits
from ..utils.errors import InputError


PLACE = re.compile(r"(train|val|test):(\d+)")


class Subject(NamedTuple):
    source: str
    """As `--input` can name it."""
    name: str
    """Where a person finds it."""
    stem: str
    """What its sheet is called, unless two are called so."""
    pixels: Tensor
    """UInt8 (channel height width), of the size that the model was trained on."""
    true: int | None = None
    """Its class, where the data says it."""


class Subjects:
    """One after the other, each read when it is asked for; `names` lists them.

    Raises InputError for a source that names no image; `read` for an image that cannot
    be read.
    """

    def __init__(self, sources: Sequence[str], loaded: Loaded):
        self.loaded, self.splits = loaded, {}
        self.names = [name for source in sources for name in _listed(source)]

    def read(self, name: str) -> Subject:
        place = PLACE.fullmatch(name)
        if place and not Path(name).exists():
            return self._of_split(place[1], int(place[2]))
        info = self.loaded.info
        pixels = read_image(name, info.in_channels, (info.height, info.width))
        return Subject(name, Path(name).name, Path(name).stem, pixels)

    def _of_split(self, split: str, index: int) -> Subject:
        if not self.splits:
            self.splits = open_splits(self.loaded.config, self.loaded.info)
        if split not in self.splits:
            known = ", ".join(self.splits)
            raise InputError(f"--input {split}:{index}: this data has {known}")
        data: ImageSet = self.splits[split]
        if index >= len(data):
            raise InputError(
                f"--input {split}:{index}: {split} has the images 0 to {len(data) - 1}"
            )
        (pixels,) = data.images[data.labels.new_tensor([index])]
        return Subject(
            f"{split}:{index}",
            str(data.names[index]),
            f"{split}_{index}",
            pixels,
            int(data.labels[index]),
        )


def _listed(source: str) -> list[str]:
    """The image files of a folder, else the source itself; raises InputError."""
    path = Path(source)
    if not path.exists() and not path.is_symlink():
        if PLACE.fullmatch(source):
            return [source]
        raise InputError(
            f"--input {show(source)}: no such file or folder. An image of the data of "
            "the training is named as val:17 or test:17"
        )
    found = list_inputs([path])
    for folder, reason in found.unreadable.items():
        raise InputError(f"--input {show(folder)}: {reason}; leave it out")
    return [str(file) for file in found.files]
