"""Stopping on a plateau, cooling down, measured precision and batch statistics."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from src.training import precision as precision_module
from src.training.batch_norm import fresh_statistics
from src.training.progress import Progress, TrainConfig
from src.training.stopping import draw_stopping, reason
from src.training.trainer import Trainer
from src.utils.checkpoint import load_checkpoint
from tests.tiny import digest, resume, rows, start


STEADY = ("optim.schedule=constant", "optim.warmup=0", "train.log_every=1")


def scores(monkeypatch, values):
    left = iter([0.0, *values])

    def evaluate(self, split, batches=None):
        return {"loss": 1.0, "accuracy": next(left)}

    monkeypatch.setattr(Trainer, "evaluate", evaluate)


def rates(run) -> list[float]:
    return [float(r["lr"]) for r in rows(run) if r["split"] == "train"]


@pytest.mark.spec("CNN-136", "a plateau, or the last epochs")
def test_a_plateau_brings_the_rate_to_zero_on_a_line(tmp_path, monkeypatch):
    scores(monkeypatch, [0.5, 0.5, 0.5, 0.6, 0.7])
    wait = ("train.epochs=9", "train.patience=2", "train.cooldown=2")
    assert start(tmp_path, *STEADY, *wait, "optim.lr=8e-3") == 0
    found = rates(tmp_path / "run")
    assert len(found) == 5 * 4  # epochs 1-3, then two of cooling down
    assert found[:12] == pytest.approx([8e-3] * 12)
    assert found[12:] == pytest.approx([8e-3 - i * 1e-3 for i in range(8)])


@pytest.mark.spec("CNN-136", "the run\n  ends there")
def test_without_a_plateau_the_last_epochs_cool_down(tmp_path, monkeypatch):
    scores(monkeypatch, [0.1, 0.2, 0.3, 0.4])
    wait = ("train.epochs=4", "train.patience=2", "train.cooldown=2")
    assert start(tmp_path, *STEADY, *wait, "optim.lr=8e-3") == 0
    assert rates(tmp_path / "run")[8:] == pytest.approx(
        [8e-3 - i * 1e-3 for i in range(8)]
    )


@pytest.mark.parametrize("more", ["train.epochs=9", "train.patience=9"])
def test_a_run_that_has_cooled_down_cannot_go_on_and_says_so(tmp_path, capsys, more):
    wait = ("train.epochs=3", "train.patience=1", "train.min_gain=9")
    assert start(tmp_path, *wait, "train.cooldown=1") == 0
    assert resume(tmp_path, more) == 0
    said = capsys.readouterr().out
    assert "its rate has fallen to zero, so start a new run" in said
    assert "go on with" not in said


def test_a_cool_down_resumes_bit_for_bit(tmp_path, monkeypatch):
    wait = ("train.patience=1", "train.min_gain=0.9", "train.cooldown=2")
    assert start(tmp_path / "a", *STEADY, *wait) == 0
    plain = Trainer._step

    def stopping(self, iterator):
        import signal

        if self.state.progress.step == 9:
            signal.raise_signal(signal.SIGTERM)
        return plain(self, iterator)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", stopping)
        assert start(tmp_path / "b", *STEADY, *wait) == 143
    assert resume(tmp_path / "b") == 0
    assert digest(tmp_path / "a/run") == digest(tmp_path / "b/run")


@pytest.mark.parametrize(
    ("settings", "state", "end"),
    [
        ({}, {}, 10),
        ({"patience": 2}, {"waited": 2, "epoch": 5}, 5),
        ({"patience": 2}, {"waited": 1, "epoch": 5}, 10),
        ({"patience": 2, "cooldown": 3}, {"cooling_from": 5, "epoch": 6}, 8),
        ({"patience": 2, "cooldown": 3}, {"cooling_from": 9, "epoch": 9}, 10),
        ({"cooldown": 20}, {"cooling_from": 0}, 10),
    ],
)
def test_where_a_run_ends(settings, state, end):
    assert Progress(**state).end(TrainConfig(epochs=10, **settings)) == end


@pytest.mark.spec("CNN-137", "says in a sentence why it stopped")
def test_the_reason_names_the_waiting_and_what_was_saved(tmp_path):
    train = TrainConfig(epochs=40, patience=4, min_gain=0.01, cooldown=3)
    assert reason(Progress(epoch=12), train) == (
        "4 evaluations without a gain of 0.01 in accuracy; 28 of 40 epochs were not "
        "needed"
    )
    assert reason(Progress(epoch=12, cooling_from=9), train) == (
        "4 evaluations without a gain of 0.01 in accuracy by epoch 9, then the rate "
        "fell to zero in 3; 28 of 40 epochs were not needed"
    )


@pytest.mark.spec("CNN-137", "draws the evaluations, the useful gains, the plateau")
def test_the_decision_is_drawn(tmp_path, monkeypatch, capsys):
    wait = ("train.patience=1", "train.min_gain=0.9", "train.epochs=9")
    assert start(tmp_path, *STEADY, *wait, quiet=False) == 0
    assert "stopped early: 1 evaluations without a gain" in capsys.readouterr().err
    run = tmp_path / "run"
    drawn = (run / "plots/stopping.png").read_bytes()
    assert drawn.startswith(b"\x89PNG")
    train = TrainConfig(epochs=9, patience=1, min_gain=0.9)
    seen = {}

    def keep(figure, path):
        axis = figure.axes[0]
        seen["labels"] = axis.get_legend_handles_labels()[1]
        seen["gains"] = axis.lines[1].get_xydata().tolist()
        seen["limits"] = axis.get_xlim()

    monkeypatch.setattr("src.training.stopping.save_figure", keep)
    draw_stopping(run / "metrics.csv", Progress(epoch=2), train, run / "x.png")
    first = next(r for r in rows(run) if r["split"] == "val")
    assert seen["gains"] == [[1.0, pytest.approx(float(first["accuracy"]))]]
    assert seen["limits"] == (0, 9)
    assert seen["labels"] == [
        "validation", "a useful gain", "waiting in vain", "not needed",
    ]  # fmt: skip


@pytest.mark.spec("CNN-135", "only where a measured step is faster than in fp32")
@pytest.mark.parametrize(("fp32", "bf16"), [(2.0, 1.0), (1.0, 2.0)])
def test_the_faster_precision_is_kept(tmp_path, monkeypatch, fp32, bf16):
    monkeypatch.setattr(
        precision_module, "_seconds", lambda *_, enabled: bf16 if enabled else fp32
    )
    assert start(tmp_path, "train.precision=auto", "train.epochs=1") == 0
    saved = load_checkpoint(tmp_path / "run/checkpoints/last.pt", "training")
    wanted = "bf16" if bf16 < fp32 else "fp32"
    assert saved["config"]["train"]["precision"] == wanted
    assert f"precision: {wanted}" in (tmp_path / "run/config.yaml").read_text()


@pytest.mark.spec("CNN-135", "changes nothing\n  else")
def test_measuring_changes_nothing(tmp_path):
    assert start(tmp_path / "a", "train.precision=auto", "train.epochs=2") == 0
    saved = load_checkpoint(tmp_path / "a/run/checkpoints/last.pt", "training")
    chosen = saved["config"]["train"]["precision"]
    assert start(tmp_path / "b", f"train.precision={chosen}", "train.epochs=2") == 0
    assert digest(tmp_path / "a/run") == digest(tmp_path / "b/run")


@pytest.mark.spec("CNN-138", "`torch.optim.swa_utils.update_bn` gives")
@pytest.mark.parity("batch-norm statistics", "torch.optim.swa_utils.update_bn")
def test_fresh_statistics_are_those_of_update_bn(parity):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Dropout(0.0), nn.BatchNorm2d(3)
    ).double()
    images = [torch.randn(4, 1, 6, 6, dtype=torch.float64) for _ in range(3)]
    theirs = copy.deepcopy(model)
    update_bn(images, theirs)
    model[1].running_mean.fill_(7.0)
    with torch.no_grad(), fresh_statistics(model):
        for image in images:
            model(image)
    parity.value(model.state_dict(), theirs.state_dict(), atol=1e-13)
    assert [m.momentum for m in (model[1], model[3])] == [0.1, 0.1]
    assert not any(module.training for module in model.modules())


@pytest.mark.spec("CNN-138", "gives each evaluation the batch-norm statistics")
def test_an_evaluation_measures_the_statistics(tmp_path):
    few = ("train.epochs=1", "data.batch_size=8", "augment.mixup=0", "model.dropout=0")
    assert start(tmp_path, *few, "train.bn_batches=2") == 0
    best = load_checkpoint(tmp_path / "run/checkpoints/best.pt")["model"]
    counted = [v for name, v in best.items() if name.endswith("num_batches_tracked")]
    assert counted and all(int(value) == 2 for value in counted)
