# pattern: training/options.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/options.py --from <sub-project>
"""What `scripts/train.py` was asked for: a new run, or one to be continued."""

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..utils.checkpoint import load_checkpoint
from ..utils.config import differences, from_dict, load_config, to_dict
from ..utils.errors import InputError
from ..utils.lock import check_free
from ..utils.logging import log
from ..utils.run_dir import find_run
from .task import Config


MAY_CHANGE = (
    "data.workers",
    "train.epochs",
    "train.eval_every",
    "train.log_every",
    "train.min_gain",
    "train.patience",
    "train.save_every",
    "train.timeout_s",
)
"""Keys that a resumed run may change; any other would not be the same run."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of train.py."""

    config: Path | None = None
    overrides: tuple[str, ...] = ()
    name: str = ""
    out: Path = Path("runs")
    device: str = "auto"
    seed: int | None = None
    resume: str = ""
    dry_run: bool = False
    quiet: bool = False
    json: bool = False
    overwrite: bool = False
    contracts: bool = True


def resolve_config(
    options: Options, saved: dict[str, Any] | None, path: Path | None = None
) -> Config:
    """The configuration asked for; of a resumed run, what its checkpoint `path` has."""
    overrides = list(options.overrides)
    if options.seed is not None:
        overrides.append(f"seed={options.seed}")
    if saved is None:
        if options.config is None:
            raise InputError(_ask_what_to_train(options.overrides))
        return load_config(Config, options.config, overrides)
    before = from_dict(Config, saved["config"], str(path))
    config = from_dict(Config, saved["config"], str(path), overrides)
    for key, old, new in differences(to_dict(before), to_dict(config)):
        if key not in MAY_CHANGE:
            raise InputError(
                f"{key}={new}: the run has {old}, and a resumed run keeps it. "
                f"May change: {', '.join(MAY_CHANGE)}. Else start a new run"
            )
    return config


def _ask_what_to_train(arguments: tuple[str, ...]) -> str:
    for given in arguments:
        if given.endswith((".yaml", ".yml")) or "=" not in given:
            option = "--resume" if Path(given).is_dir() else "--config"
            return f"say what to train; did you mean {option} {given}?"
    return "say what to train: --config configs/NAME.yaml, or --resume RUN"


def load_resumed(options: Options) -> tuple[dict[str, Any], Path]:
    """The newest whole checkpoint: last.pt, else last-1.pt with a warning."""
    if options.config:
        raise InputError(
            "--resume uses the run's own configuration; leave out --config, or leave "
            "out --resume to start anew"
        )
    run = find_run(options.resume, options.out)
    check_free(run, "Wait for it, or stop it")
    last = run / "checkpoints" / "last.pt"
    try:
        return load_checkpoint(last, "training"), last
    except InputError as error:
        previous = last.with_name("last-1.pt")
        if not previous.exists():
            raise
        log.warning(f"{error} Resuming from {previous} instead.")
        return load_checkpoint(previous, "training"), previous


def continue_after_restart(options: Options) -> Options:
    """Go on with the run of the attempt before when torchrun restarts a job.

    It is the newest unfinished run of the same command; no other is touched.
    """
    attempt = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))
    if attempt == 0 or options.resume:
        return options
    runs = []
    for file in options.out.glob("*/meta.json"):
        meta = json.loads(file.read_text(encoding="utf-8"))
        ours = meta.get("job") == job() and meta.get("status") != "done"
        if ours and not file.parent.is_symlink():
            runs.append((meta["start"], file.parent))
    if not runs:
        return options
    run = max(runs)[1]
    if not (run / "checkpoints/last.pt").exists():  # it ended before it was saved
        return replace(options, name=run.name, overwrite=True)
    log.warning(f"restart {attempt} continues {run}")
    return replace(options, resume=str(run), config=None, overrides=(), seed=None)


def job() -> list[str]:
    """What the attempts of one torchrun job have in common."""
    return [os.environ.get("TORCHELASTIC_RUN_ID", ""), *sys.argv]
