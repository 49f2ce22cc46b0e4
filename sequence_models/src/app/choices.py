"""The checkpoints that a visitor can choose among, each read when it is asked for."""

import re
from pathlib import Path

from ..inference.predictor import Predictor, load_predictor
from ..utils.errors import InputError
from ..utils.latest import find_run
from .checkpoints import check_finite, find_checkpoints, newest_checkpoint


KEPT = 4
"""Models in memory at once; the one that was asked for longest ago goes."""
LISTED = 30
"""Runs to choose from, the last trained."""
NONE = (
    "there is no checkpoint yet; train one: "
    "python scripts/train.py --config configs/toy_grammar.yaml"
)


class Choices:
    """The checkpoint that the page was started with, and the best of each run here."""

    def __init__(self, checkpoint: Path | None = None, runs: Path = Path("runs")):
        self.runs, self._loaded = runs, dict[str, Predictor]()
        self.checkpoint = checkpoint or newest_checkpoint(runs)
        self.first = _name(self.checkpoint, runs) if self.checkpoint else ""
        if self.first:
            self.get(self.first)

    def listed(self) -> list[list[str]]:
        """[name, what a person reads], the first one in front."""
        return [[name, _title(name, path)] for name, path in self._known().items()]

    def get(self, name: str) -> Predictor:
        """The model of that name, ready to use; raises InputError."""
        if name in self._loaded:
            self._loaded[name] = self._loaded.pop(name)  # now the newest
            return self._loaded[name]
        known = self._known()
        if not known:
            raise InputError(NONE)
        if name not in known:
            there = ", ".join(known)
            raise InputError(f"{name[:60]!r} is no checkpoint here; there is {there}")
        predictor = load_predictor(known[name])
        check_finite(predictor.model.state_dict(), known[name])
        self._loaded[name] = predictor
        if len(self._loaded) > KEPT:
            del self._loaded[next(iter(self._loaded))]
        return predictor

    def _known(self) -> dict[str, Path]:
        found = {self.first: self.checkpoint} if self.checkpoint else {}
        for path in find_checkpoints(self.runs)[:LISTED]:
            found.setdefault(_name(path, self.runs), path)
        return found


def _name(path: Path, runs: Path) -> str:
    """The run's name for the best checkpoint of a run here, else the path."""
    try:
        run = find_run(path.parent.parent, runs)
    except InputError:
        return str(path)
    here = run.resolve().parent == runs.resolve() and path.name == "best.pt"
    return run.name if here else str(path)


def _title(name: str, path: Path) -> str:
    """`demo · gpt_2025 · lm`, as far as the run's config says so."""
    try:
        text = (path.parents[1] / "config.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return name
    patterns = r"^model:\n  name: (\w+)", r"^task: (\w+)"
    found = [re.search(pattern, text, re.MULTILINE) for pattern in patterns]
    return " · ".join([name, *(match[1] for match in found if match)])
