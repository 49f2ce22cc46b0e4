"""How many epochs an arm needs to have at least the CPU time of another.

What an epoch costs is only known from a run. So a first run decides, and where it took
less than the other arm, it is made anew, longer, until it did not. What was decided is
kept in `lengths.json`: the same command makes the same runs.
"""

import json
import math
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from ..training.task import Config
from ..utils.atomic import write_atomically
from ..utils.config import from_dict
from ..utils.logging import log
from ..utils.run_dir import to_json
from .children import state_of
from .plan import merge
from .study_plan import Trained
from .study_scores import read_metrics, used_by


MARGIN = 1.05
"""By how much a longer run is to exceed: CPU time varies from run to run."""
MOST = 5
"""Runs of an arm and seed that are made at most; the report says if it was in vain."""


class Took(NamedTuple):
    """What a finished run took, in CPU-seconds."""

    cpu_seconds: float
    """Of its process, imports and pictures included."""
    trained: float
    """Of its epochs, evaluations included."""
    epochs: int
    evaluations: int


class Lengths:
    """The epochs of the runs whose CPU time must reach that of other runs."""

    def __init__(self, folder: Path):
        self.folder, self.file = folder, folder / "lengths.json"
        self.kept = _read(self.file)

    def config(self, trained: Trained, seed: int) -> dict[str, Any] | None:
        """The configuration of the run; None while the other arm has not ended."""
        other = took(self.folder / f"{trained.arm.as_long_as}-s{seed}")
        if other is None:
            return None
        name = f"{trained.name}-s{seed}"
        train = from_dict(Config, trained.config).train
        if name not in self.kept:
            rate = self._epochs_per_second(trained.name)
            epochs = math.ceil(MARGIN * rate * other.cpu_seconds) or train.epochs
            ours = took(self.folder / name)
            self._keep(name, trained, seed, other, ours.epochs if ours else epochs, [])
        epochs = self.kept[name]["epochs"]
        # No more evaluations than the other has: they are not what is to be compared.
        every = max(train.eval_every, math.ceil(epochs / max(other.evaluations, 1)))
        values = {"epochs": epochs, "eval_every": every}
        return merge(trained.config, {"train": values})

    def settled(self, trained: Trained, seed: int) -> bool:
        """Whether the run has the CPU time, or all was tried; if not, it is removed."""
        name = f"{trained.name}-s{seed}"
        run = self.folder / name
        ours, other = took(run), took(self.folder / f"{trained.arm.as_long_as}-s{seed}")
        if ours is None or other is None:
            return False
        kept = self.kept[name]
        tried = [*kept["tried"], {"epochs": ours.epochs, "cpu": ours.cpu_seconds}]
        if ours.cpu_seconds >= other.cpu_seconds or len(tried) >= MOST:
            return True
        beside = ours.cpu_seconds - ours.trained
        left = (other.cpu_seconds - beside) / max(ours.trained, 1e-9)
        epochs = max(ours.epochs + 1, math.ceil(MARGIN * ours.epochs * left))
        log.info(
            f"{name}: {ours.epochs} epochs took {ours.cpu_seconds:.1f} CPU-s, "
            f"{trained.arm.as_long_as} {other.cpu_seconds:.1f}; anew with {epochs}"
        )
        self._keep(name, trained, seed, other, epochs, tried)
        shutil.rmtree(run)
        return False

    def _epochs_per_second(self, arm: str) -> float:
        """Of the runs of this arm that have ended and are long enough; 0 for none."""
        rates = []
        for name, kept in self.kept.items():
            mine = name.rpartition("-s")[0] == arm
            ours = took(self.folder / name) if mine else None
            if ours and ours.cpu_seconds >= kept["at_least"]:
                rates.append(ours.epochs / ours.cpu_seconds)
        return sum(rates) / len(rates) if rates else 0.0

    def _keep(
        self,
        name: str,
        trained: Trained,
        seed: int,
        other: Took,
        epochs: int,
        tried: list[dict],
    ) -> None:
        self.kept[name] = {
            "as_long_as": f"{trained.arm.as_long_as}-s{seed}",
            "at_least": other.cpu_seconds,
            "epochs": epochs,
            "tried": tried,
        }
        text = to_json(self.kept, indent=1) + "\n"
        write_atomically(self.file, text.encode())


def took(run: Path) -> Took | None:
    """What a run took; None where it has not ended well."""
    if state_of(run) != "done":
        return None
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    used = used_by(run, summary)
    judged = sum(row["split"] == "val" for row in read_metrics(run))
    return Took(used.cpu_seconds, used.trained, summary["epochs"], judged)


def _read(file: Path) -> dict[str, dict[str, Any]]:
    """What was decided; where that is damaged, the finished runs tell it again."""
    try:
        kept = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    found = kept.items() if isinstance(kept, dict) else ()
    return {name: value for name, value in found if _whole(value)}


def _whole(value: Any) -> bool:
    match value:
        case {"epochs": int(epochs), "at_least": int() | float(), "tried": [*_]}:
            return epochs > 0
    return False
