"""Images in `train/<class>/` and `test/<class>/`, a folder or a tar of it.

Decoded once into a cache; later openings map it.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from ..utils.errors import InputError
from .image_cache import (
    ImageRows,
    cache_paths,
    filling,
    map_images,
    read_notes,
    write_cache,
)
from .image_files import ImageFile, folder_state, image_files
from .image_layout import Place, place_images
from .images import MODES, decode_image
from .names import show
from .source import Labelled, Source


FORMAT = 1
"""Raised when decoding gives something else, so that old caches are made anew."""
THREADS = min(4, os.cpu_count() or 1)
WINDOW = 16 * THREADS
"""Files that are read and not yet decoded."""


class Decoded(NamedTuple):
    """A file and its pixels, or what is wrong with it."""

    file: ImageFile
    pixels: np.ndarray | InputError


def open_image_folder(
    root: str | Path, size: int, channels: int, cache: Path | None
) -> Source:
    """The parts that the folders name, uint8 images in the order of their names.

    `size` scales the shorter side and cuts the centre; with 0 all images must have one
    size. Raises InputError with the path.
    """
    root = Path(root)
    if not root.exists():
        raise InputError(
            f"{show(root)}: no such folder or file; data.root names a folder with "
            "train/<class>/ and test/<class>/, or a .tar.gz of it"
        )
    if channels not in MODES:
        raise ValueError(f"open_image_folder: channels is {channels}; 1 or 3")
    notes: dict[str, Any] = {}
    if cache is None:
        pixels = np.stack(list(_decode(root, size, channels, notes)))
        return _source(notes, pixels)
    state = f"{FORMAT} {size} {channels} {folder_state(root)}"
    key = hashlib.sha256(state.encode()).hexdigest()
    paths = cache_paths(Path(cache), key)
    kept = read_notes(paths, key)
    if kept is None:
        with filling(paths):
            kept = read_notes(paths, key)  # another process may have filled it
            if kept is None:
                kept = notes
                write_cache(paths, key, _decode(root, size, channels, notes), notes)
    return _source(kept, map_images(paths.images))


def decode_files(
    files: Iterable[ImageFile], size: int, channels: int
) -> Iterator[Decoded]:
    """The pixels of each file, or its fault, in order; decoded by a few threads."""

    def decode(item: tuple[ImageFile, bytes | InputError]) -> Decoded:
        file, data = item
        try:
            if isinstance(data, InputError):
                raise data
            return Decoded(file, decode_image(data, file.place, channels, size))
        except InputError as error:
            return Decoded(file, error)

    items = ((file, _read(file)) for file in files)
    with ThreadPoolExecutor(THREADS) as pool:
        while window := list(islice(items, WINDOW)):
            yield from pool.map(decode, window)


def _read(file: ImageFile) -> bytes | InputError:
    try:
        return file.read()
    except InputError as error:
        return error


def _decode(
    root: Path, size: int, channels: int, notes: dict[str, Any]
) -> Iterator[np.ndarray]:
    """The images as they come; when the last is drawn, `notes` says what they are."""
    places = place_images(root, [file.name for file in image_files(root)])
    files = (file for file in image_files(root) if file.name in places)
    rows: dict[str, int] = {}
    digests: dict[str, str] = {}
    first: tuple[str, tuple[int, ...]] | None = None
    for file, pixels in decode_files(files, size, channels):
        if isinstance(pixels, InputError):
            raise pixels
        first = first or (file.place, pixels.shape[1:])
        if pixels.shape[1:] != first[1]:
            (h, w), (h0, w0) = pixels.shape[1:], first[1]
            raise InputError(
                f"{show(file.place)}: is {h}x{w} but {show(first[0])} is {h0}x{w0} "
                "(height x width); set data.size to scale and cut all images to one "
                "square, as data.size=64"
            )
        rows[file.name] = len(rows)
        digests[file.name] = hashlib.sha256(pixels).hexdigest()
        yield pixels
    notes |= _describe(places, rows, digests)


def _describe(
    places: dict[str, Place], rows: dict[str, int], digests: dict[str, str]
) -> dict[str, Any]:
    classes = sorted({place.label for place in places.values()})
    number = {name: i for i, name in enumerate(classes)}
    found = {place.part for place in places.values()}
    parts: dict[str, dict[str, list]] = {
        part: {"rows": [], "labels": [], "names": []}
        for part in ("train", "val", "test")
        if part in found
    }
    digest = hashlib.sha256(repr(classes).encode("utf-8", "surrogateescape"))
    for name in sorted(places, key=lambda name: (*places[name], name)):
        part, label = places[name]
        parts[part]["rows"].append(rows[name])
        parts[part]["labels"].append(number[label])
        parts[part]["names"].append(_printable(name))
        digest.update(f"{part} {number[label]} {digests[name]}\n".encode())
    return {"classes": classes, "parts": parts, "fingerprint": digest.hexdigest()}


def _printable(name: str) -> str:
    """Bytes of a file name that are no UTF-8 as \\xNN, which any terminal can show."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _source(notes: dict[str, Any], pixels: np.ndarray) -> Source:
    parts = {}
    for part, kept in notes["parts"].items():
        images = ImageRows(pixels, torch.tensor(kept["rows"]))
        parts[part] = Labelled(images, torch.tensor(kept["labels"]), kept["names"])
    classes = tuple(_printable(name) for name in notes["classes"])
    return Source(parts, classes, notes["fingerprint"])
