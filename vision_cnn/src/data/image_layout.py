"""What the names of image files say: `train/<class>/...`, or `<class>/...` alone."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..utils.errors import InputError
from .images import SUFFIXES
from .names import show


PARTS = {"train": "train", "val": "val", "test": "test"}
PARTS |= {"valid": "val", "validation": "val"}
EXPECTED = "expected are train/<class>/ and test/<class>/, or <class>/ alone"


class Place(NamedTuple):
    """Where an image belongs."""

    part: str
    label: str


def place_images(root: Path, names: Sequence[str]) -> dict[str, Place]:
    """Part and class of each name; names outside the layout are left out.

    Folders above train/, or above the classes, are skipped; folders inside a class
    belong to it. Without train/ all is "train". Raises InputError.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{show(root)}: holds {show(twice[0])} twice; keep one")
    split = [tuple(name.split("/")) for name in names]
    above = _above_train(split)
    if above is None:
        places = _classes_alone(root, split)
    else:
        depth = len(above)
        places = {
            "/".join(path): Place(PARTS[path[depth]], _class_name(path[depth + 1]))
            for path in split
            if len(path) > depth + 2 and path[:depth] == above and path[depth] in PARTS
        }
    _check(root, places)
    return places


def _above_train(split: list[tuple[str, ...]]) -> tuple[str, ...] | None:
    """The folders above the highest train/<class>/; None where there is none."""
    found = [
        path[: path.index("train")]
        for path in split
        if "train" in path[: len(path) - 2]
    ]
    return min(found, key=lambda above: (len(above), above), default=None)


def _classes_alone(root: Path, split: list[tuple[str, ...]]) -> dict[str, Place]:
    depth = 0
    while split and all(
        len(path) > depth + 2 and path[depth] == split[0][depth] for path in split
    ):
        depth += 1
    inside = [path for path in split if len(path) > depth + 1]
    folders = {piece for path in inside for piece in path[: depth + 1]}
    part = next((name for name in ("test", *PARTS) if name in folders), None)
    if part and any(part in path[: len(path) - 2] for path in inside):
        raise InputError(f"{show(root)}: has {part}/ but no train/; {EXPECTED}")
    return {"/".join(path): Place("train", _class_name(path[depth])) for path in inside}


def _class_name(folder: str) -> str:
    """A Mac writes accents as characters of their own; names are compared composed."""
    return unicodedata.normalize("NFC", folder)


def _check(root: Path, places: dict[str, Place]) -> None:
    classes = {part: set() for part in PARTS.values()}
    for part, label in places.values():
        classes[part].add(label)
    if not classes["train"]:
        raise InputError(
            f"{show(root)}: has no image in a folder of its class that ends with "
            f"{', '.join(SUFFIXES)}; {EXPECTED}"
        )
    if len(classes["train"]) == 1:
        raise InputError(
            f"{show(root)}: has images of one class only, "
            f"{show(classes['train'].pop())!r}; a classifier needs two, each a folder "
            f"({EXPECTED})"
        )
    for part in ("val", "test"):
        unknown = sorted(classes[part] - classes["train"])
        if unknown:
            raise InputError(
                f"{show(root)}: {part}/ has the class {show(unknown[0])!r} but train/ "
                f"has no image of it; add train/{show(unknown[0])}/ or remove it"
            )
