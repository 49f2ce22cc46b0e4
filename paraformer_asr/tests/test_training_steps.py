"""Evaluation, clipping, precision and debug mode, seen from inside a run."""

import copy
import signal
from functools import partial

import pytest
import torch
from torch import nn

from src.training import launch
from src.training.ema import EMA
from src.training.task import SpeechTask
from src.training.trainer import Trainer
from src.utils.errors import DivergedError
from src.utils.interrupt import Interrupt
from tests.tiny import digest, rows, start


class Kept(Exception):
    def __init__(self, trainer):
        self.trainer = trainer


def trained(tmp_path, monkeypatch, *overrides) -> Trainer:
    """A trainer in the middle of its run."""
    plain = Trainer._step

    def step(self, iterator):
        if self.state.progress.step == 3:
            raise Kept(self)
        return plain(self, iterator)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", step)
        with pytest.raises(Kept) as kept:
            start(tmp_path, *overrides)
    return kept.value.trainer


@pytest.mark.parametrize("ema", [0, 0.9])
def test_evaluation_changes_nothing(tmp_path, monkeypatch, ema):
    trainer = trained(tmp_path, monkeypatch, f"train.ema={ema}")
    model = trainer.state.model
    before, rng = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    first = trainer.evaluate("val")
    assert torch.equal(torch.get_rng_state(), rng)
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters()) and model.training
    assert trainer.evaluate("val") == first


@pytest.mark.spec("ASR-187", "d old + (1 - d) new")
def test_the_average_is_what_its_formula_says():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double()
    ema = EMA(model, 0.9)
    expected = {k: v.clone() for k, v in model.state_dict().items()}
    for step in range(1, 120):
        with torch.no_grad():
            for tensor in model.parameters():
                tensor.add_(torch.randn_like(tensor))
        model(torch.randn(4, 3, dtype=torch.float64))
        ema.update(model, step)
        d = min(0.9, (1 + step) / (10 + step))
        for name, new in model.state_dict().items():
            old = expected[name]
            expected[name] = d * old + (1 - d) * new if new.is_floating_point() else new
    for name, tensor in ema.model.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-12, atol=1e-12)
    assert not any(p.requires_grad for p in ema.model.parameters())


@pytest.mark.parametrize("clip", [1e-4, 0])
def test_the_gradient_is_clipped_and_its_norm_is_told(tmp_path, monkeypatch, clip):
    trainer = trained(tmp_path, monkeypatch, f"optim.clip={clip}")
    norms = []

    def note(optimizer, *_):
        of = [p.grad for g in optimizer.param_groups for p in g["params"]]
        norms.append(torch.cat([g.flatten() for g in of]).norm().item())

    trainer.state.optimizer.register_step_pre_hook(note)
    trainer.state.model.zero_grad()
    _, told, _ = trainer._step(iter([trainer.first_batch()]))
    assert told > 1e-2
    assert norms == [pytest.approx(clip or told, rel=1e-3)]


def test_bf16_trains(tmp_path):
    often = (
        "train.epochs=10", "train.log_every=1", "optim.lr=1e-2", "model.dropout=0",
    )  # fmt: skip
    assert start(tmp_path, "train.precision=bf16", *often) == 0
    losses = [float(r["loss"]) for r in rows(tmp_path / "run") if r["split"] == "train"]
    assert sum(losses[-4:]) < 0.9 * sum(losses[:4])
    saved = torch.load(tmp_path / "run/checkpoints/best.pt", weights_only=True)
    assert all(t.dtype != torch.bfloat16 for t in saved["model"].values())


@pytest.mark.spec("ASR-160", "A loss or gradient that is not finite stops the run")
def test_a_gradient_that_stays_bad_stops_a_run_with_a_loss_scale(tmp_path, monkeypatch):
    scaler = partial(torch.amp.GradScaler, init_scale=4.0)
    monkeypatch.setattr(torch.amp, "GradScaler", scaler)
    monkeypatch.setattr(launch, "_check_precision", lambda *_: None)
    plain = SpeechTask.loss

    def loss(self, model, batch, progress):
        value = plain(self, model, batch, progress)
        if progress >= 4 / 16 and value.requires_grad:
            value.register_hook(lambda gradient: gradient * torch.nan)
        return value

    monkeypatch.setattr(SpeechTask, "loss", loss)
    with pytest.raises(DivergedError, match="step 7: the gradient norm is nan"):
        start(tmp_path, "train.precision=fp16")  # after the scales 4 and 2


def test_a_signal_that_interrupts_a_message_is_noted(monkeypatch):
    def fail(*_):
        raise RuntimeError("reentrant call inside <_io.BufferedWriter name=2>")

    monkeypatch.setattr("src.utils.interrupt.log.info", fail)
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGTERM)
    assert interrupt.number == signal.SIGTERM


def test_debug_prints_tables_and_changes_nothing(tmp_path, capsys):
    assert start(tmp_path / "a", "train.epochs=1", "debug=true", quiet=False) == 0
    said = capsys.readouterr().err
    for words in (
        "module",
        "zeros",
        "parameter",
        "gradient",
        "loss of the first batch",
    ):
        assert words in said
    assert start(tmp_path / "b", "train.epochs=1") == 0
    assert digest(tmp_path / "a/run") == digest(tmp_path / "b/run")


def test_a_score_that_is_never_finite_still_ends_with_a_best(tmp_path, monkeypatch):
    nan = float("nan")
    monkeypatch.setattr(
        Trainer, "evaluate", lambda *_, **__: {"loss": 1.0, "exact": nan}
    )
    assert start(tmp_path, "train.epochs=1") == 0
    assert '"exact": null' in (tmp_path / "run/summary.json").read_text()
