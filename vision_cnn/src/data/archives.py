"""Tar files read from front to back, whole or refused, and never unpacked.

No name in one can reach the disk, and a cut or a flipped bit in a packed one is found.
"""

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from ..utils.errors import InputError
from .names import show


PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
MAX_HEADER = 2**20
"""Longest extended header: names a million bytes long are an attack."""
DAMAGE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError, ValueError)


class Member(NamedTuple):
    """Something in a tar that is no folder."""

    name: PurePosixPath
    """Its path inside, never absolute."""
    place: str
    """As the user finds it: the tar, then the path."""
    read: Callable[[int], bytes]
    """Its bytes, unless more than so many; before the next member is asked for."""


def tar_members(path: Path) -> Iterator[Member]:
    """What a tar holds, in its order; raises InputError where it is not whole.

    Packed with gzip, bzip2, xz, or not at all.
    """
    try:
        with _unpacked(path) as file:
            with tarfile.open(
                fileobj=_Whole(file), mode="r|", tarinfo=_Header
            ) as archive:
                for member in archive:
                    if not member.isdir():
                        yield Member(
                            PurePosixPath(member.name.lstrip("/")),
                            f"{path}: {member.name}",
                            _reader(path, archive, member),
                        )
            while file.read(2**20):  # the checksum is looked at only at the end
                pass
    except InputError:
        raise
    except DAMAGE as error:
        raise _not_whole(path, error) from None


class _Whole:
    """A file whose end is a fault: tarfile takes any end for that of the tar."""

    def __init__(self, file: BinaryIO):
        self.file = file

    def read(self, size: int) -> bytes:
        data = self.file.read(size)
        if not data:
            raise EOFError("it stops before its end")
        return data


class _Header(tarfile.TarInfo):
    """A header that has to be right: tarfile takes a wrong one for the end, too."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> tarfile.TarInfo:
        try:
            member = super().frombuf(buf, encoding, errors)
        except tarfile.InvalidHeaderError as error:
            raise tarfile.ReadError(f"{error}") from None
        if not member.isfile() and member.size > MAX_HEADER:
            raise tarfile.ReadError(f"a header announces {member.size:,} bytes")
        return member


def _unpacked(path: Path) -> BinaryIO:
    with open(path, "rb") as file:
        start = file.read(6)
    for magic, unpack in PACKED.items():
        if start.startswith(magic):
            return unpack(path)
    return open(path, "rb")


def _reader(
    path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo
) -> Callable[[int], bytes]:
    def read(most: int) -> bytes:
        place = show(f"{path}: {member.name}")
        if not member.isreg():
            raise InputError(
                f"{place}: is a link or a device, not a file; pack the files "
                "themselves (tar --dereference --hard-dereference)"
            )
        if member.size > most:
            raise InputError(
                f"{place}: is larger than {most:,} bytes, the most that is read"
            )
        try:
            return archive.extractfile(member).read()
        except DAMAGE as error:
            raise _not_whole(path, error) from None

    return read


def _not_whole(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{show(path)}: is not a whole tar file ({error}); download it again"
    )
