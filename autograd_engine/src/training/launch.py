"""`scripts/train.py`, from the command line to the table at the end."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..engine.grad_mode import detect_anomaly
from ..utils.checkpoint import LAST
from ..utils.config import to_dict
from ..utils.contracts import disable_contracts
from ..utils.device import describe_device, pick_device
from ..utils.errors import FaultError, InputError
from ..utils.interrupt import exit_code
from ..utils.logging import log, log_to_file, start_logging
from ..utils.run_dir import RunDir, check_name, find_run
from .options import Options, load_resumed, resolve_config
from .report import dry_run, finish, inspect, say_finished
from .state import State, environment
from .task import Config, Setup, build
from .trainer import Trainer


NO_RUN = Path()
"""The folder of a trainer that writes nothing."""


def train(options: Options) -> int:
    """Run the whole job; returns the exit code, raises the errors of `utils.errors`."""
    start_logging(options.quiet)
    if not options.contracts:
        disable_contracts()
    saved, path = load_resumed(options) if options.resume else (None, None)
    config = resolve_config(options, saved, path)
    if saved is not None and say_finished(options, config, saved, path):
        return 0
    if saved is None and options.name:  # before the time that data and model take
        check_name(options.out, options.name, options.overwrite)
    device = pick_device(options.device)
    try:
        return _train(options, config, device, saved, path)
    except MemoryError:  # in the steps themselves the trainer says more
        raise FaultError(
            "out of memory outside of the training steps. Make the model or "
            f"data.batch_size (now {config.data.batch_size}) smaller"
        ) from None


def _train(
    options: Options,
    config: Config,
    device: str,
    saved: dict[str, Any] | None,
    path: Path | None,
) -> int:
    setup = build(config)
    where = describe_device(device, environment()["threads"])
    log.info(f"{setup.title} · {where} · seed {config.seed}")
    data = {"config": to_dict(config), "data": setup.data}
    state = State(config, data, setup.model)
    nowhere = RunDir(NO_RUN, writes=False)
    trainer = Trainer(
        config, setup.task, setup.splits, state, nowhere, quiet=options.quiet
    )
    if options.dry_run:
        state.to(device)
        return dry_run(options, config, setup, trainer)
    if saved is not None:
        _check_data(saved, setup, path)
        state.restore(saved, path)
    state.to(device)
    with _open_run(options, config, path) as run:
        if saved is not None:
            run.cut_metrics(state.progress.rows)
        _announce(options, run, state, setup)
        trainer.run = run
        with detect_anomaly(config.debug):
            return _fit(options, config, setup, trainer)


def _fit(options: Options, config: Config, setup: Setup, trainer: Trainer) -> int:
    state, run = trainer.state, trainer.run
    started, first_step = time.monotonic(), state.progress.step
    try:
        if config.debug:
            log.info(inspect(setup, trainer))
        stop = trainer.fit()
        if not stop:
            seconds = time.monotonic() - started
            finish(options, setup, run, state, seconds, first_step)
    except Exception as error:
        with suppress(OSError, FaultError):  # a full disk must not hide the error
            run.finish("failed", state.progress.step, error=str(error))
        raise
    run.finish("stopped" if stop else "done", state.progress.step, signal=stop)
    if stop:
        log.warning(f"saved step {state.progress.step}")
        log.warning(f"resume  python scripts/train.py --resume {run.path}")
    return exit_code(stop)


def _check_data(saved: dict[str, Any], setup: Setup, path: Path) -> None:
    if saved["data"].get("fingerprint") != setup.data["fingerprint"]:
        raise InputError(
            f"{path} was trained on other data: what data.root names has changed "
            "since. Put it back, or start a new run"
        )


def _open_run(options: Options, config: Config, path: Path | None) -> RunDir:
    if path is not None:
        run = RunDir(find_run(options.resume, options.out))
        # A damaged last.npz must not push out the good one before it.
        os.replace(path, run.checkpoints / LAST)
    else:
        stem = options.config.stem
        run = RunDir.create(options.out, stem, options.name, options.overwrite)
    run.write_config(to_dict(config))
    run.update_meta(status="running", end=None, seed=config.seed)
    return run


def _announce(options: Options, run: RunDir, state: State, setup: Setup) -> None:
    log_to_file(run.path / "train.log")
    run.update_meta(
        name=run.path.name,
        config=str(options.config or run.path / "config.yaml"),
        device=state.device,
        data=setup.data["fingerprint"],
    )
    now = state.progress
    run.event("resume" if now.step else "start", now.step)
    shown = f"  ({' '.join(options.overrides)})" if options.overrides else ""
    log.info(f"run      {run.path}{shown}")
    if now.step:
        log.info(
            f"resuming at step {now.step} (epoch {now.epoch + 1}, batch {now.batch})"
        )
