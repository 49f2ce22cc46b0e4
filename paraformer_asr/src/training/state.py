# pattern: training/state.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/state.py --from <sub-project>
"""All that a run must remember to be continued bit for bit, and how it is kept."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..utils.atomic import keep_previous
from ..utils.checkpoint import load_weights, save_checkpoint
from ..utils.distributed import Ranks, gather
from ..utils.errors import InputError
from ..utils.run_dir import RunDir
from ..utils.seed import rng_state, set_rng_state
from ..utils.tensor_utils import to_device
from .ema import EMA
from .optim import OptimConfig, build_optimizer
from .progress import Progress


class State:
    """Weights, their average, optimiser, loss scale, position and random generators."""

    def __init__(
        self,
        config,
        data: dict[str, Any],
        model: nn.Module,
        ranks: Ranks,
        carried: dict[str, Any] | None = None,
    ):
        """`data`: plain values that `eval` and `infer` will need beside the weights.

        `carried`: what a task takes along from batch to batch, as the memory of a
        recurrent network; each process has its own.
        """
        self.config, self.data, self.ranks, self.model = config, data, ranks, model
        self.device = next(model.parameters()).device
        self.ema = EMA(model, config.train.ema) if config.train.ema else None
        self.optimizer = build_optimizer(config.optim, model)
        self.stage = 0  # to which the optimiser belongs
        fp16 = config.train.precision == "fp16"
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=fp16)
        self.progress = Progress()
        self.saved_step: int | None = None
        self.carried = {} if carried is None else carried
        self._rng: list | None = None

    @property
    def evaluated(self) -> nn.Module:
        """The weights that count: the average if there is one."""
        return self.ema.model if self.ema else self.model

    def save(self, run: RunDir) -> None:
        """Replace last.pt; the one before stays as last-1.pt.

        Every rank must call this.
        """
        rng, carried = gather(rng_state(self.device)), gather(self.carried)
        if not self.ranks.is_main:
            self.saved_step = self.progress.step
            return
        self.progress.rows = run.rows
        content = self._evaluated_content() | {
            "kind": "training",
            "weights": self.model.state_dict(),
            "stage": self.stage,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "rng": rng,
            "carried": carried,
            "env": {
                "torch": str(torch.__version__),
                "threads": torch.get_num_threads(),
            },
        }
        last = run.checkpoints / "last.pt"
        keep_previous(last, last.with_name("last-1.pt"))
        save_checkpoint(last, content)
        self.saved_step = self.progress.step
        run.event("checkpoint", self.progress.step)
        if self.config.train.keep and self.progress.batch == 0:
            self._keep_epoch(run)

    def begin_stage(self, run: RunDir, ended: str, optim: OptimConfig) -> None:
        """Keep the weights as the stage `ended` leaves them; forget its gradients."""
        if self.ranks.is_main:
            content = self._evaluated_content() | {"kind": "weights", "metrics": {}}
            save_checkpoint(run.checkpoints / f"{ended}.pt", content)
        self.optimizer = build_optimizer(optim, self.model)

    def save_best(self, run: RunDir, metrics: dict[str, float]) -> None:
        """Keep the evaluated weights and what is needed to use them, nothing else."""
        content = self._evaluated_content() | {"kind": "weights", "metrics": metrics}
        save_checkpoint(run.checkpoints / "best.pt", content)
        run.event("best", self.progress.step, **metrics)

    def restore(
        self, saved: dict[str, Any], path: Path, optims: Sequence[OptimConfig]
    ) -> None:
        """Take over what `save` wrote; raises InputError if it does not belong here.

        `optims`: the optimiser of each stage.
        """
        try:
            load_weights(self.model, saved["weights"], path)
            self.stage = saved.get("stage", 0)
            if self.stage:
                self.optimizer = build_optimizer(optims[self.stage], self.model)
            self.optimizer.load_state_dict(saved["optimizer"])
            self.scaler.load_state_dict(saved["scaler"])
            if self.ema:
                load_weights(self.ema.model, saved["model"], path)
            self.progress = Progress(**saved["progress"])
            self.saved_step, self._rng = self.progress.step, saved["rng"]
            carried = saved.get("carried", [])
            if len(carried) == self.ranks.world:
                self.carried.update(to_device(carried[self.ranks.rank], self.device))
        except InputError:
            raise
        except (LookupError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{path} cannot be resumed: {error}") from None

    def restore_rng(self) -> None:
        """After iter(loader), which may draw; not with another number of ranks."""
        if self._rng and len(self._rng) == self.ranks.world:
            set_rng_state(self._rng[self.ranks.rank], self.device)
        self._rng = None

    def last_good(self, run: RunDir) -> str:
        if self.saved_step is None:
            return "Nothing was saved yet."
        return f"Last good: {run.checkpoints / 'last.pt'}, step {self.saved_step}."

    def _keep_epoch(self, run: RunDir) -> None:
        """The weights of the last epochs, each in its file."""
        name = f"epoch-{self.progress.epoch:03d}.pt"
        content = self._evaluated_content() | {"kind": "weights", "metrics": {}}
        save_checkpoint(run.checkpoints / name, content)
        for old in kept_epochs(run.path)[: -self.config.train.keep]:
            old.unlink()

    def _evaluated_content(self) -> dict[str, Any]:
        return {
            **self.data,
            "model": self.evaluated.state_dict(),
            "progress": asdict(self.progress),
        }


def kept_epochs(run: Path) -> list[Path]:
    """Weights of the epochs that `train.keep` has kept, the oldest first."""
    found = (run / "checkpoints").glob("epoch-*.pt")
    return sorted(found, key=lambda path: (len(path.name), path.name))
