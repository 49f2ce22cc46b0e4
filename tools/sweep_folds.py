"""Cross-validation of a sub-project, found by asking its own `--dry-run`."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.processes import environment
from tools.projects import WorkspaceError


PLACES = ("data", "data.folder")  # where a configuration has `folds` and `fold`


def fold_overrides(
    project: Path, config: Path, overrides: Sequence[str], folds: int
) -> list[tuple[str, str]]:
    """The overrides of each fold; a sentence where the data is not divided into folds.

    A key that is known may still do nothing with some data: then the first batch of
    fold 0 is that of fold 1, and every fold would be the same run.
    """
    for place in PLACES:
        given = [(f"{place}.folds={folds}", f"{place}.fold={k}") for k in range(folds)]
        first = _first_batch(project, config, [*overrides, *given[0]])
        if first is None:
            continue
        if first == _first_batch(project, config, [*overrides, *given[1]]):
            raise WorkspaceError(
                f"{config}: {place}.fold changes nothing with this data, so there is "
                "nothing to cross-validate; leave --folds out"
            )
        return given
    keys = " nor ".join(f"{place}.folds" for place in PLACES)
    raise WorkspaceError(
        f"{project.name} has no folds: its configuration knows neither {keys}; leave "
        "--folds out, or name what to leave out by --grid"
    )


def _first_batch(project: Path, config: Path, overrides: Sequence[str]) -> str | None:
    """What a dry run says of the first batch; None if a key is not known there."""
    words = ["scripts/train.py", "--config", str(config), *overrides, "--dry-run"]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=project,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    said = (done.stdout + done.stderr).strip()
    if "is not a known key" in said and ".fold" in said.partition(":")[0]:
        return None
    if done.returncode:
        raise WorkspaceError(said.splitlines()[-1] if said else "train.py failed")
    return "\n".join(line for line in said.splitlines() if "first batch" in line)
