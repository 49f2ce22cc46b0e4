"""All that a run must remember to be continued bit for bit, and how it is kept."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import nn
from ..engine.backend import to_device
from ..engine.random import get_rng_state, set_rng_state
from ..utils.atomic import keep_previous
from ..utils.checkpoint import BEST, LAST, PREVIOUS, load_weights, save_checkpoint
from ..utils.environment import describe_environment
from ..utils.errors import InputError
from ..utils.logging import log
from ..utils.run_dir import RunDir
from .ema import EMA
from .optim import build_optimizer
from .progress import Progress


class State:
    """Weights, their average, optimiser, position and the random generator."""

    def __init__(self, config: Any, data: dict[str, Any], model: nn.Module) -> None:
        """`data`: plain values that `eval` and `infer` will need beside the weights."""
        self.config, self.data, self.model, self.device = config, data, model, "cpu"
        self.ema = EMA(model, config.train.ema) if config.train.ema else None
        self.optimizer = build_optimizer(config.optim, model)
        self.progress = Progress()
        self.saved_step: int | None = None
        self.best: dict[str, Any] | None = None
        """What best.npz holds, of a run that writes no files."""

    @property
    def evaluated(self) -> nn.Module:
        """The weights that count: the average if there is one."""
        return self.ema.model if self.ema else self.model

    def to(self, device: str) -> None:
        """Move all that is computed with; a state is built and restored on the CPU."""
        self.device = device
        self.model.to(device)
        if self.ema:
            self.ema.model.to(device)
        for part in self.optimizer.parts:
            for values in part.state.values():
                for name, value in values.items():
                    if hasattr(value, "shape"):
                        values[name] = to_device(value, device)

    def save(self, run: RunDir) -> None:
        """Replace last.npz; the one before stays as last-1.npz."""
        if run.writes:
            self._write(run)
        self.saved_step = self.progress.step

    def _write(self, run: RunDir) -> None:
        self.progress.rows = run.rows
        content = self._evaluated_content() | {
            "kind": "training",
            "weights": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": get_rng_state(),
            "env": environment(),
        }
        last = run.checkpoints / LAST
        keep_previous(last, last.with_name(PREVIOUS))
        save_checkpoint(last, content)
        run.event("checkpoint", self.progress.step)

    def save_best(self, run: RunDir, metrics: dict[str, float]) -> None:
        """Keep the evaluated weights and what is needed to use them, nothing else."""
        content = self._evaluated_content() | {"kind": "weights", "metrics": metrics}
        if run.writes:
            save_checkpoint(run.checkpoints / BEST, content)
        else:
            self.best = content
        run.event("best", self.progress.step, **metrics)

    def restore(self, saved: dict[str, Any], path: Path) -> None:
        """Take over what `save` wrote; raises InputError if it does not belong here."""
        try:
            load_weights(self.model, saved["weights"], path)
            self.optimizer.load_state_dict(saved["optimizer"])
            if self.ema:
                load_weights(self.ema.model, saved["model"], path)
            self.progress = Progress(**saved["progress"])
            set_rng_state(saved["rng"])
            self.saved_step = self.progress.step
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{path} cannot be resumed: {error}") from None
        if saved.get("env") != environment():
            log.warning(
                f"{path} was written with {_shown(saved.get('env'))}, this is "
                f"{_shown(environment())}: the last bits may differ"
            )

    def last_good(self, run: RunDir) -> str:
        if self.saved_step is None:
            return "Nothing was saved yet."
        return f"Last good: {run.checkpoints / LAST}, step {self.saved_step}."

    def _evaluated_content(self) -> dict[str, Any]:
        return {
            **self.data,
            "model": self.evaluated.state_dict(),
            "progress": asdict(self.progress),
        }


def environment() -> dict[str, Any]:
    """What the last bits of a sum depend on, besides the machine."""
    if not _KNOWN:
        around = describe_environment()
        _KNOWN.update({name: around[name] for name in ("numpy", "threads")})
    return dict(_KNOWN)


_KNOWN: dict[str, Any] = {}


def _shown(env: Any) -> str:
    return str(env).strip("{}").replace("'", "")
