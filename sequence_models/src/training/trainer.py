# pattern: training/trainer.py -- the same in every sub-project; edit one, then: python -m tools.copies sync training/trainer.py --from <sub-project>
"""How anything here is trained: precision, accumulation, stopping, exact resume, DDP.

A task has three methods: `loss(model, batch, progress)`: the scalar to minimise at a
progress from 0 to 1; `evaluate(model, batch)`: tensors that add up over batches and
processes; `metrics(sums)`: the numbers they mean, "loss" among them. It may have
`stages` (see `stage.py`), and `log_names` with `read_log()`: more numbers for a row.
"""

import functools
import math
import time
from contextlib import nullcontext
from itertools import islice
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from ..data.dataloader import EpochBatches, close, eval_loader, train_loader
from ..utils.distributed import Ranks, any_rank, share_tensors, sum_over_ranks
from ..utils.errors import DivergedError, InputError
from ..utils.interrupt import Interrupt
from ..utils.logging import log
from ..utils.run_dir import RunDir
from ..utils.tensor_utils import to_device
from .batch_norm import fresh_statistics
from .faults import describe_divergence, explain
from .stage import Stages
from .state import State


class Trainer:
    """Trains `state.model` on `datasets["train"]`, judges it on `datasets["val"]`."""

    def __init__(
        self,
        config,
        task,
        datasets: dict,
        state: State,
        run: RunDir | None,
        ranks: Ranks,
        quiet: bool = False,
    ):
        self.config, self.task, self.datasets = config, task, datasets
        self.state, self.train = state, config.train
        self.run, self.ranks, self.quiet = run, ranks, quiet
        self.net: nn.Module = state.model
        if ranks.world > 1:
            self.net = DistributedDataParallel(state.model)
        n_batches = len(self._batches(0))
        self.steps_per_epoch = n_batches // self.train.accumulate
        self.total_steps = self.train.epochs * self.steps_per_epoch
        self.stages = Stages(task, config, self.steps_per_epoch)
        if self.steps_per_epoch == 0:
            raise InputError(
                f"train.accumulate = {self.train.accumulate}: an epoch has only "
                f"{n_batches} batches; lower it or data.batch_size"
            )

    def fit(self) -> int:
        """Train to the end; returns 0, or the number of the signal that stopped it."""
        try:
            with Interrupt() as interrupt:
                return self._fit(interrupt)
        except (RuntimeError, InputError, OSError, EOFError, MemoryError) as error:
            last_good = self.state.last_good(self.run)
            known = explain(error, self.config.data.batch_size, last_good)
            raise (known or error) from (None if known else error.__cause__)

    def evaluate(self, split: str, batches: int | None = None) -> dict[str, float]:
        """Metrics over a split, or over its first batches."""
        model, sums = self.state.evaluated.eval(), {}
        data, ranks = self.config.data, self.ranks
        self._measure_statistics(model)
        share_tensors(model)  # batch statistics differ from rank to rank
        loader = eval_loader(
            self.datasets[split], data.batch_size, data.workers, ranks.rank, ranks.world
        )
        iterator = iter(loader)
        try:
            with torch.no_grad(), self._autocast():
                for batch in islice(iterator, batches):
                    counts = self.task.evaluate(model, self._to_device(batch))
                    for name, value in counts.items():
                        sums[name] = sums.get(name, 0) + value.cpu().double()
        finally:
            close(iterator)
        model.train()
        return self.task.metrics(sum_over_ranks(sums))

    def _fit(self, interrupt: Interrupt) -> int:
        now = self.state.progress
        if self.state.saved_step is None:
            # Shows that evaluation works before an epoch is spent; names the columns.
            names = ["loss", "lr", "grad_norm", *self.evaluate("val", batches=1)]
            self.run.start_metrics(names + getattr(self.task, "log_names", []))
        self.state.model.train()
        while now.epoch < now.end(self.train):
            self.stages.enter(self.state, self.run)
            started = time.monotonic()
            # A signal during the evaluation ends the run before the next step.
            if stop := any_rank(interrupt.number) or self._train_epoch(interrupt):
                self.state.save(self.run)
                return stop
            now.epoch, now.batch = now.epoch + 1, 0
            is_last = now.epoch == now.end(self.train)
            if is_last or now.epoch % self.train.eval_every == 0:
                self._judge(self.evaluate("val"), time.monotonic() - started)
            now.start_cooling(self.train)
            self.state.save(self.run)
        return 0

    def _train_epoch(self, interrupt: Interrupt) -> int:
        """The rest of the epoch; returns the signal that ended it early, else 0."""
        now = self.state.progress
        batches = self._batches(now.batch)
        loader = train_loader(self.datasets["train"], batches, self.config.data.workers)
        iterator = iter(loader)
        self.state.restore_rng()
        bar = tqdm(
            total=self.steps_per_epoch,
            leave=False,
            initial=now.batch // self.train.accumulate,
            desc=f"epoch {now.epoch + 1}/{self.train.epochs}",
            disable=True if self.quiet or not self.ranks.is_main else None,
        )
        try:
            for _ in range(len(batches) // self.train.accumulate):
                loss, norm, lr = self._step(iterator)
                text = f"loss {loss:.3f}  lr {lr:.1e}  grad {norm:.2f}"
                bar.set_postfix_str(text, refresh=False)
                bar.update()
                self._note_step(loss, norm, lr, to_log=bar.disable)
                if stop := any_rank(interrupt.number):
                    return stop
                if self.train.save_every and now.step % self.train.save_every == 0:
                    self.state.save(self.run)
        finally:
            bar.close()
            close(iterator)
        return 0

    def _step(self, iterator) -> tuple[float, float, float]:
        """One update; raises DivergedError before the weights are touched."""
        state, now = self.state, self.state.progress
        lr = self.stages.lr(now) * now.cooling(self.train, self.steps_per_epoch)
        for group in state.optimizer.param_groups:
            group["lr"] = lr * group.get("lr_scale", 1.0)
        done, loss_sum = now.step / self.total_steps, 0.0
        for i in range(self.train.accumulate):
            batch = self._to_device(next(iterator))
            if math.isfinite(loss_sum):
                suspect = batch
            alone = i == self.train.accumulate - 1 or self.ranks.world == 1
            with nullcontext() if alone else self.net.no_sync():
                loss = self._loss(self.net, batch, done)
                state.scaler.scale(loss).backward()
            loss_sum += loss.item()
        state.scaler.unscale_(state.optimizer)
        weights = [p for p in state.model.parameters() if p.grad is not None]
        total = nn.utils.get_total_norm([p.grad for p in weights])
        norm = total.item()
        # Of a loss that was scaled up it is no fault: the scaler skips the step.
        bad_norm = not math.isfinite(norm) and state.scaler.get_scale() <= 1
        if any_rank(bad_norm or not math.isfinite(loss_sum)):
            # Without DDP, whose forward pass would wait for the other ranks.
            again = functools.partial(self._loss, state.model, suspect, done)
            what = describe_divergence(state.model, again, suspect, loss_sum, norm)
            last_good = state.last_good(self.run)
            raise DivergedError(f"step {now.step + 1}: {what} {last_good}")
        # Not earlier: clipping by a NaN makes every gradient NaN and hides the first.
        if clip := self.config.optim.clip:
            nn.utils.clip_grads_with_norm_(weights, clip, total)
        state.scaler.step(state.optimizer)
        state.scaler.update()
        state.optimizer.zero_grad(set_to_none=True)
        now.step += 1
        now.batch += self.train.accumulate
        if state.ema:
            state.ema.update(state.model, now.step)
        return loss_sum, norm, lr

    def _loss(self, net: nn.Module, batch: dict, done: float) -> torch.Tensor:
        with self._autocast():
            loss = self.task.loss(net, batch, done)
        return loss / self.train.accumulate

    def _note_step(self, loss: float, norm: float, lr: float, to_log: bool) -> None:
        now = self.state.progress
        now.loss_sum += loss
        now.loss_steps += 1
        if now.step % self.train.log_every:
            return
        mean = now.loss_sum / now.loss_steps
        now.loss_sum, now.loss_steps = 0.0, 0
        more = getattr(self.task, "read_log", dict)()
        row = {"loss": mean, "lr": lr, "grad_norm": norm} | more
        self.run.row(now.step, now.epoch + 1, "train", row)
        if to_log:
            log.info(
                f"step={now.step}/{self.total_steps} epoch={now.epoch + 1} "
                f"loss={mean:.4f} lr={lr:.1e} grad_norm={norm:.2f}"
                + "".join(f" {name}={value:.3g}" for name, value in more.items())
            )

    def _measure_statistics(self, model: nn.Module) -> None:
        if self.train.bn_batches:
            loader = train_loader(self.datasets["train"], self._batches(0))
            with torch.no_grad(), self._autocast(), fresh_statistics(model):
                for batch in islice(loader, self.train.bn_batches):
                    self.task.evaluate(model, self._to_device(batch))

    def _judge(self, metrics: dict[str, float], seconds: float) -> None:
        """Write the row of an evaluation, keep the best weights, count the waiting."""
        now, value = self.state.progress, metrics[self.train.monitor]
        better = now.judge(value, self.train.mode, self.train.min_gain)
        self.run.row(now.step, now.epoch, "val", metrics)
        shown = "  ".join(f"{name} {number:.4f}" for name, number in metrics.items())
        shown += f"  {seconds:.1f} s" + ("  new best" if better else "")
        log.info(f"epoch {now.epoch}/{self.train.epochs}  {shown}")
        # Until one is finite, the newest: a run always ends with a best.pt.
        if (better or now.best is None) and self.ranks.is_main:
            self.state.save_best(self.run, metrics)

    def first_batch(self) -> dict[str, Any]:
        loader = train_loader(self.datasets["train"], self._batches(0))
        return self._to_device(next(iter(loader)))

    def _batches(self, start: int) -> EpochBatches:
        return EpochBatches(
            len(self.datasets["train"]),
            self.config.data.batch_size,
            seed=self.config.seed,
            epoch=self.state.progress.epoch,
            start=start,
            rank=self.ranks.rank,
            world=self.ranks.world,
            order=getattr(self.datasets["train"], "order", None),
        )

    def _autocast(self):
        kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.train.precision)
        return torch.autocast(self.state.device.type, kind, enabled=kind is not None)

    def _to_device(self, batch: dict[str, Any]) -> dict[str, Any]:
        return to_device(batch, self.state.device, self.train.channels_last)
