"""Which mask belongs to which image: the stem of the file name plus a suffix."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .images import SUFFIXES, show


class Pair(NamedTuple):
    """An image and its mask."""

    name: str
    """The image's stem; no two pairs share it."""
    image: Path
    mask: Path


def find_pairs(
    images: Path, masks: Path, suffix: str = ""
) -> tuple[list[Pair], list[str]]:
    """Pairs sorted by name, numbers by their value, and a sentence for each fault.

    Reads the folders themselves, not their subfolders. Both may be one folder if
    `suffix` tells masks from images. Hidden files and files of other types are not
    looked at.
    """
    if suffix.lower().endswith(SUFFIXES):
        stem = Path(suffix).stem
        return [], [
            f'mask_suffix "{suffix}" includes a file type; write only what follows the '
            f'image\'s name: "{stem}"'
        ]
    faults: list[str] = []
    image_files = _list_images(images, "images", faults)
    mask_files = _list_images(masks, "masks", faults)
    if faults:
        return [], faults
    if images.resolve() == masks.resolve():
        if not suffix:
            return [], [
                f"{show(images)}: is the folder of both images and masks; set "
                "mask_suffix to what mask names end with, such as _mask"
            ]
        mask_files = [file for file in mask_files if file.stem.endswith(suffix)]
        image_files = [file for file in image_files if not file.stem.endswith(suffix)]
    by_stem = _by_stem(image_files, faults)
    mask_by_stem = _by_stem(mask_files, faults)
    pairs = [
        Pair(stem, file, mask_by_stem.pop(stem + suffix))
        for stem, file in by_stem.items()
        if stem + suffix in mask_by_stem
    ]
    paired = {pair.name for pair in pairs}
    faults += _unpaired(
        [file for stem, file in by_stem.items() if stem not in paired],
        list(mask_by_stem.values()),
        masks,
        suffix,
    )
    return sorted(pairs, key=lambda pair: natural(pair.name)), faults


def natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key under which slice 2 comes before slice 10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(0, int(p), p) if p[0] in "0123456789" else (1, 0, p) for p in parts]


def some(names: Iterable[object], limit: int = 5) -> str:
    """Names for a message: at most `limit`, then how many more."""
    names = [show(str(name)) for name in names]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _list_images(folder: Path, what: str, faults: list[str]) -> list[Path]:
    """The image files of a folder; broken links and a bad folder become faults."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        reason = {
            "FileNotFoundError": "no such folder",
            "NotADirectoryError": "is a file, not a folder",
        }.get(type(error).__name__, f"cannot be read ({error.strerror})")
        faults.append(f"{show(folder)}: {reason}; give the folder of {what}")
        return []
    named = [
        e
        for e in entries
        if e.suffix.lower() in SUFFIXES
        and not e.name.startswith(".")
        and not e.is_dir()
    ]
    broken = [entry for entry in named if not entry.is_file()]
    if broken:
        faults.append(
            f"{some(broken)}: link to no file (or is none); restore the target or "
            "remove it"
        )
    if not named:
        there = (
            f"it holds {some(e.name for e in entries)}" if entries else "it is empty"
        )
        faults.append(
            f"{show(folder)}: no {what} of type {' '.join(SUFFIXES)} ({there}); give "
            f"the folder that holds the {what} themselves"
        )
    return [entry for entry in named if entry.is_file()]


def _by_stem(files: list[Path], faults: list[str]) -> dict[str, Path]:
    """Files by stem; macOS writes an accent as a second letter, hence NFC."""
    found: dict[str, Path] = {}
    for file in files:
        stem = unicodedata.normalize("NFC", file.stem)
        if stem in found:
            faults.append(
                f"{show(found[stem])} and {show(file)}: have the same stem, so it is "
                "unclear which one is meant; rename or remove one"
            )
        else:
            found[stem] = file
    return found


def _unpaired(
    images: list[Path], masks: list[Path], folder: Path, suffix: str
) -> list[str]:
    faults = []
    if images:
        wanted = f"{images[0].stem}{suffix}.png"
        there = (
            f"; unused masks there: {some((m.name for m in masks), 3)}" if masks else ""
        )
        faults.append(
            f"{some(images)}: no mask; expected {show(folder / wanted)} (or another "
            f"image type){there}; add the mask, remove the image or set mask_suffix"
        )
    if masks:
        faults.append(
            f"{some(masks)}: mask without an image; add the image, remove the mask or "
            "set mask_suffix"
        )
    return faults
