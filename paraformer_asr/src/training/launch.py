# pattern: training/launch.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/launch.py --from <sub-project>
"""`scripts/train.py`, from the command line to the table at the end."""

import os
import time
from contextlib import suppress
from pathlib import Path

import torch

from ..utils.allocator import keep_freed_memory
from ..utils.config import to_dict
from ..utils.contracts import disable_contracts
from ..utils.device import describe_device, pick_device
from ..utils.distributed import Ranks, join_ranks, leave_ranks, share
from ..utils.errors import FaultError, InputError
from ..utils.interrupt import exit_code
from ..utils.logging import log, log_to_file, start_logging
from ..utils.run_dir import RunDir, check_name, find_run
from ..utils.seed import seed_everything
from .faults import is_out_of_memory
from .options import Options, continue_after_restart, job, load_resumed, resolve_config
from .precision import with_measured_precision
from .report import Cost, dry_run, finish, inspect, say_finished
from .state import State
from .task import Config, Setup, build
from .trainer import Trainer


def train(options: Options) -> int:
    """Run the whole job; returns the exit code, raises the errors of `utils.errors`."""
    rank = int(os.environ.get("RANK", 0))
    start_logging(options.quiet, rank == 0)
    keep_freed_memory()
    if not options.contracts:
        disable_contracts()
    options = continue_after_restart(options)
    saved, path = load_resumed(options) if options.resume else (None, None)
    config = resolve_config(options, saved, path)
    if saved is not None and say_finished(options, config, saved, path, rank == 0):
        return 0
    if saved is None and options.name:  # before the time that data and model take
        check_name(options.out, options.name, options.overwrite)
    device = pick_device(options.device, int(os.environ.get("LOCAL_RANK", 0)))
    _check_precision(config, device)
    ranks = join_ranks(config.train.timeout_s, device.type)
    try:
        return _train(options, config, device, ranks, saved, path)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise FaultError(  # in the steps themselves the trainer says more
            "out of memory outside of the training steps. Make the model or "
            f"data.batch_size (now {config.data.batch_size}) smaller, or --device cpu"
        ) from None
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
    config = with_measured_precision(config, setup, device)
    data = {"config": to_dict(config), "data": setup.data}
    carried = getattr(setup.task, "carried", None)
    state = State(config, data, setup.model, ranks, carried)
    if options.dry_run:
        return dry_run(options, config, setup, state, ranks)
    trainer = Trainer(
        config, setup.task, setup.datasets, state, None, ranks, options.quiet
    )
    if saved is not None:
        state.restore(saved, path, [stage.optim for stage in trainer.stages.all])
    with _open_run(options, config, ranks, path) as run:
        if saved is not None:
            run.cut_metrics(state.progress.rows)
        _announce(options, config, run, state, setup)
        trainer.run = run
        with torch.autograd.set_detect_anomaly(config.debug):
            return _fit(options, config, setup, trainer, run)


def _fit(
    options: Options,
    config: Config,
    setup: Setup,
    trainer: Trainer,
    run: RunDir,
) -> int:
    state = trainer.state
    started, cpu = time.monotonic(), time.process_time()
    first_step = state.progress.step
    try:
        if config.debug:
            log.info(inspect(setup, trainer))
        stop = trainer.fit()
        if not stop and run.writes:
            cost = Cost(time.monotonic() - started, time.process_time() - cpu)
            finish(options, config, setup, run, state, cost, first_step)
    except Exception as error:
        with suppress(OSError, FaultError):  # a full disk must not hide the error
            run.finish("failed", state.progress.step, error=str(error))
        raise
    run.finish("stopped" if stop else "done", state.progress.step, signal=stop)
    if stop:
        log.warning(f"saved step {state.progress.step}")
        log.warning(f"resume  python scripts/train.py --resume {run.path}")
    return exit_code(stop)


def _open_run(
    options: Options, config: Config, ranks: Ranks, path: Path | None
) -> RunDir:
    """Rank 0 makes and locks the folder; the others only learn where it is."""
    if not ranks.is_main:
        return RunDir(Path(share(None)), writes=False)
    if path is not None:
        run = RunDir(find_run(options.resume, options.out))
        # A damaged last.pt must not push out the good one before it.
        os.replace(path, run.checkpoints / "last.pt")
    else:
        stem = options.config.stem
        run = RunDir.create(options.out, stem, options.name, options.overwrite)
    share(str(run.path))
    run.write_config(to_dict(config))
    run.update_meta(
        status="running", end=None, seed=config.seed, world=ranks.world, job=job()
    )
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
        log.info(
            f"resuming at step {now.step} (epoch {now.epoch + 1}, batch {now.batch})"
        )


def _check_precision(config: Config, device: torch.device) -> None:
    if config.train.precision == "fp16" and device.type != "cuda":
        raise InputError(
            f"train.precision = fp16 needs CUDA, and this runs on {device.type}; "
            "use bf16 or fp32"
        )


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
