"""Every file of an image folder looked at, so that all faults are known at once."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..utils.errors import InputError
from .image_files import ImageFile, image_files
from .image_folder import decode_files
from .image_layout import Place, place_images
from .images import image_kind
from .names import show


MOST_NAMED = 5
"""Files of another size that are named."""


@dataclass
class Survey:
    kinds: dict[str, int] = field(default_factory=dict)
    """ "32x32 RGB" -> files, the most frequent first."""
    outside: list[str] = field(default_factory=list)
    """Image files that lie in no folder of a class."""
    faults: list[str] = field(default_factory=list)


def look_at_files(root: Path) -> Survey:
    """Kinds and places of all files, of which only the headers are read."""
    survey, kinds = Survey(), Counter()
    names = []
    for file in image_files(root):
        kinds[image_kind(file.read())] += 1
        names.append(file.name)
    places = place_images(root, names)
    survey.outside = [name for name in names if name not in places]
    survey.kinds = dict(kinds.most_common())
    return survey


def find_faults(root: Path, size: int, channels: int) -> Survey:
    """Decode all files; a list of every fault, where opening stops at the first."""
    survey = Survey()
    names, places = _places(root, survey)
    survey.outside = [name for name in names if name not in places]
    kinds: Counter[str] = Counter()
    shapes: dict[str, tuple[int, ...]] = {}

    def counted(file: ImageFile) -> ImageFile:
        data = file.read()
        kinds[image_kind(data)] += 1
        return file._replace(read=lambda: data)

    def wanted():
        for file in image_files(root):
            if file.name in places or not places:
                try:
                    yield counted(file)
                except InputError:  # which `decode_files` will meet again
                    yield file

    try:
        for file, pixels in decode_files(wanted(), size, channels):
            if isinstance(pixels, InputError):
                survey.faults.append(str(pixels))
            else:
                shapes[file.place] = pixels.shape[1:]
    except InputError as error:  # the tar ends, or a folder is closed
        survey.faults.append(str(error))
    survey.kinds = dict(kinds.most_common())
    survey.faults += _other_sizes(shapes)
    survey.faults = list(dict.fromkeys(survey.faults))
    return survey


def _places(root: Path, survey: Survey) -> tuple[list[str], dict[str, Place]]:
    names: list[str] = []
    try:
        names += [file.name for file in image_files(root)]
        return names, place_images(root, names)
    except InputError as error:
        survey.faults.append(str(error))
        return names, {}


def _other_sizes(shapes: dict[str, tuple[int, ...]]) -> list[str]:
    counts = Counter(shapes.values())
    if len(counts) < 2:
        return []
    (h, w), _ = counts.most_common(1)[0]
    others = [name for name, shape in shapes.items() if shape != (h, w)]
    named = ", ".join(
        f"{show(name)} ({shapes[name][0]}x{shapes[name][1]})"
        for name in others[:MOST_NAMED]
    )
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    side = int(np.median([min(shape) for shape in shapes.values()]))
    return [
        f"{len(others)} images are not {h}x{w} (height x width), as the others are: "
        f"{named}{more}; data.size={side} would scale and cut all to one square"
    ]
