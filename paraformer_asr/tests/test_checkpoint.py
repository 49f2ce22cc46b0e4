# pattern: tests/test_checkpoint.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_checkpoint.py --from <sub-project>
"""What is written is whole, plain and small; a crash or a full disk spares the old."""

import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from src.utils import atomic
from src.utils.atomic import keep_previous, write_atomically
from src.utils.checkpoint import load_checkpoint, load_weights, save_checkpoint
from src.utils.errors import FaultError, InputError
from tests.tiny import in_fork, start, wait


CONTENT = {"kind": "weights", "config": {}, "data": {}, "model": {"w": torch.ones(9)}}
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def save(path: Path, value: float = 1.0, **more) -> None:
    model = {"w": torch.full((1000,), value)}
    save_checkpoint(path, {**CONTENT, "model": model, **more})


def value(path: Path) -> float:
    weights = load_checkpoint(path)["model"]["w"]
    assert (weights == weights[0]).all()
    return weights[0].item()


def kill_before(patch, name: str, call: int = 1):
    """Let the process die as it calls os.`name` for the `call`-th time."""
    plain, calls = getattr(os, name), []

    def killed(*arguments, **options):
        calls.append(name)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(*arguments, **options)

    patch.setattr(os, name, killed)


class HalfFile:
    """A file of which a half is written when the power fails."""

    def __init__(self, path):
        self.file = open(path, "wb")  # noqa: SIM115

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        os.kill(os.getpid(), signal.SIGKILL)


CRASH_POINTS = {
    "in the middle of the data": lambda patch: patch.setattr(
        atomic, "open", lambda path, mode: HalfFile(path), raising=False
    ),
    "before the data is on disk": lambda patch: kill_before(patch, "fsync"),
    "before it has its name": lambda patch: kill_before(patch, "replace", 2),
    "before the folder is on disk": lambda patch: kill_before(patch, "fsync", 2),
    "before the old one is kept": lambda patch: kill_before(patch, "link"),
    "while the old one is kept": lambda patch: kill_before(patch, "replace"),
}


@needs_fork
@pytest.mark.parametrize("point", CRASH_POINTS)
def test_crash_points(tmp_path, monkeypatch, point):
    last, previous = tmp_path / "last.pt", tmp_path / "last-1.pt"
    save(last, 1.0)
    keep_previous(last, previous)
    save(last, 2.0)

    def crash() -> int:
        CRASH_POINTS[point](monkeypatch)
        keep_previous(last, previous)
        save(last, 3.0)
        return 0

    assert wait(in_fork(crash)) == -signal.SIGKILL
    is_new = point == "before the folder is on disk"
    assert value(last) == (3.0 if is_new else 2.0)
    assert value(previous) in (1.0, 2.0)
    save(last, 4.0)
    assert value(last) == 4.0


def test_the_old_file_is_kept_without_hard_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    save(tmp_path / "last.pt", 1.0)
    keep_previous(tmp_path / "last.pt", tmp_path / "last-1.pt")
    save(tmp_path / "last.pt", 2.0)
    assert value(tmp_path / "last-1.pt") == 1.0
    keep_previous(tmp_path / "nothing.pt", tmp_path / "last-1.pt")
    assert value(tmp_path / "last-1.pt") == 1.0


def test_a_file_that_is_kept_twice_leaves_nothing_else(tmp_path):
    save(tmp_path / "last.pt")
    for _ in range(2):
        keep_previous(tmp_path / "last.pt", tmp_path / "last-1.pt")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last-1.pt", "last.pt"]


def limit_file_size(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@needs_fork
def test_disk_full(tmp_path, monkeypatch, capfd):
    from src.training.state import State

    plain = State.save

    def save_and_fill_the_disk(self, run):
        plain(self, run)
        limit_file_size(1000)

    def train() -> int:
        from src.utils.cli import run

        monkeypatch.setattr(State, "save", save_and_fill_the_disk)
        monkeypatch.setattr("sys.argv", ["train.py"])
        return run(lambda: start(tmp_path))

    assert wait(in_fork(train)) == 1
    said = capfd.readouterr().err
    assert "disk full" in said and "Traceback" not in said
    assert f"Last good: {tmp_path}/run/checkpoints/last.pt, step 4." in said
    saved = load_checkpoint(tmp_path / "run/checkpoints/last.pt", "training")
    assert saved["progress"]["step"] == 4
    assert not list(tmp_path.glob("**/.*.tmp"))


@needs_fork
def test_disk_full_removes_the_half_file(tmp_path):
    save(tmp_path / "a.pt")

    def fill() -> int:
        limit_file_size(2000)
        with pytest.raises(FaultError, match=r"a.pt \(needs 0.0 MB, .* MB free\)"):
            save(tmp_path / "a.pt", 2.0)
        return 0

    assert wait(in_fork(fill)) == 0
    assert value(tmp_path / "a.pt") == 1.0
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


def test_other_faults_of_the_disk_are_not_called_full(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere/x", b"")


def unplain(value, where: str = "") -> list[str]:
    """Where something else than tensors and plain values is."""
    if type(value) is dict:
        items = [(key, f"{where}/{key}") for key in value]
        items += [(inner, f"{where}/{key}") for key, inner in value.items()]
        return [bad for inner, at in items for bad in unplain(inner, at)]
    if type(value) in (list, tuple):
        return unplain(dict(enumerate(value)), where)
    plain = (torch.Tensor, str, int, float, bool, type(None))
    return [] if type(value) in plain else [f"{where}: {type(value)}"]


def test_every_saved_value_is_plain(tmp_path):
    assert start(tmp_path, "train.epochs=1") == 0
    for name in ("last.pt", "best.pt"):
        path = tmp_path / "run/checkpoints" / name
        assert unplain(torch.load(path, weights_only=False)) == []
        load_checkpoint(path)


@pytest.mark.parametrize(
    "value", [np.float64(1), np.ones(2), Path("x"), {1, 2}, nn.Linear(1, 1), 1j, b"x"]
)
def test_what_is_not_plain_is_refused_with_its_place(tmp_path, value):
    with pytest.raises(TypeError, match=r"checkpoint\['metrics'\]\['a'\]\[1\] is a "):
        save(tmp_path / "x.pt", metrics={"a": [1, value]})
    assert not list(tmp_path.iterdir())


def test_a_view_is_saved_without_the_rest_of_its_tensor(tmp_path):
    large = torch.arange(1_000_000.0)
    save(tmp_path / "x.pt", data={"view": large[:10], "step": large[::100_000]})
    assert (tmp_path / "x.pt").stat().st_size < 20_000
    assert torch.equal(load_checkpoint(tmp_path / "x.pt")["data"]["view"], large[:10])
    assert large.untyped_storage().nbytes() == 4_000_000


def test_shared_weights_are_saved_once(tmp_path):
    shared = torch.ones(10_000)
    save_checkpoint(tmp_path / "x.pt", {**CONTENT, "model": {"a": shared, "b": shared}})
    assert (tmp_path / "x.pt").stat().st_size < 60_000


WRONG_WEIGHTS = {
    "missing": ({}, "x.pt lacks tensor weight"),
    "unknown": ({"a": torch.ones(1)}, "x.pt has the unknown tensor a"),
    "shape": (
        {"bias": torch.ones(3)},
        r"bias is \[3\] float32, the model here has \[2\]",
    ),
    "dtype": ({"bias": torch.ones(2).long()}, r"bias is \[2\] int64, the model here"),
    "no tensor": ({"bias": [1.0, 2.0]}, "bias is a list of another kind"),
    "meta": (
        {"bias": torch.ones(2, device="meta")},
        "is a Tensor of another kind",
    ),
    "sparse": ({"bias": torch.ones(2).to_sparse()}, "is a Tensor of another kind"),
}


@pytest.mark.parametrize("name", WRONG_WEIGHTS)
def test_weights_that_do_not_fit(name):
    changes, words = WRONG_WEIGHTS[name]
    model = nn.Linear(2, 2)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    weights = before | changes if changes else {"bias": torch.ones(2)}
    with pytest.raises(InputError, match=words):
        load_weights(model, weights, Path("x.pt"))
    assert all(torch.equal(before[key], t) for key, t in model.state_dict().items())


# local: begin
pytest.mark.spec("ASR-161", "the old file or the new one")(test_crash_points)
pytest.mark.spec("ASR-164", "A full disk ends the run with exit code 1")(test_disk_full)
pytest.mark.spec("ASR-163", "plain values only")(test_every_saved_value_is_plain)
pytest.mark.spec("ASR-163", "tensors and plain values only")(
    test_what_is_not_plain_is_refused_with_its_place
)
# local: end
