"""Run folders, read as the sub-projects leave them; nothing is imported from those."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.projects import WorkspaceError


# The one in C is seven times as fast; both make plain values only.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    return Run(
        path,
        project_of(path),
        dict(flat(read_config(path / "config.yaml"))),
        read_json(path / "meta.json"),
        read_json(path / "summary.json"),
    )


def find_runs(places: Iterable[Path]) -> list[Run]:
    """Every run in or below the given folders, each once, in the order of its start."""
    runs = [read_run(path) for path in run_folders(places)]
    return sorted(runs, key=lambda run: run.meta.get("start", ""))


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


def project_of(path: Path) -> str:
    """The nearest folder above that is a sub-project."""
    above = (one.name for one in path.parents if (one / "src/__init__.py").is_file())
    return next(above, "")


def read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise WorkspaceError(f"{path} is damaged: {error}") from None
    if not isinstance(content, dict):
        raise WorkspaceError(f"{path} is damaged: expected keys and values")
    return content


def read_config(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), LOADER)
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValueError) as error:
        place = " ".join(str(error).split())
        raise WorkspaceError(f"{path} is damaged: {place}") from None
    if not isinstance(content, dict):
        raise WorkspaceError(f"{path} is damaged: expected keys and values")
    return content


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
