"""One file over HTTP: gone on with where it stopped, and whole or refused.

What has come lies in NAME.part; NAME.mark beside it says of which version of the file
(its ETag or date), so that parts of two versions are never put together.
"""

import contextlib
import errno
import hashlib
import http.client
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tools.datasets import Remote
from tools.processes import say
from tools.projects import WorkspaceError


TIMEOUT = 30
"""Seconds without a byte, after which the line counts as broken."""
SLOWEST = 1000
"""Bytes a second over TIMEOUT seconds; with fewer the line counts as broken."""
TRIES = 5
"""In a row without progress."""
CHUNK = 1 << 16
PASSING = (408, 425, 429)
"""Codes below 500 that another try may not meet again."""


class Broken(Exception):
    """The line failed; another try may go on."""


def download(file: Remote, path: Path, url: str) -> None:
    """Make `path` the whole file, whose SHA-256 is right; raises WorkspaceError."""
    if path.exists() and _sha256(path) == file.sha256:
        return
    part = path.with_name(f"{path.name}.part")
    resumed = 0 < _size(part) <= file.size
    _get_all(file, part, url)
    found = _sha256(part)
    if found != file.sha256 and resumed:  # our own part may have been at fault
        _forget(part)
        _get_all(file, part, url)
        found = _sha256(part)
    if found != file.sha256:
        _forget(part)
        raise WorkspaceError(
            f"{url}: its SHA-256 is {found}, not {file.sha256}: this is not the file "
            "that tools/datasets.tsv knows. Nothing was kept; try another address "
            "with --from"
        )
    os.replace(part, path)
    _mark(part).unlink(missing_ok=True)


def downloaded(file: Remote, path: Path) -> int:
    """Bytes of the file that are here already."""
    return max(_size(path), min(_size(path.with_name(f"{path.name}.part")), file.size))


def _get_all(file: Remote, part: Path, url: str) -> None:
    failures = 0
    while True:
        before = _size(part)
        try:
            return _get(file, part, url)
        except Broken as error:
            failures = failures + 1 if _size(part) < before + CHUNK else 1
            if failures == TRIES:
                raise WorkspaceError(
                    f"{url}: {error}. Tried {TRIES} times; check the network, or give "
                    "another address with --from. The same command goes on from "
                    f"{_size(part):,} of {file.size:,} bytes"
                ) from None
            wait = 2 ** (failures - 1)
            say(f"  {error}; trying again in {wait} s")
            time.sleep(wait)


def _get(file: Remote, part: Path, url: str) -> None:
    """One request; raises Broken where it ends early."""
    have = _size(part)
    mark = _mark(part).read_text("latin-1") if _mark(part).exists() else ""
    if have == file.size:
        return
    if have > file.size or not mark:
        _forget(part)
        have = 0
    headers = {"User-Agent": "tools.fetch", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": mark}
    try:
        with urlopen(Request(url, headers=headers), timeout=TIMEOUT) as response:
            if response.status == 206 and not _goes_on(response, have, mark):
                _forget(part)
                raise Broken("the server went on at another place than asked")
            start = have if response.status == 206 else 0
            _check_announced(file, url, response, start)
            _receive(file, url, response, part, start)
    except HTTPError as error:
        error.close()
        said = f"the server answered {error.code} {' '.join(error.reason.split())}"
        if error.code == 416:  # the file there is shorter than our part
            _forget(part)
        if error.code >= 500 or error.code in (*PASSING, 416):
            raise Broken(said) from None
        raise WorkspaceError(
            f"{url}: {said}. Try another address with --from"
        ) from None
    except URLError as error:
        raise Broken(f"no connection ({error.reason})") from None
    except TimeoutError:
        raise Broken(f"nothing came for {TIMEOUT} s") from None
    except (http.client.InvalidURL, ValueError) as error:  # also after a redirect
        raise WorkspaceError(
            f"{url}: leads to no address that can be asked ({error}). Try another "
            "with --from"
        ) from None
    except (http.client.HTTPException, OSError) as error:  # OSError: also of TLS
        raise Broken(f"the line broke ({error or type(error).__name__})") from None


def _goes_on(response, have: int, mark: str) -> bool:
    """Whether a 206 is the rest of the file that we have a part of."""
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return bool(found) and int(found[1]) == have and _version(response) in ("", mark)


def _check_announced(file: Remote, url: str, response, start: int) -> None:
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and start + int(length) != file.size:
        kind = response.headers.get_content_type()
        page = " (a web page)" if kind == "text/html" else ""
        raise WorkspaceError(
            f"{url}: announces {start + int(length):,} bytes of {kind}{page} instead "
            f"of {file.size:,}: this is not the file. Try another address with --from"
        )


def _receive(file: Remote, url: str, response, part: Path, start: int) -> None:
    got = start
    try:
        if not start:
            _mark(part).write_text(_version(response), "latin-1")
        out = part.open("ab" if start else "wb")
    except OSError as error:
        raise _no_room(part, error) from None
    with out, contextlib.closing(_show(_chunks(response), file, start)) as chunks:
        for data in chunks:
            got += len(data)
            if got > file.size:
                out.close()
                _forget(part)
                raise WorkspaceError(
                    f"{url}: sends more than the {file.size:,} bytes of the file. "
                    "Nothing was kept; try another address with --from"
                )
            try:
                out.write(data)
                out.flush()
            except OSError as error:
                raise _no_room(part, error) from None
    if got < file.size:
        raise Broken(f"the line ended after {got:,} of {file.size:,} bytes")


def _chunks(response) -> Iterator[bytes]:
    """What comes; raises Broken where it drips."""
    began, came = time.monotonic(), 0
    while data := response.read1(CHUNK):
        yield data
        came += len(data)
        seconds = time.monotonic() - began
        if seconds > TIMEOUT:
            if came < SLOWEST * seconds:
                raise Broken(f"only {came:,} bytes came in {seconds:.0f} s")
            began, came = time.monotonic(), 0


def _show(chunks: Iterator[bytes], file: Remote, got: int) -> Iterator[bytes]:
    """The same, with a bar where someone can see it."""
    if not sys.stderr.isatty():
        yield from chunks
        return
    start, began, shown = got, time.monotonic(), 0.0
    try:
        for data in chunks:
            yield data
            got += len(data)
            now = time.monotonic()
            if now - shown > 0.2 or got == file.size:
                shown, rate = now, (got - start) / max(now - began, 1e-3) / 1e6
                bar = "#" * (20 * got // file.size)
                text = f"\r  [{bar:<20}] {got / 1e6:,.1f} of {file.size / 1e6:,.1f} MB"
                print(f"{text}, {rate:.1f} MB/s ", end="", file=sys.stderr, flush=True)
    finally:
        if shown:  # also where the line broke: what is said next has its own line
            print(file=sys.stderr)


def _version(response) -> str:
    """What If-Range can ask for: a strong ETag, else the date, else nothing."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _no_room(path: Path, error: OSError) -> WorkspaceError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    cure = "Make room" if full else "Allow it, or give another folder with --to"
    return WorkspaceError(
        f"{path}: cannot be written ({error.strerror}). {cure}, then type the same "
        "command again; it goes on from here"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _mark(part: Path) -> Path:
    return part.with_suffix(".mark")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _mark(part).unlink(missing_ok=True)
