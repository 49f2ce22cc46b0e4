# pattern: training/launch.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/launch.py --from <sub-project>
"""`scripts/train.py`, from the command line to the table at the end."""

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..utils.checkpoint import load_checkpoint
from ..utils.config import differences, from_dict, load_config, read_overrides, to_dict
from ..utils.contracts import disable_contracts
from ..utils.debug import activation_table, gradient_table
from ..utils.device import describe_device, pick_device
from ..utils.distributed import Ranks, join_ranks, leave_ranks, share
from ..utils.errors import InputError
from ..utils.interrupt import exit_code
from ..utils.logging import log, log_to_file, start_logging, table
from ..utils.plots import curves
from ..utils.run_dir import RunDir, find_run
from ..utils.seed import seed_everything
from .state import State
from .task import Config, Setup, build, draw_predictions
from .trainer import Trainer


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


def train(options: Options) -> int:
    """Run the whole job; returns the exit code, raises the errors of `utils.errors`."""
    rank = int(os.environ.get("RANK", 0))
    start_logging(options.quiet, main_process=rank == 0)
    if not options.contracts:
        disable_contracts()
    saved, path = _load_resumed(options) if options.resume else (None, None)
    config = _resolve_config(options, saved)
    device = pick_device(options.device, int(os.environ.get("LOCAL_RANK", 0)))
    ranks = join_ranks(config.train.timeout_s, device.type)
    try:
        return _train(options, config, device, ranks, saved, path)
    finally:
        leave_ranks()


def _train(
    options: Options, config: Config, device: torch.device, ranks: Ranks, saved, path
) -> int:
    seed_everything(config.seed, ranks.rank)
    setup = build(config)
    _check_ranks(config, setup, ranks)
    log.info(f"{setup.title} · {describe_device(device)} · seed {config.seed}")
    memory = torch.channels_last if config.train.channels_last else None
    setup.model.to(device, memory_format=memory or torch.preserve_format)
    data = {"config": to_dict(config), "data": setup.data}
    state = State(config, data, setup.model, ranks)
    if options.dry_run:
        return _dry_run(options, config, setup, state, ranks)
    run = _open_run(options, config, ranks, saved)
    if saved is not None:
        state.restore(saved, path)
        run.cut_metrics(state.progress.rows)
    _announce(options, config, run, state, setup)
    if config.debug:
        torch.autograd.set_detect_anomaly(True)
        log.info(_inspect(config, setup, state, ranks))
    trainer = Trainer(config, setup.task, setup.datasets, state, run, ranks, options.quiet)
    started, first_step = time.monotonic(), state.progress.step
    stop = trainer.fit()
    seconds = time.monotonic() - started
    if not ranks.is_main:
        return exit_code(stop)
    run.update_meta(status="stopped" if stop else "done", end=time.time())
    if stop:
        log.warning(f"saved step {state.progress.step}")
        log.warning(f"resume  python scripts/train.py --resume {run.path}")
        run.event("stop", state.progress.step, signal=stop)
        return exit_code(stop)
    _finish(options, config, setup, run, state, seconds, first_step)
    return 0


def _load_resumed(options: Options) -> tuple[dict[str, Any], Path]:
    """The newest whole checkpoint of the run: last.pt, else last-1.pt with a warning."""
    if options.config:
        raise InputError(
            "--resume uses the run's own configuration; leave out --config, or leave "
            "out --resume to start anew"
        )
    run = find_run(options.resume, options.out)
    last = run / "checkpoints" / "last.pt"
    try:
        return load_checkpoint(last, "training"), last
    except InputError as error:
        previous = last.with_name("last-1.pt")
        if not previous.exists():
            raise
        log.warning(f"{error} Resuming from {previous} instead.")
        return load_checkpoint(previous, "training"), previous


def _resolve_config(options: Options, saved: dict[str, Any] | None) -> Config:
    overrides = list(options.overrides)
    if options.seed is not None:
        overrides.append(f"seed={options.seed}")
    if saved is None:
        if options.config is None:
            raise InputError(
                "say what to train: --config configs/NAME.yaml, or --resume RUN to go on"
            )
        return load_config(Config, options.config, overrides)
    config = from_dict(Config, read_overrides(saved["config"], overrides))
    for key, old, new in differences(saved["config"], to_dict(config)):
        if key not in MAY_CHANGE:
            raise InputError(
                f"{key}={new}: the run was trained with {old}, and a resumed run keeps it. "
                f"May change: {', '.join(MAY_CHANGE)}. Start a new run for anything else"
            )
    return config


def _open_run(
    options: Options, config: Config, ranks: Ranks, saved: dict[str, Any] | None
) -> RunDir:
    """Rank 0 makes and locks the folder; the others only learn where it is."""
    if not ranks.is_main:
        return RunDir(Path(share(None)), writes=False)
    if saved is not None:
        run = RunDir(find_run(options.resume, options.out))
    else:
        stem = options.config.stem
        run = RunDir.create(options.out, stem, options.name, options.overwrite)
    share(str(run.path))
    run.write_config(to_dict(config))
    run.update_meta(status="running", seed=config.seed, world=ranks.world)
    return run


def _announce(
    options: Options, config: Config, run: RunDir, state: State, setup: Setup
) -> None:
    if run.writes:
        log_to_file(run.path / "train.log")
        run.update_meta(
            name=run.path.name,
            config=str(options.config or run.path / "config.yaml"),
            device=str(state.device),
            data=setup.data.get("fingerprint", ""),
        )
    now = state.progress
    run.event("resume" if now.step else "start", now.step)
    shown = f"  ({' '.join(options.overrides)})" if options.overrides else ""
    log.info(f"run      {run.path}{shown}")
    if now.step:
        log.info(f"resuming at step {now.step} (epoch {now.epoch + 1}, batch {now.batch})")


def _check_ranks(config: Config, setup: Setup, ranks: Ranks) -> None:
    for name, count in [
        ("data.batch_size", config.data.batch_size),
        ("the number of training samples", len(setup.datasets["train"])),
        ("the number of validation samples", len(setup.datasets["val"])),
    ]:
        if count < ranks.world:
            raise InputError(f"{name} is {count}, too few for {ranks.world} processes")
    if config.data.batch_size % ranks.world:
        raise InputError(
            f"data.batch_size = {config.data.batch_size} does not divide among "
            f"{ranks.world} processes"
        )


def _inspect(config: Config, setup: Setup, state: State, ranks: Ranks) -> str:
    """Tables of what the first batch does in the model, forwards and backwards."""
    trainer = Trainer(config, setup.task, setup.datasets, state, None, ranks, True)
    rng = torch.get_rng_state()
    batch = trainer.first_batch()
    losses = []
    activations = activation_table(
        setup.model, lambda: losses.append(setup.task.loss(setup.model, batch, 0.0))
    )
    losses[0].backward()
    gradients = gradient_table(setup.model)
    setup.model.zero_grad(set_to_none=True)
    torch.set_rng_state(rng)
    return f"{activations}\n\n{gradients}\nloss of the first batch: {losses[0].item():.4f}"


def _dry_run(
    options: Options, config: Config, setup: Setup, state: State, ranks: Ranks
) -> int:
    trainer = Trainer(config, setup.task, setup.datasets, state, None, ranks, True)
    log.info(_inspect(config, setup, state, ranks))
    print(
        f"{trainer.steps_per_epoch} steps an epoch, {trainer.total_steps} in all; "
        f"would write to {options.out / (options.name or options.config.stem + '-NNN')}; "
        "nothing was written"
    )
    return 0


def _finish(
    options: Options,
    config: Config,
    setup: Setup,
    run: RunDir,
    state: State,
    seconds: float,
    first_step: int,
) -> None:
    """Pictures, summary.json, the table, and what to type next."""
    now, best = state.progress, run.checkpoints / "best.pt"
    curves(run.path / "metrics.csv", run.path / "plots" / "curves.png", run.path.name)
    content = load_checkpoint(best)
    setup.model.load_state_dict(content["model"])
    draw_predictions(setup, state.device, run.path / "predictions" / "val.png")
    rate = (now.step - first_step) / max(seconds, 1e-9)
    summary = {
        "run": str(run.path),
        "config": run.path.name,
        "status": "done",
        "seed": config.seed,
        "best": content["metrics"],
        "best_step": now.best_step,
        "steps": now.step,
        "epochs": now.epoch,
        "seconds": round(seconds, 2),
        "steps_per_second": round(rate, 3),
        "parameters": sum(p.numel() for p in setup.model.parameters()),
        "checkpoint": str(best),
        "pictures": ["plots/curves.png", "predictions/val.png"],
    }
    run.write_json("summary.json", summary)
    run.event("end", now.step)
    log.info(
        f"done in {int(seconds // 60)}:{seconds % 60:04.1f} · best at step "
        f"{now.best_step} of {now.step} · {rate:.1f} steps/s"
    )
    if options.json:
        json.dump(summary, sys.stdout, default=str)
        print()
    else:
        rows = [(name, value) for name, value in content["metrics"].items()]
        print(table(rows, ("val", "best")))
        print(f"saved  {best}\n       {run.path}/plots/curves.png, predictions/val.png")
        print(f"next   python scripts/eval.py --checkpoint {best}")
