"""A run that was stopped and continued ends as one that was never stopped."""

import signal

import numpy as np
import pytest

from src import optim
from src.training import state as state_module
from src.training import trainer as trainer_module
from src.training.trainer import Trainer
from src.utils.checkpoint import load_checkpoint, save_checkpoint
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

    def stepping(self, loader):
        if self.state.progress.step == step - 1:
            signal.raise_signal(signal.SIGTERM)
        return plain(self, loader)

    monkeypatch.setattr(trainer_module.Trainer, "_step", stepping)


def same_files(run, other) -> bool:
    files = [(folder / "metrics.csv").read_bytes() for folder in (run, other)]
    return digest(run) == digest(other) and files[0] == files[1]


@pytest.mark.spec("AGE-080", "ends with the same bits")
@pytest.mark.spec("AGE-081", "saves at the end of the step")
@pytest.mark.parametrize("step", [1, 6, 8, 13])
def test_resume_is_bit_identical(tmp_path, monkeypatch, unbroken, step):
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        assert start(tmp_path) == 143
    saved = load_checkpoint(tmp_path / "run/checkpoints/last.npz", "training")
    assert saved["progress"]["step"] == step
    assert resume(tmp_path) == 0
    assert same_files(tmp_path / "run", unbroken)
    ours, theirs = (
        load_checkpoint(run / "checkpoints/best.npz")["model"]
        for run in (tmp_path / "run", unbroken)
    )
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def _without_position(plain):
    return lambda self, start: plain(self, 0 if start else start)


def _only_the_first(plain):
    calls = []

    def load(*arguments):
        calls.append(arguments)
        return plain(*arguments) if len(calls) == 1 else None

    return load


FORGETTING = {
    "rng": lambda patch: patch.setattr(state_module, "set_rng_state", lambda _: None),
    "position": lambda patch: patch.setattr(
        Trainer, "_batches", _without_position(Trainer._batches)
    ),
    "optimizer": lambda patch: patch.setattr(
        optim.AdamW, "load_state_dict", lambda self, content: None
    ),
    "average": lambda patch: patch.setattr(
        state_module, "load_weights", _only_the_first(state_module.load_weights)
    ),
}


@pytest.mark.parametrize("what", FORGETTING)
def test_resume_needs(tmp_path, monkeypatch, unbroken, what):
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        assert start(tmp_path) == 143
    FORGETTING[what](monkeypatch)
    assert resume(tmp_path) == 0
    assert digest(tmp_path / "run") != digest(unbroken)


HARD = ("train.accumulate=2", "train.save_every=1", "train.patience=3")


@pytest.mark.spec("AGE-080", "ends with the same bits")
@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop", "adagrad", "lion", "muon"])
def test_resume_with_every_optimiser_and_accumulation(tmp_path, monkeypatch, name):
    settings = (*HARD, f"optim.name={name}", "train.ema=0", "model.hidden=[6,5]")
    assert start(tmp_path / "unbroken", *settings) == 0
    with monkeypatch.context() as patch:
        stop_at(patch, 3)
        assert start(tmp_path, *settings) == 143
    assert resume(tmp_path) == 0
    assert same_files(tmp_path / "run", tmp_path / "unbroken/run")


KINDS = {
    "text": "{name: text, root: %s, block: 8, batch_size: 4, epoch_windows: 16}",
    "sentiment": "{name: sentiment, count: 20, batch_size: 5}",
    "digits": "{name: digits, count: 20, batch_size: 5, augment: {cut_out: 9}}",
}
SMALL = "widths: [2, 3], width: 2, d_model: 8, n_heads: 2, dropout: 0.2"


@pytest.mark.spec("AGE-080", "ends with the same bits")
@pytest.mark.parametrize(
    ("data", "model"),
    [("text", "gpt"), ("text", "lstm"), ("sentiment", "lstm"),
     ("digits", "cnn"), ("digits", "resnet")],
)  # fmt: skip
def test_resume_of_every_kind_of_data_and_model(tmp_path, monkeypatch, data, model):
    (tmp_path / "text").write_text("so long lives this\n" * 9)
    kind = KINDS[data] % (tmp_path / "text") if "%" in KINDS[data] else KINDS[data]
    settings = (f"data={kind}", f"model={{name: {model}, {SMALL}}}", "train.epochs=2")
    assert start(tmp_path / "unbroken", *settings) == 0
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        assert start(tmp_path, *settings) == 143
    assert resume(tmp_path) == 0
    assert same_files(tmp_path / "run", tmp_path / "unbroken/run")


@pytest.mark.spec("AGE-081", "saves at the end of the step")
def test_a_signal_during_the_evaluation(tmp_path, monkeypatch, unbroken):
    plain = Trainer.evaluate

    def evaluate(self, dataset, limit=None):
        if self.state.progress.step == 8:
            signal.raise_signal(signal.SIGTERM)
        return plain(self, dataset, limit)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "evaluate", evaluate)
        assert start(tmp_path) == 143
    last = tmp_path / "run/checkpoints/last.npz"
    assert load_checkpoint(last)["progress"]["step"] == 8
    assert resume(tmp_path) == 0
    assert digest(tmp_path / "run") == digest(unbroken)


@pytest.mark.spec("AGE-082", "falls back to `last-1.npz`")
def test_resume_falls_back(tmp_path, monkeypatch, unbroken, capsys):
    with monkeypatch.context() as patch:
        stop_at(patch, 15)  # has a row that last-1.npz of step 12 does not know
        assert start(tmp_path) == 143
    last = tmp_path / "run/checkpoints/last.npz"
    data = bytearray(last.read_bytes())
    middle = len(data) // 2  # 200 bytes: more than a zip header, which nobody reads
    data[middle : middle + 200] = bytes(200)
    last.write_bytes(data)
    assert resume(tmp_path) == 0
    said = capsys.readouterr().err
    assert "last.npz" in said and "last-1.npz instead" in said
    assert same_files(tmp_path / "run", unbroken)


def test_a_damaged_last_does_not_push_out_the_good_one(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 6)
        assert start(tmp_path) == 143
    last = tmp_path / "run/checkpoints/last.npz"
    last.write_bytes(last.read_bytes()[:-1])

    def fail(*_):
        raise FaultError("disk full")

    monkeypatch.setattr(state_module, "save_checkpoint", fail)
    with pytest.raises(FaultError, match="Last good: .*last.npz, step 4"):
        resume(tmp_path)
    assert load_checkpoint(last, "training")["progress"]["step"] == 4


def test_a_checkpoint_that_does_not_fit_leaves_the_run_as_it_was(tmp_path):
    assert start(tmp_path, "train.epochs=1") == 0
    last, meta = tmp_path / "run/checkpoints/last.npz", tmp_path / "run/meta.json"
    content = load_checkpoint(last)
    save_checkpoint(last, content | {"weights": {}})
    before = meta.read_text()
    with pytest.raises(InputError, match="lacks array"):
        resume(tmp_path, "train.epochs=2")
    other = {"info": content["data"]["info"], "fingerprint": "x"}
    save_checkpoint(last, content | {"data": other})
    with pytest.raises(InputError, match="trained on other data"):
        resume(tmp_path, "train.epochs=2")
    assert meta.read_text() == before


@pytest.mark.spec("AGE-082", "refuses to change what would make it another run")
@pytest.mark.parametrize("change", ["optim.lr=0.1", "seed=1", "model.hidden=[4]"])
def test_resume_refuses_another_run(tmp_path, monkeypatch, change):
    stop_at(monkeypatch, 2)
    start(tmp_path)
    with pytest.raises(InputError, match=change.partition("=")[0]):
        resume(tmp_path, change)


def test_another_numpy_is_said(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        stop_at(patch, 2)
        start(tmp_path)
    elsewhere = {"numpy": "1.0", "threads": 99}
    monkeypatch.setattr(state_module, "environment", lambda: elsewhere)
    assert resume(tmp_path, "train.log_every=1") == 0
    assert "threads: 99: the last bits may differ" in capsys.readouterr().err
    steps = [row["step"] for row in rows(tmp_path / "run") if row["split"] == "train"]
    assert steps[-3:] == ["14", "15", "16"]
