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
import math
import shutil
from pathlib import Path
from typing import Any

import yaml

from .atomic import write_atomically
from .environment import describe_environment, now
from .errors import InputError
from .latest import find_run, point_latest, resolve
from .lock import check_free, take_lock


__all__ = ["RunDir", "check_name", "find_run", "resolve"]


FOLDERS = ("checkpoints", "plots", "predictions", "eval")
FILES = (
    "config.yaml", "meta.json", "metrics.csv", "events.jsonl", "summary.json",
    "train.log",
)  # fmt: skip


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
            self._lock = take_lock(path)
            for folder in FOLDERS:
                (path / folder).mkdir(exist_ok=True)
            for leftover in path.glob("**/.*.tmp"):
                leftover.unlink()
        except OSError as error:
            raise _unwritable(path, error) from None

    @classmethod
    def create(
        cls, out: Path, stem: str, name: str = "", overwrite: bool = False
    ) -> "RunDir":
        """A new folder `out/name`, or `out/<stem>-NNN` with the next free number."""
        latest = out / "latest"
        if latest.is_dir() and not latest.is_symlink():
            raise InputError(f"{latest} is a folder; move it away, it is a link here")
        if name:
            check_name(out, name, overwrite)
        run = cls(out / name if name else _next_free(out, stem))
        try:
            if name:
                run._clear()
            point_latest(run.path)
        except OSError as error:
            raise _unwritable(out, error) from None
        return run

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        text = to_json(content, indent=2) + "\n"
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
        line = {"t": now(), "step": step, "event": name, **details}
        with open(self.path / "events.jsonl", "a", encoding="utf-8") as file:
            file.write(to_json(line) + "\n")

    def finish(self, status: str, step: int, **details: Any) -> None:
        """Note how the run ended: done, stopped or failed."""
        if self.writes:
            self.event(status, step, **details)
            self.update_meta(status=status, end=now())

    def start_metrics(self, columns: list[str]) -> None:
        """Begin metrics.csv with its one header, each name once."""
        if not self.writes:
            return
        self.columns = list(dict.fromkeys(["step", "epoch", "split", *columns]))
        self.rows = 0
        write_atomically(self.path / "metrics.csv", _line(self.columns).encode())

    def cut_metrics(self, rows: int) -> None:
        """Keep the first rows: what came after the checkpoint will be done again."""
        if not self.writes:
            return
        file = self.path / "metrics.csv"
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        lines = text.splitlines()[: rows + 1]
        if not lines:
            raise InputError(f"{file} is missing or empty; put it back, or start anew")
        self.columns, self.rows = next(csv.reader(lines[:1])), len(lines) - 1
        write_atomically(file, ("\n".join(lines) + "\n").encode())

    def row(self, step: int, epoch: int, split: str, values: dict[str, float]) -> None:
        """Append one row and flush; a column without a value stays empty."""
        if not self.writes:
            return
        shown = {"step": step, "epoch": epoch, "split": split}
        shown |= {key: f"{value:.6g}" for key, value in values.items()}
        if unknown := shown.keys() - set(self.columns):
            raise ValueError(f"metrics.csv has no columns {sorted(unknown)}")
        line = _line([shown.get(column, "") for column in self.columns])
        with open(self.path / "metrics.csv", "a", encoding="utf-8") as file:
            file.write(line)
        self.rows += 1

    def _clear(self) -> None:
        """Remove what a run writes, and nothing else that someone put here."""
        for folder in FOLDERS:
            shutil.rmtree(self.path / folder)
            (self.path / folder).mkdir()
        for name in FILES:
            (self.path / name).unlink(missing_ok=True)


def _line(cells: list) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def to_json(content: Any, indent: int | None = None) -> str:
    """Strict JSON: NaN and infinity, which it does not have, are written as null."""
    return json.dumps(_finite(content), indent=indent, default=str, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_name(out: Path, name: str, overwrite: bool) -> None:
    """Raise InputError if a new run cannot be `out/name`."""
    path = out / name
    if Path(name).name != name or name in ("..", "latest"):
        raise InputError(f"--name {name}: give a name; --out says in which folder")
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not (path / ".lock").exists():
        raise InputError(f"{path} is not the folder of a run. Choose another --name")
    check_free(path, "Wait for it, stop it, or choose another --name")
    if (path / "meta.json").exists() and not overwrite:
        raise InputError(
            f"{path} exists. Continue it with --resume {path}, choose another --name, "
            "or replace it with --overwrite"
        )


def _unwritable(path: Path, error: OSError) -> InputError:
    why = error.strerror or error
    return InputError(f"{path} cannot be written: {why}. Choose another --out")


def _next_free(out: Path, stem: str) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
        taken = [path.name.removeprefix(f"{stem}-") for path in out.iterdir()]
        number = 1 + max((int(text) for text in taken if text.isdecimal()), default=0)
        while True:
            try:
                (out / f"{stem}-{number:03d}").mkdir()
                return out / f"{stem}-{number:03d}"
            except FileExistsError:
                number += 1
    except OSError as error:
        raise _unwritable(out, error) from None
