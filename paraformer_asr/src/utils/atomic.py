# pattern: utils/atomic.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/atomic.py --from <sub-project>
"""Files that are written whole or not at all, whatever happens meanwhile."""

import errno
import os
import shutil
from pathlib import Path

from .errors import FaultError


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Replace `path` by `data`: temporary file, fsync, rename, fsync of the folder."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        if os.name == "posix":
            folder = os.open(path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if not is_disk_full(error):
            raise
        free = shutil.disk_usage(path.parent).free
        raise FaultError(
            f"disk full while writing {path} "
            f"(needs {len(data) / 1e6:.1f} MB, {free / 1e6:.1f} MB free)"
        ) from None


def is_disk_full(error: BaseException) -> bool:
    """Whether there is no room left on the disk, in the quota or in the file."""
    return isinstance(error, OSError) and error.errno in _FULL


def keep_previous(path: Path, previous: Path) -> None:
    """Let `previous` be what `path` is now; `path` stays in place all the time."""
    if not path.exists():
        return
    temporary = previous.with_name(f".{previous.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.link(path, temporary)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, temporary)
    os.replace(temporary, previous)
    temporary.unlink(missing_ok=True)  # is left where both were one file already
