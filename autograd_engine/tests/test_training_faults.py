"""What stops a run, what it says then, and what must never change one."""

import errno

import numpy as np
import pytest

from src.data.dataloader import epoch_order
from src.engine.function import Function
from src.engine.grad_mode import is_anomaly_enabled
from src.training import launch
from src.training.faults import explain
from src.training.task import ClassificationTask, Config, build
from src.training.trainer import Trainer
from src.utils import device as device_module
from src.utils.checkpoint import load_checkpoint
from src.utils.device import pick_device
from src.utils.errors import DivergedError, FaultError, InputError
from tests.tiny import CONFIG, TINY, command, digest, start


def poison(monkeypatch, kind: str, step: int = 5) -> None:
    """Let step `step` see a bad pixel, or a gradient go bad on its way back."""
    plain = ClassificationTask.loss
    bad = {"inf": float("inf")}.get(kind, float("nan"))

    def loss(self, model, batch, progress):
        if progress == (step - 1) / 16:
            if kind == "gradient":
                weight = model.layers[-1].weight
                weight.register_hook(lambda gradient: gradient * bad)
            else:
                batch.features.data[1, 0, 3, 3] = bad
        return plain(self, model, batch, progress)

    monkeypatch.setattr(ClassificationTask, "loss", loss)


def finite(value) -> bool:
    if isinstance(value, np.ndarray):
        return bool(np.isfinite(value).all())
    if isinstance(value, (dict, list, tuple)):
        items = value.values() if isinstance(value, dict) else value
        return all(map(finite, items))
    return not isinstance(value, float) or abs(value) < float("inf")


def attempt(out, *overrides: str) -> int:
    """The tiny run from its command line, where an error becomes a sentence."""
    where = ["--out", out, "--name", "run", "--device", "cpu", "--quiet"]
    return command("--config", CONFIG, *TINY, *overrides, *where)


@pytest.mark.spec("AGE-083", "stops the run before the update with exit code 3")
@pytest.mark.spec("AGE-083", "names the step, the first bad tensor and the samples")
@pytest.mark.parametrize(
    ("kind", "what", "where"),
    [
        ("nan", "loss is nan", "first seen in layers.0;"),
        ("inf", "loss is nan", "first seen in layers.0;"),
        ("gradient", "the gradient norm is nan", "first seen in layers.1.weight;"),
    ],
)
def test_a_bad_number_stops_the_run(tmp_path, monkeypatch, capsys, kind, what, where):
    poison(monkeypatch, kind)
    assert attempt(tmp_path, "train.save_every=1") == 3
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(f"step 5: {what}")
    assert where in said.err and said.err.count("\n") == 1
    samples = epoch_order(20, 0, 1)[:5].tolist()
    assert f"training samples {', '.join(map(str, samples))})" in said.err
    assert f"Last good: {tmp_path}/run/checkpoints/last.npz, step 4." in said.err
    saved = load_checkpoint(tmp_path / "run/checkpoints/last.npz")
    assert saved["progress"]["step"] == 4 and finite(saved)
    assert '"status": "failed"' in (tmp_path / "run/meta.json").read_text()


class Bad(Function):
    @staticmethod
    def forward(ctx, x):
        return x.data.copy()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * float("nan")


def test_a_bad_number_in_debug_mode_exits_with_3_too(tmp_path, monkeypatch):
    plain = ClassificationTask.loss
    monkeypatch.setattr(
        ClassificationTask,
        "loss",
        lambda self, *arguments: Bad.apply(plain(self, *arguments)),
    )
    monkeypatch.setattr(launch, "inspect", lambda *_: "")
    with pytest.raises(
        DivergedError, match="backward pass made a NaN: .* Bad gave NaN"
    ):
        start(tmp_path, "debug=true")
    assert not is_anomaly_enabled()


def test_a_learning_rate_that_is_too_large_is_one_sentence(tmp_path, capsys):
    settings = ("optim.name=sgd", "optim.lr=1e30", "optim.clip=0", "train.epochs=100")
    assert (
        attempt(tmp_path, *settings, "optim.warmup=0", "optim.schedule=constant") == 3
    )
    said = capsys.readouterr().err
    assert said.startswith("step ") and said.count("\n") == 1


@pytest.mark.parametrize("place", ["step", "build", "finish"])
def test_out_of_memory_is_one_sentence(tmp_path, monkeypatch, capsys, place):
    def fail(*_):
        raise MemoryError("Unable to allocate 8. GiB for an array")

    owner, name = (Trainer, "_step") if place == "step" else (launch, place)
    monkeypatch.setattr(owner, name, fail)
    assert attempt(tmp_path, "train.epochs=1") == 1
    said = capsys.readouterr().err
    step = (
        "out of memory at batch_size 5. Try data.batch_size=2. Nothing was saved yet."
    )
    elsewhere = "out of memory outside of the training steps. Make the model or"
    assert said.startswith(step if place == "step" else elsewhere)
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(errno.ENOSPC, "No space left"), FaultError, "disk full: .*Last good"),
        (FaultError("disk full"), FaultError, "disk full. Last good x"),
        (InputError("a.png: ends early"), InputError, "^a.png: ends early$"),
    ],
)
def test_known_faults(error, kind, words):
    with pytest.raises(kind, match=words):
        raise explain(error, 4, "Last good x")


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "I/O error"), RuntimeError("bug")]
)
def test_a_bug_keeps_its_traceback(error):
    assert explain(error, 4, "") is None


@pytest.mark.spec("AGE-081", "2 bad input")
@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optim.lrr=1", "did you mean optim.lr"),
        ("optim.lr=-1", "lr = -1"),
        ("optim.name=adamx", "adamx"),
        ("optim.momentum=1", "momentum = 1: must be less than 1"),
        ("optim.betas=[0.9,1]", "each must be in [0, 1)"),
        ("train.label_smoothing=1", "label_smoothing = 1.0: must be in [0, 1)"),
        ("train.monitor=miou", "train.monitor = miou: this data has loss, accuracy"),
        ("train.accumulate=9", "train.accumulate = 9: an epoch has only 4 batches"),
        ("seed=-1", "seed = -1: must be between 0 and"),
        ("model.name=gpt", "model: model gpt does not read digits data"),
        ("data.name=idx", "root is empty: idx needs the path of its data"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_sentence(
    tmp_path, capsys, override, words
):
    assert attempt(tmp_path, override) == 2
    said = capsys.readouterr()
    assert words.lower() in said.err.lower() and said.out == ""
    assert said.err.count("\n") == 1 and not (tmp_path / "run").exists()


def test_a_model_that_cannot_read_the_data_is_one_sentence(monkeypatch):
    def build_model(*_):
        class Wrong:
            eval = train = lambda self: self

            def __call__(self, x):
                raise RuntimeError("matmul: (1, 4) and (5, 2)\ndo not fit")

        return Wrong()

    monkeypatch.setattr("src.training.task.build_model", build_model)
    words = "model.name = mlp does not fit data.name = digits: .* do not fit"
    with pytest.raises(InputError, match=words):
        build(Config())


def test_a_device_that_is_not_there_is_one_sentence(monkeypatch):
    with pytest.raises(InputError, match="--device tpu: one of auto, cpu, cuda"):
        pick_device("tpu")
    monkeypatch.setattr(device_module, "_missing", lambda: "CuPy is not installed")
    with pytest.raises(InputError, match="CuPy is not installed. Use --device cpu"):
        pick_device("cuda")
    assert pick_device("auto") == pick_device("cpu") == "cpu"


def test_the_seed_decides_the_run(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert start(tmp_path / name, "train.epochs=1", seed=seed) == 0
    a, b, c = (digest(tmp_path / name / "run") for name in "abc")
    assert a == b != c


def test_debug_prints_tables_and_changes_nothing(tmp_path, capsys):
    assert start(tmp_path / "a", "train.epochs=1", "debug=true", quiet=False) == 0
    said = capsys.readouterr().err
    words = ("module", "zeros", "parameter", "gradient", "loss of the first batch")
    assert all(word in said for word in words)
    assert start(tmp_path / "b", "train.epochs=1") == 0
    assert digest(tmp_path / "a/run") == digest(tmp_path / "b/run")


def test_a_score_that_is_never_finite_still_ends_with_a_best(tmp_path, monkeypatch):
    never = {"loss": 1.0, "accuracy": float("nan")}
    monkeypatch.setattr(Trainer, "evaluate", lambda *_, **__: never)
    assert start(tmp_path, "train.epochs=1") == 0
    assert '"accuracy": null' in (tmp_path / "run/summary.json").read_text()
