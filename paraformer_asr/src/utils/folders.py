# pattern: utils/folders.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/folders.py --from <sub-project>
"""Folders that a person asks results to be written to."""

import os
from pathlib import Path

from .errors import InputError


def make_folder(out: Path) -> None:
    """Make `out`; raises InputError if nothing can be written there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        why = "" if os.access(out, os.W_OK | os.X_OK) else "it is read-only"
    except OSError as error:
        why = error.strerror
    if why:
        shown = str(out) if str(out).isprintable() else repr(str(out))
        raise InputError(f"--out {shown} cannot be written: {why}. Choose another")
