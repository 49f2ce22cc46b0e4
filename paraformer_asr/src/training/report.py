# pattern: training/report.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/report.py --from <sub-project>
"""What a person sees before the first step and after the last one."""

import copy
import json
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..utils.checkpoint import load_checkpoint
from ..utils.debug import activation_table, gradient_table
from ..utils.distributed import Ranks
from ..utils.logging import log, table
from ..utils.plots import curves
from ..utils.run_dir import RunDir, to_json
from ..utils.seed import rng_state, set_rng_state
from .options import Options
from .progress import Progress
from .state import State
from .stopping import draw_stopping, reason
from .task import Config, Setup, draw_predictions
from .trainer import Trainer


# local: begin
PREDICTIONS = "plots/predictions.png"
# local: end


class Cost(NamedTuple):
    seconds: float
    """On the wall."""
    cpu_seconds: float
    """Of this process, all its threads; loader workers are not in it."""


def dry_run(
    options: Options, config: Config, setup: Setup, state: State, ranks: Ranks
) -> int:
    trainer = Trainer(config, setup.task, setup.datasets, state, None, ranks, True)
    log.info(inspect(setup, trainer, tables=config.debug))
    name = options.name or (f"{options.config.stem}-NNN" if options.config else "")
    folder = options.resume or str(options.out / name)
    plan = {
        "steps_per_epoch": trainer.steps_per_epoch,
        "steps": trainer.total_steps,
        "would_write_to": folder,
    }
    if not ranks.is_main:
        return 0
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
    device = trainer.state.device
    model, rng = copy.deepcopy(setup.model).train(), rng_state(device)
    batch, carried = trainer.first_batch(), dict(trainer.state.carried)
    shown = []
    if tables:
        shown.append(
            activation_table(model, lambda: setup.task.loss(model, batch, 0.0)) + "\n"
        )
    loss = setup.task.loss(model, batch, 0.0)
    loss.backward()
    if tables:
        shown.append(gradient_table(model))
    set_rng_state(rng, device)
    trainer.state.carried.clear()
    trainer.state.carried.update(carried)
    return "\n".join([*shown, f"loss of the first batch: {loss.item():.4f}"])


def say_finished(
    options: Options, config: Config, saved: dict[str, Any], path: Path, speak: bool
) -> bool:
    """Whether nothing of a resumed run is left to do; says so, or gives its summary."""
    run = path.parents[1]
    try:
        now = Progress(**saved["progress"])
        status = json.loads((run / "meta.json").read_text("utf-8"))["status"]
        summary = json.loads((run / "summary.json").read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if now.epoch < now.end(config.train):
        return False
    if status != "done":  # it was killed between its last step and its end
        return False
    early = now.epoch < config.train.epochs
    more = "a larger train.patience" if early else "train.epochs=N"
    more = f"go on with {more}"
    if now.cooling_from is not None:
        more = "its rate has fallen to zero, so start a new run to train longer"
    if speak and options.json:
        print(to_json(summary))
    elif speak:
        print(f"{run} is finished ({now.step} steps); {more}")
    return True


def finish(
    options: Options,
    config: Config,
    setup: Setup,
    run: RunDir,
    state: State,
    cost: Cost,
    first_step: int,
) -> None:
    """Pictures, summary.json, the table, and what to type next."""
    now, best = state.progress, run.checkpoints / "best.pt"
    curves(run.path / "metrics.csv", run.path / "plots" / "curves.png", run.path.name)
    content = load_checkpoint(best)
    setup.model.load_state_dict(content["model"])
    draw_predictions(setup, state.device, run.path / PREDICTIONS, run.path.name)
    pictures = ["plots/curves.png", PREDICTIONS]
    if config.train.patience:
        pictures.append("plots/stopping.png")
        draw_stopping(
            run.path / "metrics.csv", now, config.train, run.path / pictures[-1]
        )
    seconds = cost.seconds
    rate = (now.step - first_step) / max(seconds, 1e-9)
    summary = {
        "run": str(run.path),
        "status": "done",
        "seed": config.seed,
        "best": content["metrics"],
        "best_step": now.best_step,
        "steps": now.step,
        "epochs": now.epoch,
        "since_step": first_step,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cost.cpu_seconds, 2),
        "threads": torch.get_num_threads(),
        "steps_per_second": round(rate, 3),
        "parameters": sum(p.numel() for p in setup.model.parameters()),
        "checkpoint": str(best),
        "pictures": pictures,
    }
    # A run that was finished already keeps what was measured then.
    if now.step > first_step or not (run.path / "summary.json").exists():
        run.write_json("summary.json", summary)
    if now.epoch < config.train.epochs:
        log.info(f"stopped early: {reason(now, config.train)}")
    log.info(
        f"done in {int(seconds // 60)}:{seconds % 60:04.1f} · best at step "
        f"{now.best_step} of {now.step} · {rate:.1f} steps/s · "
        f"{cost.cpu_seconds:.0f} CPU-s"
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
