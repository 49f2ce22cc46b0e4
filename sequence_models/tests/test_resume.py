# pattern: tests/test_resume.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_resume.py --from <sub-project>
"""A run that was stopped and continued ends as one that was never stopped."""

import signal
import zipfile
from functools import partial

import pytest
import torch

from src.training import launch
from src.training import state as state_module
from src.training import trainer as trainer_module
from src.training.progress import Progress
from src.training.trainer import Trainer
from src.utils.checkpoint import load_checkpoint
from src.utils.errors import FaultError, InputError
from tests.tiny import digest, resume, rows, start


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken")
    assert start(out) == 0
    return out / "run"


def stop_at(monkeypatch, step: int) -> None:
    """Let a SIGTERM arrive while step `step` is computed."""
    plain = Trainer._step

    def stepping(self, iterator):
        if self.state.progress.step == step - 1:
            signal.raise_signal(signal.SIGTERM)
        return plain(self, iterator)

    monkeypatch.setattr(trainer_module.Trainer, "_step", stepping)


@pytest.mark.parametrize("step", [1, 6, 8, 13])
def test_resume_is_bit_identical(tmp_path, monkeypatch, unbroken, step):
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        assert start(tmp_path) == 143
    saved = torch.load(tmp_path / "run/checkpoints/last.pt", weights_only=True)
    assert saved["progress"]["step"] == step
    assert resume(tmp_path) == 0
    assert digest(tmp_path / "run") == digest(unbroken)
    ours, theirs = tmp_path / "run/metrics.csv", unbroken / "metrics.csv"
    assert ours.read_bytes() == theirs.read_bytes()
    best = [
        torch.load(run / "checkpoints/best.pt", weights_only=True)["model"]
        for run in (tmp_path / "run", unbroken)
    ]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def flip_a_bit(path) -> None:
    """In the middle of the largest entry: between entries nothing would be lost."""
    with zipfile.ZipFile(path) as archive:
        entry = max(archive.infolist(), key=lambda entry: entry.file_size)
    data = bytearray(path.read_bytes())
    data[entry.header_offset + 30 + len(entry.filename) + entry.file_size] ^= 1
    path.write_bytes(data)


FORGETTING = {
    "rng": lambda patch: patch.setattr(
        state_module.State, "restore_rng", lambda self: None
    ),
    "position": lambda patch: patch.setattr(
        Trainer, "_batches", _without_position(Trainer._batches)
    ),
    "optimizer": lambda patch: patch.setattr(
        torch.optim.AdamW, "load_state_dict", lambda self, content: None
    ),
    "average": lambda patch: patch.setattr(
        state_module, "load_weights", _only_the_first(state_module.load_weights)
    ),
}


_plain_restore = state_module.State.restore


def _without_scale(self, saved, *where):
    _plain_restore(self, saved | {"scaler": self.scaler.state_dict()}, *where)


def _without_best(**saved):
    return Progress(**saved | {"best": None, "plateau": None})


def _without_position(plain):
    return lambda self, start: plain(self, 0 if start else start)


def _only_the_first(plain):
    calls = []

    def load(*arguments):
        calls.append(arguments)
        return plain(*arguments) if len(calls) == 1 else None

    return load


@pytest.mark.parametrize("what", FORGETTING)
def test_resume_needs(tmp_path, monkeypatch, unbroken, what):
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        assert start(tmp_path) == 143
    FORGETTING[what](monkeypatch)
    assert resume(tmp_path) == 0
    assert digest(tmp_path / "run") != digest(unbroken)


def test_resume_needs_the_best(tmp_path, monkeypatch):
    first_is_best = "train.mode=min"
    assert start(tmp_path / "unbroken", first_is_best) == 0
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        assert start(tmp_path, first_is_best) == 143
    monkeypatch.setattr(state_module, "Progress", _without_best)
    assert resume(tmp_path) == 0
    assert digest(tmp_path / "run") != digest(tmp_path / "unbroken/run")


def test_resume_falls_back(tmp_path, monkeypatch, unbroken, capsys):
    with monkeypatch.context() as patch:
        stop_at(patch, 15)  # has a row that last-1.pt of step 12 does not know
        assert start(tmp_path) == 143
    last = tmp_path / "run/checkpoints/last.pt"
    flip_a_bit(last)
    assert resume(tmp_path) == 0
    assert "last.pt is damaged" in (said := capsys.readouterr().err)
    assert "last-1.pt instead" in said
    assert digest(tmp_path / "run") == digest(unbroken)
    ours, theirs = tmp_path / "run/metrics.csv", unbroken / "metrics.csv"
    assert ours.read_bytes() == theirs.read_bytes()


def test_a_damaged_last_does_not_push_out_the_good_one(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        assert start(tmp_path) == 143
    last = tmp_path / "run/checkpoints/last.pt"
    last.write_bytes(last.read_bytes()[:-1])

    def fail(*_):
        raise FaultError("disk full")

    monkeypatch.setattr(state_module, "save_checkpoint", fail)
    with pytest.raises(FaultError):
        resume(tmp_path)
    saved = load_checkpoint(last, "training")
    assert saved["progress"]["step"] == 4
    assert not list(last.parent.glob(".*"))


def test_a_checkpoint_that_does_not_fit_leaves_the_run_as_it_was(tmp_path):
    assert start(tmp_path, "train.epochs=1") == 0
    last, meta = tmp_path / "run/checkpoints/last.pt", tmp_path / "run/meta.json"
    content = torch.load(last, weights_only=True)
    torch.save(content | {"weights": {}}, last)
    before = meta.read_text()
    with pytest.raises(InputError, match="lacks tensor"):
        resume(tmp_path, "train.epochs=2")
    assert meta.read_text() == before


def test_a_signal_during_the_evaluation(tmp_path, monkeypatch, unbroken):
    plain = Trainer.evaluate

    def evaluate(self, split, batches=None):
        if self.state.progress.step == 8:
            signal.raise_signal(signal.SIGTERM)
        return plain(self, split, batches)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "evaluate", evaluate)
        assert start(tmp_path) == 143
    last = tmp_path / "run/checkpoints/last.pt"
    assert torch.load(last, weights_only=True)["progress"]["step"] == 8
    assert resume(tmp_path) == 0
    assert digest(tmp_path / "run") == digest(unbroken)


HARD = ("train.accumulate=2", "train.save_every=1", "train.patience=3")


@pytest.mark.parametrize("forget_scale", [False, True])
def test_resume_with_accumulation_and_a_loss_scale(tmp_path, monkeypatch, forget_scale):
    scaler = partial(torch.amp.GradScaler, init_scale=2.0**20, growth_interval=3)
    monkeypatch.setattr(torch.amp, "GradScaler", scaler)
    monkeypatch.setattr(launch, "_check_precision", lambda *_: None)
    half = (*HARD, "train.precision=fp16")
    assert start(tmp_path / "unbroken", *half) == 0
    with monkeypatch.context() as patch:
        stop_at(patch, 3)
        assert start(tmp_path, *half) == 143
    if forget_scale:
        monkeypatch.setattr(state_module.State, "restore", _without_scale)
    assert resume(tmp_path) == 0
    same = digest(tmp_path / "run") == digest(tmp_path / "unbroken/run")
    assert same is not forget_scale


@pytest.mark.parametrize("change", ["optim.lr=0.1", "seed=1", "model.dropout=0.1"])
def test_resume_refuses_another_run(tmp_path, monkeypatch, change):
    stop_at(monkeypatch, 2)
    start(tmp_path)
    with pytest.raises(InputError, match=f"{change}: the run has"):
        resume(tmp_path, change)


def test_resume_may_change_how_often_it_reports(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 2)
        start(tmp_path)
    assert resume(tmp_path, "train.log_every=1") == 0
    steps = [row["step"] for row in rows(tmp_path / "run") if row["split"] == "train"]
    assert steps[-3:] == ["14", "15", "16"]


# local: begin
pytest.mark.spec("SEQ-150", "ends with the same bits")(test_resume_is_bit_identical)
pytest.mark.spec("SEQ-151", "saves at the end of the step")(
    test_resume_is_bit_identical
)
pytest.mark.spec("SEQ-152", "falls back to `last-1.pt`")(test_resume_falls_back)
pytest.mark.spec("SEQ-150", "ends with the same bits")(
    test_a_signal_during_the_evaluation
)
pytest.mark.spec("SEQ-151", "saves at the end of the step")(
    test_a_signal_during_the_evaluation
)
pytest.mark.spec("SEQ-150", "ends with the same bits")(
    test_resume_with_accumulation_and_a_loss_scale
)
pytest.mark.spec("SEQ-153", "refuses to change")(test_resume_refuses_another_run)
# local: end
