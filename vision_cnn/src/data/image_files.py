"""The image files of a folder or a tar, in a fixed order, undecoded."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..utils.errors import InputError
from .archives import tar_members
from .images import MAX_FILE, SUFFIXES, read_bytes
from .names import show


class ImageFile(NamedTuple):
    name: str
    """Its path below the folder or inside the tar, with slashes."""
    place: str
    """As the user finds it: the folder or the tar included."""
    read: Callable[[], bytes]
    """Its bytes; raises InputError. Of a tar, before the next file is asked for."""


def image_files(root: Path) -> Iterator[ImageFile]:
    """Every file that ends like an image: of a folder by name, of a tar as it comes.

    Hidden files and folders are left out. Raises InputError.
    """
    yield from (_from_tar(root) if root.is_file() else _from_folder(root))


def folder_state(root: Path) -> str:
    """sha256 over names, sizes and times: equal as long as no file is touched."""
    digest = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape"))
    for path in [root] if root.is_file() else _walk(root, ()):
        try:
            state = path.stat()
            line = f"{path} {state.st_size} {state.st_mtime_ns}\n"
        except OSError:  # whoever reads it says what is wrong
            line = f"{path} -\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def is_hidden(name: PurePosixPath) -> bool:
    """Whether a part begins with a dot, or is what a Mac adds to archives."""
    return any(part[0] == "." or part == "__MACOSX" for part in name.parts)


def _from_folder(root: Path) -> Iterator[ImageFile]:
    for path in _walk(root, ()):
        name = path.relative_to(root).as_posix()
        yield ImageFile(name, str(path), partial(read_bytes, path))


def _walk(folder: Path, above: tuple) -> Iterator[Path]:
    """Links to folders are followed, unless one leads back to a folder above."""
    try:
        state = folder.stat()
        here = (state.st_dev, state.st_ino)
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"{show(folder)}: cannot be read ({error.strerror})") from None
    if here in above:
        raise InputError(
            f"{show(folder)}: is a link to a folder that contains it; remove the link"
        )
    for entry in entries:
        path = Path(entry.path)
        if is_hidden(PurePosixPath(entry.name)):
            continue
        if _is_folder(path):
            yield from _walk(path, (*above, here))
        elif path.suffix.lower() in SUFFIXES:
            yield path


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:  # a link to nowhere or to itself: reading it as an image tells
        return False


def _from_tar(path: Path) -> Iterator[ImageFile]:
    for member in tar_members(path):
        if member.name.suffix.lower() in SUFFIXES and not is_hidden(member.name):
            read = partial(member.read, MAX_FILE)
            yield ImageFile(member.name.as_posix(), member.place, read)
