"""How anything here is trained: accumulation, clipping, stopping, exact resume.

The trainer knows a task by three methods, and never a model: `loss(model, batch,
progress)`: the scalar to minimise; progress runs from 0 to 1; `evaluate(model, batch)`:
a dict of numbers that add up over batches; `metrics(sums)`: the numbers that those sums
mean, "loss" among them.
"""

import math
import time
from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from ..data import ArrayDataset, Batch, Splits, batches, count_batches
from ..engine.tensor import Tensor
from ..optim import clip_grad_norm_
from ..utils.errors import DivergedError, InputError
from ..utils.interrupt import Interrupt
from ..utils.logging import log
from ..utils.run_dir import RunDir
from .faults import describe_divergence, explain
from .optim import factor_at
from .predict import sum_over
from .state import State
from .task import ClassificationTask, Config, Ready, to_tensors


class Trainer:
    """Trains `state.model` on `splits.train`, judges it on `splits.val`."""

    def __init__(
        self,
        config: Config,
        task: ClassificationTask,
        splits: Splits,
        state: State,
        run: RunDir,
        quiet: bool = False,
    ) -> None:
        self.config, self.task, self.splits = config, task, splits
        self.state, self.train = state, config.train
        self.run, self.quiet = run, quiet
        self.n_batches = self._count(splits.train)
        self.steps_per_epoch = self.n_batches // self.train.accumulate
        self.total_steps = self.train.epochs * self.steps_per_epoch
        if self.steps_per_epoch == 0:
            raise InputError(
                f"train.accumulate = {self.train.accumulate}: an epoch has only "
                f"{self.n_batches} batches; lower it or data.batch_size"
            )

    def fit(self) -> int:
        """Train to the end; returns 0, or the number of the signal that stopped it."""
        try:
            # An overflow is told once, by the check of the loss, not by numpy.
            with Interrupt() as interrupt, np.errstate(all="ignore"):
                return self._fit(interrupt)
        except (RuntimeError, InputError, OSError, MemoryError) as error:
            last_good = self.state.last_good(self.run)
            known = explain(error, self.config.data.batch_size, last_good)
            raise (known or error) from (None if known else error.__cause__)

    def evaluate(
        self, dataset: ArrayDataset, limit: int | None = None
    ) -> dict[str, float]:
        """Metrics over a data set, or over its first batches."""
        size, device = self.config.data.batch_size, self.state.device
        model = self.state.evaluated
        sums = sum_over(model, self.task, dataset, size, device, limit)
        model.train()
        return self.task.metrics(sums)

    def _fit(self, interrupt: Interrupt) -> int:
        now = self.state.progress
        if self.state.saved_step is None:
            # Shows that evaluation works before an epoch is spent; names the columns.
            metrics = self.evaluate(self.splits.val, limit=1)
            columns = ["loss", "lr", "grad_norm", *(m for m in metrics if m != "loss")]
            self.run.start_metrics(columns)
        self.state.model.train()
        while now.epoch < self.train.epochs and not self._is_on_plateau():
            started = time.monotonic()
            # A signal during the evaluation ends the run before the next step.
            stop = interrupt.number or self._train_epoch(interrupt)
            if stop:
                self.state.save(self.run)
                return stop
            now.epoch += 1
            now.batch = 0
            if now.epoch % self.train.eval_every == 0 or now.epoch == self.train.epochs:
                metrics = self.evaluate(self.splits.val)
                self._judge(metrics, time.monotonic() - started)
            self.state.save(self.run)
        return 0

    def _train_epoch(self, interrupt: Interrupt) -> int:
        """The rest of the epoch; returns the signal that ended it early, else 0."""
        now = self.state.progress
        bar = tqdm(
            total=self.steps_per_epoch,
            initial=now.batch // self.train.accumulate,
            desc=f"epoch {now.epoch + 1}/{self.train.epochs}",
            leave=False,
            disable=True if self.quiet else None,
        )
        loader = self._batches(now.batch)
        left = (self.n_batches - now.batch) // self.train.accumulate
        try:
            for _ in range(left):
                loss, norm, lr = self._step(loader)
                text = f"loss {loss:.3f}  lr {lr:.1e}  grad {norm:.2f}"
                bar.set_postfix_str(text, refresh=False)
                bar.update()
                self._note_step(loss, norm, lr, to_log=bar.disable)
                if interrupt.number:
                    return interrupt.number
                if self.train.save_every and now.step % self.train.save_every == 0:
                    self.state.save(self.run)
        finally:
            bar.close()
        return 0

    def _step(self, loader: Iterator[Batch]) -> tuple[float, float, float]:
        """One update; raises DivergedError before the weights are touched."""
        state, now = self.state, self.state.progress
        factor = factor_at(self.config.optim, now.step, self.total_steps)
        state.optimizer.set_rate(factor)
        done, loss_sum = now.step / self.total_steps, 0.0
        for _ in range(self.train.accumulate):
            batch = self._put(next(loader))
            if math.isfinite(loss_sum):
                suspect = batch
            loss = self._loss(batch, done)
            loss.backward()
            loss_sum += loss.item()
        # Clips as well, but leaves gradients as they are where the norm is not finite.
        limit = self.config.optim.clip or math.inf
        norm = clip_grad_norm_(state.model.parameters(), limit)
        if not math.isfinite(norm + loss_sum):
            what = describe_divergence(
                state.model,
                lambda: self._loss(suspect, done),
                suspect.index.tolist(),
                loss_sum,
                norm,
            )
            last_good = state.last_good(self.run)
            raise DivergedError(f"step {now.step + 1}: {what} {last_good}")
        state.optimizer.step()
        state.optimizer.zero_grad()
        now.step += 1
        now.batch += self.train.accumulate
        if state.ema:
            state.ema.update(state.model, now.step)
        return loss_sum, norm, self.config.optim.lr * factor

    def _loss(self, batch: Ready, done: float) -> Tensor:
        loss = self.task.loss(self.state.model, batch, done)
        return loss if self.train.accumulate == 1 else loss / self.train.accumulate

    def _note_step(self, loss: float, norm: float, lr: float, to_log: bool) -> None:
        now = self.state.progress
        now.loss_sum += loss
        now.loss_steps += 1
        if now.step % self.train.log_every:
            return
        mean = now.loss_sum / now.loss_steps
        now.loss_sum, now.loss_steps = 0.0, 0
        values = {"loss": mean, "lr": lr, "grad_norm": norm}
        self.run.row(now.step, now.epoch + 1, "train", values)
        if to_log:
            log.info(
                f"step={now.step}/{self.total_steps} epoch={now.epoch + 1} "
                f"loss={mean:.4f} lr={lr:.1e} grad_norm={norm:.2f}"
            )

    def _judge(self, metrics: dict[str, float], seconds: float) -> None:
        """Write the row of an evaluation, keep the best weights, count the waiting."""
        now, value = self.state.progress, metrics[self.train.monitor]
        better = now.judge(value, self.train.mode, self.train.min_gain)
        self.run.row(now.step, now.epoch, "val", metrics)
        shown = "  ".join(f"{name} {number:.4f}" for name, number in metrics.items())
        shown += f"  {seconds:.1f} s" + ("  new best" if better else "")
        log.info(f"epoch {now.epoch}/{self.train.epochs}  {shown}")
        # Until one is finite, the newest: a run always ends with a best.npz.
        if better or now.best is None:
            self.state.save_best(self.run, metrics)

    def _is_on_plateau(self) -> bool:
        now = self.state.progress
        if not self.train.patience or now.waited < self.train.patience:
            return False
        log.info(
            f"stopped early: {now.waited} evaluations without a gain of "
            f"{self.train.min_gain} in {self.train.monitor}"
        )
        return True

    def first_batch(self) -> Ready:
        return self._put(next(self._batches(0)))

    def _batches(self, start: int) -> Iterator[Batch]:
        epoch, size = self.state.progress.epoch, self.config.data.batch_size
        dataset = self.splits.train
        seed, whole = self.config.seed, self._drops_last(dataset)
        return batches(dataset, size, seed, epoch, start, drop_last=whole)

    def _count(self, dataset: ArrayDataset) -> int:
        size = self.config.data.batch_size
        return count_batches(dataset, size, self._drops_last(dataset))

    def _drops_last(self, dataset: ArrayDataset) -> bool:
        """Batches are of one size, except where there is not even one of it."""
        return count_batches(dataset, self.config.data.batch_size, True) > 0

    def _put(self, batch: Batch) -> Ready:
        return to_tensors(batch, self.state.device)
