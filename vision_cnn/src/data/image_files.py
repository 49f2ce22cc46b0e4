"""The image files of a folder or a tar, in a fixed order, undecoded.

A tar is read from front to back and never unpacked, so that no name in it can reach the
disk.
"""

import bz2
import gzip
import hashlib
import lzma
import os
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from ..utils.errors import InputError
from .images import MAX_FILE, SUFFIXES, read_bytes, too_large
from .names import show


PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
MAX_HEADER = 2**20
"""Longest extended header of a tar: names a million bytes long are an attack."""
DAMAGE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError)


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
        yield ImageFile(name, str(path), lambda path=path: read_bytes(path))


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


class Header(tarfile.TarInfo):
    """A header that has to be there: tarfile takes a cut in it for the end."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> tarfile.TarInfo:
        if len(buf) < tarfile.BLOCKSIZE:
            raise EOFError("it stops before its end")
        member = super().frombuf(buf, encoding, errors)
        if not member.isfile() and member.size > MAX_HEADER:
            raise tarfile.ReadError(f"a header announces {member.size:,} bytes")
        return member


def _from_tar(path: Path) -> Iterator[ImageFile]:
    try:
        with _unpacked(path) as file:
            with tarfile.open(fileobj=file, mode="r|", tarinfo=Header) as archive:
                for member in archive:
                    name = PurePosixPath(member.name.lstrip("/"))
                    if name.suffix.lower() not in SUFFIXES or member.isdir():
                        continue
                    if not is_hidden(name):
                        place = f"{path}: {member.name}"
                        read = _reader(path, archive, member)
                        yield ImageFile(name.as_posix(), place, read)
            while file.read(2**20):  # a checksum is looked at only at the end
                pass
    except DAMAGE as error:
        raise _not_whole(path, error) from None


def _unpacked(path: Path) -> BinaryIO:
    with open(path, "rb") as file:
        start = file.read(6)
    for magic, unpack in PACKED.items():
        if start.startswith(magic):
            return unpack(path)
    return open(path, "rb")


def _reader(
    path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo
) -> Callable[[], bytes]:
    def read() -> bytes:
        place = f"{path}: {member.name}"
        if not member.isreg():
            raise InputError(
                f"{show(place)}: is a link or a device, not an image; pack the files "
                "themselves (tar --dereference --hard-dereference)"
            )
        if member.size > MAX_FILE:
            raise too_large(place)
        try:
            return archive.extractfile(member).read()
        except DAMAGE as error:
            raise _not_whole(path, error) from None

    return read


def _not_whole(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{show(path)}: is not a whole tar file ({error}); download it again"
    )
