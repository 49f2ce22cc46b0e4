# pattern: utils/lock.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/lock.py --from <sub-project>
"""One process at a time trains in a run folder: a lock on its file `.lock`.

The lock falls with the process, however it ends. Windows has none.
"""

import os
from pathlib import Path
from typing import TextIO

from .environment import now
from .errors import InputError


try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


def take_lock(path: Path) -> TextIO:
    """Lock the folder until the file that is returned is closed."""
    file = open(path / ".lock", "a+", encoding="utf-8")  # noqa: SIM115
    if fcntl:
        # Not flock: forked loader workers would inherit it and outlive us with it.
        _lock(file, fcntl.LOCK_EX, path, "Wait for it, or stop it")
        file.truncate(0)
        file.write(f"process {os.getpid()} since {now()}")
        file.flush()
    return file


def check_free(path: Path, advice: str) -> None:
    """Raise InputError if another process has the lock; changes nothing.

    Not for the holder: closing the file that is read here would end its own lock.
    """
    try:
        file = open(path / ".lock", encoding="utf-8")  # noqa: SIM115
    except OSError:  # none, or unreadable: `take_lock` says what is wrong
        return
    with file:
        if fcntl:
            # Shared, because the other ranks of our own job look at the same time.
            _lock(file, fcntl.LOCK_SH, path, advice)


def _lock(file: TextIO, kind: int, path: Path, advice: str) -> None:
    try:
        fcntl.lockf(file, kind | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise InputError(f"{path} is in use by {holder}. {advice}") from None
