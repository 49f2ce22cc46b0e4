"""Run folders, read as the sub-projects leave them; nothing is imported from those."""

import csv
import json
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.projects import WorkspaceError
from tools.sane import sane


# The one in C is seven times as fast; both make plain values only. More than 20,000
# brackets within each other end it by a fault that no Python can catch.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LONGEST = 16_000  # characters that it is given


@dataclass(frozen=True, slots=True)
class Run:
    """One run folder. What a run that was killed early has not written is empty."""

    path: Path
    project: str  # name of its sub-project; empty if the folder lies elsewhere
    config: dict[str, Any]  # flat: "optim.lr" -> value
    meta: dict[str, Any]
    summary: dict[str, Any]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def status(self) -> str:
        return self.meta.get("status", "unknown")

    @property
    def seed(self) -> int | None:
        return self.config.get("seed", self.meta.get("seed"))

    @property
    def settings(self) -> dict[str, Any]:
        """What makes two runs the same experiment: the configuration but the seed."""
        return {key: value for key, value in self.config.items() if key != "seed"}


def read_run(path: Path) -> Run:
    """The run in a folder; a sentence if there is none or its files are damaged."""
    path = path.resolve()
    if not (path / "meta.json").is_file():
        raise WorkspaceError(
            f"{path} is no run folder: it has no meta.json; give a folder such as "
            "vision_cnn/runs/toy_patterns-001"
        )
    run = Run(
        path,
        project_of(path),
        dict(flat(read_config(path / "config.yaml"))),
        read_json(path / "meta.json"),
        read_json(path / "summary.json"),
    )
    told = {key: run.config.get(key) for key in ("train.monitor", "train.mode")}
    for key, value in {"seed": run.seed, **told}.items():
        if not isinstance(value, str | int | float | None):
            raise WorkspaceError(
                f"{path} is damaged: {key} is {value!r}, expected one number or word"
            )
    return run


def read_runs(places: Iterable[Path]) -> tuple[list[Run], list[str]]:
    """Every run in or below the given folders, each once, in the order of its start.

    A run that cannot be read is a sentence: one of 500 must not hide the others.
    """
    runs, damaged = [], []
    for path in run_folders(places):
        try:
            runs.append(read_run(path))
        except WorkspaceError as error:
            damaged.append(f"{error}; the run is left out")
    return sorted(runs, key=lambda run: str(run.meta.get("start", ""))), damaged


def run_folders(places: Iterable[Path]) -> list[Path]:
    """The folders in or below the given ones that hold a run, each once."""
    found = {
        file.parent.resolve()
        for place in places
        for file in [place / "meta.json", *place.rglob("meta.json")]
        if file.is_file()
    }
    return sorted(found)


def read_metrics(run: Run) -> list[dict[str, str | float]]:
    """The rows of metrics.csv: numbers where there are numbers, no empty cells."""
    try:
        with open(run.path / "metrics.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, csv.Error) as error:
        raise _damaged(run.path / "metrics.csv", error) from None
    return [
        {key: _number(text) for key, text in row.items() if key and text}
        for row in rows
    ]


def flat(nested: Mapping, before: str = "") -> Iterator[tuple[str, Any]]:
    """`{"optim": {"lr": 1}}` as ("optim.lr", 1)."""
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys that two of the configurations do not agree on."""
    keys = dict.fromkeys(key for one in settings for key in one)
    return [
        key
        for key in keys
        if len({as_one(one[key]) if key in one else "" for one in settings}) > 1
    ]


def as_one(value: Any) -> str:
    """A text that is the same for what is the same setting: 1 and 1.0, but not true."""
    return json.dumps(_whole(value), sort_keys=True, default=str)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {str(key): _whole(inner) for key, inner in value.items()}
    return [_whole(one) for one in value] if isinstance(value, list) else value


def project_of(path: Path) -> str:
    """The nearest folder above that is a sub-project."""
    return folder.name if (folder := _folder_of(path)) else ""


def eval_command(run: Run, split: str) -> str:
    """What to type, anywhere, so that the run has an evaluation of this split."""
    path = run.path.resolve()
    folder = _folder_of(path)
    # The summary names the file as it lay where the run was made.
    name = Path(str(run.summary.get("checkpoint") or "")).name
    kept = path / "checkpoints"
    if not name:
        name = "best.npz" if (kept / "best.npz").is_file() else "best.pt"
    words = ["scripts/eval.py", "--checkpoint", str(kept / name), "--split", split]
    if folder is None:  # a run from elsewhere
        return shlex.join(["python", *words])
    return f"cd {shlex.quote(str(folder))} && {shlex.join([sys.executable, *words])}"


def _folder_of(path: Path) -> Path | None:
    above = (one for one in path.parents if (one / "src/__init__.py").is_file())
    return next(above, None)


def read_json(path: Path) -> dict[str, Any]:
    return _read(path, json.loads)


def read_config(path: Path) -> dict[str, Any]:
    def parse(text: str) -> Any:
        return yaml.load(text, LOADER if len(text) < LONGEST else yaml.SafeLoader)

    return _read(path, parse)


def _read(path: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    """What the file says by key; nothing if there is no file."""
    try:
        content = sane(parse(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise _damaged(path, error) from None
    if not isinstance(content, dict):
        raise WorkspaceError(f"{path} is damaged: expected keys and values")
    return content


def _damaged(path: Path, error: Exception) -> WorkspaceError:
    if isinstance(error, OSError):
        return WorkspaceError(f"{path} cannot be read: {error.strerror}")
    return WorkspaceError(f"{path} is damaged: {' '.join(str(error).split())}")


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
