"""Tar and zip files, unpacked so that nothing in them can do harm.

No file is written outside the folder, no link or device at all, none over another, and
not more than was announced. Tar may be packed with gzip, bzip2 or xz.
"""

import bz2
import gzip
import lzma
import re
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, NamedTuple

from tools.projects import WorkspaceError


PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
MOST_ENTRIES = 200_000
MOST_RATIO = 100
"""Unpacked bytes for a packed one; pictures and sound have about 1, text about 4."""
SMALL = 10_000_000
"""Bytes that any archive may hold."""
LONGEST_HEADER = 1 << 20
"""Of a tar: names a million bytes long are an attack."""
LONGEST_NAME, DEEPEST = 1000, 30
OTHERWISE = re.compile(
    r'[<>:"|?*]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE
)
"""In names that Windows takes for another file or for none."""
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError,
          ValueError, RuntimeError, NotImplementedError, OSError)  # fmt: skip


class Entry(NamedTuple):
    """Something in an archive."""

    name: str
    size: int
    regular: bool
    """A file, not a link or a device."""
    open: Callable[[], BinaryIO] | None
    """None of a folder, which is only counted."""


def unpack(
    archive: Path, folder: Path, place: Callable[[str], str | None], most: int
) -> int:
    """Write the files of an archive below `folder` where `place` says; their number.

    `place` gives None for what is not needed. `most` is the number of bytes that all
    entries together may have. Raises WorkspaceError; what was written stays.
    """
    left = min(most, max(SMALL, MOST_RATIO * archive.stat().st_size))
    seen: dict[str, str] = {}
    try:
        for count, entry in enumerate(_entries(archive), start=1):
            left -= entry.size
            if left < 0 or count > MOST_ENTRIES:
                raise _refused(
                    archive,
                    f"holds more than {MOST_ENTRIES:,} entries"
                    if left >= 0
                    else f"unpacks to more than the {most:,} bytes that it should, or "
                    f"to more than {MOST_RATIO} times its size",
                )
            if not entry.open:
                continue
            name = place(_safe_name(archive, entry.name))
            if name is None:
                continue
            if not entry.regular:
                raise _refused(archive, f"{entry.name} is a link or a device")
            _note(archive, name, seen)
            _write(archive, entry, folder / name)
    except DAMAGE as error:
        raise _refused(archive, f"is damaged ({error})") from None
    return len(seen)


def _safe_name(archive: Path, name: str) -> str:
    """The name in its simplest form; raises WorkspaceError if it leads elsewhere."""
    path = PurePosixPath(name)
    outside = path.is_absolute() or PureWindowsPath(name).anchor or ".." in path.parts
    if outside or not path.parts:
        raise _refused(archive, f"{name!r} lies outside the archive")
    strange = "\\" in name or any(ord(c) < 32 or ord(c) == 127 for c in name)
    strange |= any(OTHERWISE.search(part) for part in path.parts)
    if strange or len(name) > LONGEST_NAME or len(path.parts) > DEEPEST:
        raise _refused(archive, f"{name[:80]!r} is no name for a file")
    return str(path)


def _note(archive: Path, name: str, seen: dict[str, str]) -> None:
    """Refuse what would be written over another file, here or where case is ignored."""
    path = PurePosixPath(_folded(name))
    for taken in (path, *path.parents):
        if str(taken) in seen:
            raise _refused(
                archive,
                f"{name} and {seen[str(taken)]} are, at least where upper and lower "
                "case are the same, one place",
            )
    seen[str(path)] = name


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _write(archive: Path, entry: Entry, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        out = path.open("xb")
    except FileExistsError:
        raise _refused(archive, f"{entry.name} is there twice") from None
    except OSError as error:
        raise _not_written(path, error) from None
    left = entry.size
    with out, entry.open() as source:
        while data := source.read(min(1 << 20, left)):
            left -= len(data)
            try:
                out.write(data)
                out.flush()
            except OSError as error:
                raise _not_written(path, error) from None
    if left:
        raise _refused(archive, f"{entry.name} ends too early")


def _entries(archive: Path) -> Iterator[Entry]:
    if zipfile.is_zipfile(archive) and _starts_with(archive, b"PK"):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                yield Entry(
                    info.filename,
                    info.file_size,
                    kind in (0, stat.S_IFREG),
                    None if info.is_dir() else lambda info=info: opened.open(info),
                )
        return
    with _unpacked(archive) as file:
        with tarfile.open(fileobj=_Whole(file), mode="r|", tarinfo=_Header) as tar:
            for member in tar:
                tar.members.clear()  # or an object of each entry would be kept
                yield Entry(
                    member.name,
                    member.size,
                    member.isfile(),
                    None
                    if member.isdir()
                    else lambda member=member: tar.extractfile(member),
                )
        rest = 0
        while data := file.read(1 << 20):  # the checksum is looked at at the end only
            rest += len(data)
            if rest > SMALL:
                raise _refused(archive, f"has more than {SMALL:,} bytes behind its end")


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
        if not member.isfile() and member.size > LONGEST_HEADER:
            raise tarfile.ReadError(f"a header announces {member.size:,} bytes")
        return member


def _unpacked(path: Path) -> BinaryIO:
    for magic, unpack_stream in PACKED.items():
        if _starts_with(path, magic):
            return unpack_stream(path)
    return path.open("rb")


def _starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _refused(archive: Path, why: str) -> WorkspaceError:
    return WorkspaceError(f"{archive.name}: {why}; it was not unpacked")


def _not_written(path: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(f"{path}: cannot be written ({error.strerror})")
