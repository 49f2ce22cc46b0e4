"""What stops a run, what it says then, and what must never change one."""

import errno
import multiprocessing.connection

import pytest
import torch

from src.data.toy_patterns import ToySeq2Seq
from src.training import launch
from src.training.faults import explain
from src.training.task import SpeechTask
from src.training.trainer import Trainer
from src.utils.device import pick_device
from src.utils.errors import DivergedError, FaultError, InputError
from tests.tiny import CONFIG, TINY, command, start


def poison(monkeypatch, kind: str, step: int = 5) -> None:
    """Let step `step` meet a bad weight, or a gradient go bad on its way back."""
    plain = SpeechTask.loss
    bad = {"inf": float("inf")}.get(kind, float("nan"))

    def loss(self, model, batch, progress):
        if progress == (step - 1) / 16:
            if kind == "gradient":
                weight = model.ctc_head.weight
                if not weight._backward_hooks:
                    weight.register_hook(lambda gradient: gradient * bad)
            else:
                model.embedding.weight.data[:, 3] = bad
        return plain(self, model, batch, progress)

    monkeypatch.setattr(SpeechTask, "loss", loss)


def finite(value) -> bool:
    if isinstance(value, torch.Tensor):
        return bool(value.isfinite().all())
    if isinstance(value, (dict, list, tuple)):
        items = value.values() if isinstance(value, dict) else value
        return all(map(finite, items))
    return not isinstance(value, float) or abs(value) < float("inf")


@pytest.mark.spec("ASR-160", "stops the run before the update with exit code 3")
@pytest.mark.spec("ASR-160", "names the step and the first bad tensor")
@pytest.mark.spec("ASR-172", "3 diverged")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    ("kind", "what", "where"),
    [
        ("nan", "loss is nan", "first seen in embedding)"),
        ("inf", "loss is nan", "first seen in embedding)"),
        ("gradient", "the gradient norm is nan", "first seen in ctc_head.weight)"),
    ],
)
def test_a_bad_number_stops_the_run(
    tmp_path, monkeypatch, capsys, kind, what, where, precision
):
    poison(monkeypatch, kind)
    changes = [*TINY, "train.save_every=1", f"train.precision={precision}"]
    where_to = ["--out", tmp_path, "--name", "run", "--device", "cpu", "--quiet"]
    assert command("--config", CONFIG, *changes, *where_to) == 3
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(f"step 5: {what}")
    assert where in said.err
    assert f"Last good: {tmp_path}/run/checkpoints/last.pt, step 4." in said.err
    saved = torch.load(tmp_path / "run/checkpoints/last.pt", weights_only=True)
    assert saved["progress"]["step"] == 4 and finite(saved)
    assert '"status": "failed"' in (tmp_path / "run/meta.json").read_text()


def test_a_bad_number_in_debug_mode_exits_with_3_too(tmp_path, monkeypatch):
    class Bad(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * float("nan")

    plain = SpeechTask.loss
    monkeypatch.setattr(
        SpeechTask,
        "loss",
        lambda self, *arguments: Bad.apply(plain(self, *arguments)),
    )
    monkeypatch.setattr("src.training.launch.inspect", lambda *_: "")
    with (
        pytest.warns(UserWarning, match="Error detected in BadBackward"),
        pytest.raises(DivergedError, match="backward pass made a NaN: .*BadBackward"),
    ):
        start(tmp_path, "debug=true")
    assert not torch.is_anomaly_enabled()


class TextError(InputError):
    pass


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_sample_arrives_as_one_sentence(tmp_path, monkeypatch, workers):
    plain = ToySeq2Seq.__getitems__

    def broken(self, keys):
        if keys[0][0] < 1:
            return plain(self, keys)
        raise TextError("tokens.bin: the file ends early; copy it again")

    monkeypatch.setattr(ToySeq2Seq, "__getitems__", broken)
    with pytest.raises(InputError) as error:
        start(tmp_path, f"data.workers={workers}")
    assert str(error.value) == "tokens.bin: the file ends early; copy it again"


@pytest.mark.spec("ASR-155", "Memory that runs out")
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you"),
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError("Unable to allocate 8. GiB for an array"),
    ],
)
def test_out_of_memory_is_one_sentence(tmp_path, monkeypatch, capsys, error):
    plain = Trainer._step

    def step(self, iterator):
        if self.state.progress.step == 5:
            raise error
        return plain(self, iterator)

    monkeypatch.setattr(Trainer, "_step", step)
    where_to = ["--out", tmp_path, "--name", "run", "--device", "cpu", "--quiet"]
    assert command("--config", CONFIG, *TINY, *where_to) == 1
    said = capsys.readouterr().err
    assert said.startswith("out of memory at batch_size 4. Try data.batch_size=2")
    assert "last.pt, step 4." in said and said.count("\n") == 1


@pytest.mark.spec("ASR-155", "Memory that runs out")
@pytest.mark.parametrize("place", ["build", "finish"])
def test_out_of_memory_elsewhere_is_one_sentence(tmp_path, monkeypatch, capsys, place):
    def fail(*_):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(launch, place, fail)
    where_to = ["--out", tmp_path, "--name", "run", "--device", "cpu", "--quiet"]
    assert command("--config", CONFIG, *TINY, "train.epochs=1", *where_to) == 1
    said = capsys.readouterr().err
    assert said.startswith("out of memory outside of the training steps. Make the mod")
    assert "data.batch_size (now 4)" in said and said.count("\n") == 1


@pytest.mark.spec("ASR-172", "2 bad input")
def test_fp16_without_cuda_is_one_sentence(tmp_path, capsys):
    where_to = ["--out", tmp_path / "runs", "--device", "cpu"]
    assert command("--config", CONFIG, "train.precision=fp16", *where_to) == 2
    said = capsys.readouterr().err
    assert said.startswith("train.precision = fp16 needs CUDA, and this runs on cpu;")
    assert said.count("\n") == 1 and not (tmp_path / "runs").exists()


def test_a_process_without_a_gpu_is_told_how_many_there_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InputError, match="process 2 of .* no GPU: there are 1. Start"):
        pick_device("auto", local_rank=1)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            OSError(errno.ENOSPC, "No space left"),
            FaultError,
            "disk full: .*Last good x",
        ),
        (FaultError("disk full"), FaultError, "disk full. Last good x"),
        (
            RuntimeError("DataLoader worker (pid(s) 12) exited unexpectedly"),
            FaultError,
            "a data worker was killed",
        ),
    ],
)
def test_known_faults(error, kind, words):
    with pytest.raises(kind, match=words):
        raise explain(error, 4, "Last good x")


@pytest.mark.spec("ASR-155", "a killed data worker")
def test_a_worker_that_is_gone_before_torch_sees_it_is_named_too(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:  # what fetching its tensors says
        multiprocessing.connection.Client(str(tmp_path / "gone"), "AF_UNIX")
    assert "a data worker was killed" in str(explain(caught.value, 4, "Last good x"))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Caught RuntimeError in DataLoader worker process 0.\nbug"),
        OSError(errno.EIO, "Input/output error"),
        EOFError("a file of the reader's ends early"),
        RuntimeError("shape '[2]' is invalid for input of size 3"),
    ],
)
def test_a_bug_keeps_its_traceback(error):
    assert explain(error, 4, "") is None
