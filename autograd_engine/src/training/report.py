"""What a person sees before the first step and after the last one."""

import copy
import json
from pathlib import Path
from typing import Any

from ..engine.random import get_rng_state, set_rng_state
from ..utils.checkpoint import BEST, load_checkpoint
from ..utils.logging import log, table
from ..utils.plots import curves
from ..utils.run_dir import RunDir, to_json
from .debug import activation_table, gradient_table
from .draw import draw_predictions
from .options import Options
from .progress import Progress
from .state import State
from .task import Config, Setup
from .trainer import Trainer


def dry_run(options: Options, config: Config, setup: Setup, trainer: Trainer) -> int:
    """Say what the run would do, after one batch forwards and backwards."""
    log.info(inspect(setup, trainer, tables=config.debug))
    name = options.name or (f"{options.config.stem}-NNN" if options.config else "")
    folder = options.resume or str(options.out / name)
    plan = {
        "steps_per_epoch": trainer.steps_per_epoch,
        "steps": trainer.total_steps,
        "would_write_to": folder,
    }
    if options.json:
        print(to_json({"status": "dry run", **plan}))
    else:
        print(
            f"{trainer.steps_per_epoch} steps an epoch, {trainer.total_steps} in all; "
            f"would write to {folder}; nothing was written"
        )
    return 0


def inspect(setup: Setup, trainer: Trainer, tables: bool = True) -> str:
    """The first loss and tables of what it took, forwards and backwards.

    Works on a copy, so that a run in debug mode is the run without it.
    """
    model, rng = copy.deepcopy(setup.model).train(), get_rng_state()
    batch, shown = trainer.first_batch(), []
    if tables:
        seen = activation_table(model, lambda: setup.task.loss(model, batch, 0.0))
        shown.append(seen + "\n")
    loss = setup.task.loss(model, batch, 0.0)
    loss.backward()
    if tables:
        shown.append(gradient_table(model))
    set_rng_state(rng)
    return "\n".join([*shown, f"loss of the first batch: {loss.item():.4f}"])


def say_finished(
    options: Options, config: Config, saved: dict[str, Any], path: Path
) -> bool:
    """Whether nothing of a resumed run is left to do; says so, or gives its summary."""
    run = path.parents[1]
    try:
        now = Progress(**saved["progress"])
        status = json.loads((run / "meta.json").read_text("utf-8"))["status"]
        summary = json.loads((run / "summary.json").read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return False
    waited_enough = 0 < config.train.patience <= now.waited
    if now.epoch < config.train.epochs and not waited_enough:
        return False
    if status != "done":  # it was killed between its last step and its end
        return False
    more = "a larger train.patience" if waited_enough else "train.epochs=N"
    if options.json:
        print(to_json(summary))
    else:
        print(f"{run} is finished ({now.step} steps); go on with {more}")
    return True


def finish(
    options: Options,
    setup: Setup,
    run: RunDir,
    state: State,
    seconds: float,
    first_step: int,
) -> None:
    """Pictures, summary.json, the table, and what to type next."""
    now, best = state.progress, run.checkpoints / BEST
    curves(run.path / "metrics.csv", run.path / "plots" / "curves.png", run.path.name)
    content = load_checkpoint(best)
    setup.model.to("cpu").load_state_dict(content["model"])
    setup.model.to(state.device)
    drawn = draw_predictions(setup, state.device, run.path)
    rate = (now.step - first_step) / max(seconds, 1e-9)
    summary = {
        "run": str(run.path),
        "status": "done",
        "seed": state.config.seed,
        "best": content["metrics"],
        "best_step": content["progress"]["step"],
        "steps": now.step,
        "epochs": now.epoch,
        "since_step": first_step,
        "seconds": round(seconds, 2),
        "steps_per_second": round(rate, 3),
        "parameters": sum(p.numel() for p in setup.model.parameters()),
        "checkpoint": str(best),
        "pictures": ["plots/curves.png", drawn],
    }
    # A run that was finished already keeps what was measured then.
    if now.step > first_step or not (run.path / "summary.json").exists():
        run.write_json("summary.json", summary)
    log.info(
        f"done in {int(seconds // 60)}:{seconds % 60:04.1f} · best at step "
        f"{summary['best_step']} of {now.step} · {rate:.1f} steps/s"
    )
    _print_result(summary, options.json)


def _print_result(summary: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(to_json(summary))
        return
    best = summary["checkpoint"]
    print(table(list(summary["best"].items()), ("val", "best")))
    print(f"saved  {best}\n       {summary['run']}/{', '.join(summary['pictures'])}")
    print(f"next   python scripts/eval.py --checkpoint {best}")
