"""The folder of a sweep: one sweep at a time, of one configuration."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.files import write_whole
from tools.projects import WorkspaceError


try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


@contextmanager
def open_sweep(
    folder: Path, project: Path, config: Path, threads: int
) -> Iterator[int]:
    """Make or find the sweep's folder and lock it; gives the threads of each run.

    What all of its runs share stands in sweep.json. The number of threads is kept, too:
    a run that is resumed with another one is not bit for bit what it would have been.
    """
    sheet = folder / "sweep.json"
    text = config.read_text(encoding="utf-8", errors="replace")
    shared = {"config": f"{project.name}/{config.name}", "text": text}
    _make(folder, sheet)
    with _locked(folder):
        if not sheet.exists():
            write_whole(sheet, json.dumps({**shared, "threads": threads}, indent=2))
        known = _read(sheet)
        if known["config"] != shared["config"]:
            raise WorkspaceError(
                f"{folder} is a sweep of {known['config']}; name another --out"
            )
        if known["text"] != text:
            raise WorkspaceError(
                f"{config} has changed since the runs in {folder} were begun; put it "
                "back, or name another --out"
            )
        yield known["threads"]


def _make(folder: Path, sheet: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        theirs = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise WorkspaceError(
            f"{folder} cannot be written: {error.strerror}; name another --out"
        ) from None
    if theirs and not sheet.exists():
        raise WorkspaceError(
            f"{folder} has other things in it and is no sweep; name another --out"
        )


def _read(sheet: Path) -> dict:
    try:
        known = json.loads(sheet.read_text(encoding="utf-8"))
        text = {key: str(known[key]) for key in ("config", "text")}
        return {**text, "threads": int(known["threads"])}
    except (ValueError, KeyError, TypeError):
        raise WorkspaceError(f"{sheet} is damaged; name another --out") from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One sweep at a time; the lock falls with the process, however it ends."""
    with open(folder / ".lock", "a+", encoding="utf-8") as file:
        try:
            if fcntl:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise WorkspaceError(
                f"{folder} is in use by the sweep of process {file.read()}; wait for "
                "it, stop it, or name another --out"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
