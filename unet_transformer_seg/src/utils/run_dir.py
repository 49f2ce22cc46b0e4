# pattern: utils/run_dir.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/run_dir.py --from <sub-project>
"""The folder of one run, `runs/<config>-NNN/`: plain files that any program can read.

config.yaml   resolved, complete, can be given to --config again
meta.json     command, git commit, versions, threads, seed, data fingerprint, status
metrics.csv   step,epoch,split,loss,...; one header; cut to the checkpoint on resume
events.jsonl  start, resume, checkpoint, best, done, stopped, failed
summary.json  written once, at the end
checkpoints/ plots/ predictions/ eval/ train.log .lock
"""

import csv
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy
import torch
import yaml

from .checkpoint import write_atomically
from .errors import InputError


class RunDir:
    """An open, locked run folder; the lock falls with the process, however it ends.

    With `writes=False`, as on all ranks but the first, nothing is locked or written.
    """

    def __init__(self, path: Path, writes: bool = True):
        self.path, self.writes = path, writes
        self.columns: list[str] = []
        self.rows = 0
        if writes:
            self._open()

    def __enter__(self) -> "RunDir":
        return self

    def __exit__(self, *_) -> None:
        if self.writes:
            self._lock.close()

    def _open(self) -> None:
        path = self.path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = open(path / ".lock", "a+", encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"{path} cannot be written: {error.strerror}. Choose another --out"
            ) from None
        self._take_lock()
        for folder in ("checkpoints", "plots", "predictions", "eval"):
            (path / folder).mkdir(exist_ok=True)
        for leftover in path.glob("**/.*.tmp"):
            leftover.unlink()

    @classmethod
    def create(
        cls, out: Path, stem: str, name: str = "", overwrite: bool = False
    ) -> "RunDir":
        """A new folder `out/name`, or `out/<stem>-NNN` with the next free number."""
        if name:
            path = out / name
            run = cls(path)
            if (path / "meta.json").exists() and not overwrite:
                raise InputError(
                    f"{path} exists. Continue it with --resume {path}, choose another "
                    "--name, or replace it with --overwrite"
                )
            run._clear()
        else:
            run = cls(_next_free(out, stem))
        point_latest(run.path)
        return run

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        text = json.dumps(content, indent=2, default=str) + "\n"
        write_atomically(self.path / name, text.encode())

    def write_config(self, config: dict[str, Any]) -> None:
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        write_atomically(self.path / "config.yaml", text.encode())

    def update_meta(self, **changes: Any) -> None:
        """Add to meta.json; the first call also notes the machine and the code."""
        file = self.path / "meta.json"
        old = json.loads(file.read_text()) if file.exists() else describe_environment()
        self.write_json("meta.json", {**old, **changes})

    def event(self, name: str, step: int, **details: Any) -> None:
        if not self.writes:
            return
        line = {"t": _now(), "step": step, "event": name, **details}
        with open(self.path / "events.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def finish(self, status: str, step: int, **details: Any) -> None:
        """Note how the run ended: done, stopped or failed."""
        if self.writes:
            self.event(status, step, **details)
            self.update_meta(status=status, end=_now())

    def start_metrics(self, columns: list[str]) -> None:
        """Begin metrics.csv with its one header."""
        if not self.writes:
            return
        self.columns, self.rows = ["step", "epoch", "split", *columns], 0
        text = ",".join(self.columns) + "\n"
        write_atomically(self.path / "metrics.csv", text.encode())

    def cut_metrics(self, rows: int) -> None:
        """Keep the first rows: what came after the checkpoint will be done again."""
        if not self.writes:
            return
        lines = (self.path / "metrics.csv").read_text(encoding="utf-8").splitlines()
        self.columns, self.rows = lines[0].split(","), rows
        text = "\n".join(lines[: rows + 1]) + "\n"
        write_atomically(self.path / "metrics.csv", text.encode())

    def row(self, step: int, epoch: int, split: str, values: dict[str, float]) -> None:
        """Append one row and flush; a column without a value stays empty."""
        if not self.writes:
            return
        shown = {"step": step, "epoch": epoch, "split": split}
        shown |= {key: f"{value:.6g}" for key, value in values.items()}
        line = io.StringIO()
        writer = csv.DictWriter(line, self.columns, lineterminator="\n")
        writer.writerow(shown)
        with open(self.path / "metrics.csv", "a", encoding="utf-8") as file:
            file.write(line.getvalue())
        self.rows += 1

    def _take_lock(self) -> None:
        # Not flock: forked loader workers would inherit it and outlive us with it.
        try:
            import fcntl
        except ImportError:  # Windows
            return
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "another process"
            raise InputError(
                f"{self.path} is in use by {holder}. Choose another --name, or stop it"
            ) from None
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()} since {_now()}")
        self._lock.flush()

    def _clear(self) -> None:
        for child in self.path.iterdir():
            if child.is_dir():
                for file in child.iterdir():
                    shutil.rmtree(file) if file.is_dir() else file.unlink()
            elif child.name != ".lock":
                child.unlink()


def resolve(path: str | Path) -> Path:
    """`path`, with `latest` followed where it is a text file, not a symlink."""
    path = Path(path)
    for folder in (path, *path.parents):
        if folder.name != "latest" or folder.exists():
            continue
        pointer = folder.with_name("latest.txt")
        if pointer.is_file():
            target = folder.parent / pointer.read_text(encoding="utf-8").strip()
            return target / path.relative_to(folder)
    return path


def find_run(path: str | Path, out: Path) -> Path:
    """The run folder that is meant by a folder, a checkpoint or `latest`."""
    given = resolve(out / "latest" if str(path) == "latest" else path)
    for folder in (given, given.parent.parent):
        if (folder / "checkpoints").is_dir():
            return folder.resolve() if given.name == "latest" else folder
    runs = sorted(
        p.parent.name for p in out.glob("*/meta.json") if p.parent.name != "latest"
    )
    known = (
        f"{out}/ has: {', '.join(runs)}"
        if runs
        else (
            f"no run has been made in {out}/ yet: python scripts/train.py --config ..."
        )
    )
    raise InputError(f"--resume {path}: no such run; {known}")


def point_latest(run: Path) -> None:
    """Let `latest`, beside the run, link to it (on Windows by a text file)."""
    latest = run.parent / "latest"
    temporary = run.parent / f".latest.{os.getpid()}.tmp"
    temporary.unlink(missing_ok=True)
    try:
        temporary.symlink_to(run.name)
        os.replace(temporary, latest)
    except IsADirectoryError:
        temporary.unlink()
        raise InputError(
            f"{latest} is a folder; move it away, it is a link here"
        ) from None
    except OSError:
        write_atomically(run.parent / "latest.txt", run.name.encode())


def describe_environment() -> dict[str, Any]:
    """Versions, threads, machine, commit: what a figure depends on."""
    return {
        "schema": 1,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "start": _now(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": str(numpy.__version__),
        "threads": torch.get_num_threads(),
        "host": platform.node(),
        "machine": platform.machine(),
        "pid": os.getpid(),
        "git": _git_commit(),
    }


def _git_commit() -> str:
    ask = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        here = Path(__file__).parent
        done = subprocess.run(ask, cwd=here, capture_output=True, text=True, timeout=10)
        return done.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _next_free(out: Path, stem: str) -> Path:
    taken = [path.name.removeprefix(f"{stem}-") for path in out.glob(f"{stem}-*")]
    number = 1 + max((int(text) for text in taken if text.isdigit()), default=0)
    while True:
        try:
            (out / f"{stem}-{number:03d}").mkdir(parents=True)
            return out / f"{stem}-{number:03d}"
        except FileExistsError:
            number += 1
        except OSError as error:
            raise InputError(
                f"{out} cannot be written: {error.strerror}. Choose another --out"
            ) from None


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds")
