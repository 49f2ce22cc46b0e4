"""The checkpoints of the task reason that a visitor can choose among."""

from itertools import chain
from pathlib import Path

from ..utils.errors import InputError
from ..utils.yaml12 import read_yaml


def find_reasoners(checkpoint: Path | None, runs: Path) -> dict[str, Path]:
    """`run, stage` -> a checkpoint; `checkpoint` comes first, then the last trained."""
    own = [checkpoint.resolve()] if checkpoint else []
    files = list(runs.glob("*/config.yaml"))
    files.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    folders = [path.parent for path in own]
    folders += [file.resolve().parent / "checkpoints" for file in files]
    paths = [*own, *chain.from_iterable(map(_stages, dict.fromkeys(folders)))]
    return {_label(path): path for path in dict.fromkeys(paths)}


def _stages(folder: Path) -> list[Path]:
    """What the first stage left and the best, or the last where no best is."""
    if not _reasons(folder.parent):
        return []
    there = [folder / f"{stage}.pt" for stage in ("supervised", "best", "last")]
    return [path for path in there if path.is_file()][:2]


def _reasons(run: Path) -> bool:
    """Whether a run was for this task, by its config.yaml."""
    try:
        return read_yaml(run / "config.yaml")[0].get("task") == "reason"
    except InputError:
        return False


def _label(path: Path) -> str:
    """`run, stage` for a checkpoint of a run, else the path."""
    inside = path.parent.name == "checkpoints"
    return f"{path.parents[1].name}, {path.stem}" if inside else str(path)
