"""What is written is whole and plain; a crash or a full disk spares the old file."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from src.utils import atomic
from src.utils.atomic import keep_previous, write_atomically
from src.utils.checkpoint import (
    load_checkpoint,
    load_latest,
    load_weights,
    save_checkpoint,
)
from src.utils.errors import FaultError, InputError
from src.utils.logging import log
from tests.forked import end_forked, in_fork, wait


CONTENT = {"kind": "weights", "config": {}, "data": {}, "model": {"w": np.ones(9)}}
TRAINING = CONTENT | {
    "kind": "training", "weights": {}, "optimizer": {}, "progress": {}, "rng": {},
}  # fmt: skip
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(autouse=True)
def ended():
    yield
    end_forked()


def save(path: Path, value: float = 1.0, **more) -> None:
    model = {"w": np.full(1000, value)}
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
@pytest.mark.spec("AGE-065", "leaves the old file or the new one")
@pytest.mark.parametrize("point", CRASH_POINTS)
def test_crash_points(tmp_path, monkeypatch, point):
    last, previous = tmp_path / "last.npz", tmp_path / "last-1.npz"
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
    save(tmp_path / "last.npz", 1.0)
    keep_previous(tmp_path / "last.npz", tmp_path / "last-1.npz")
    save(tmp_path / "last.npz", 2.0)
    assert value(tmp_path / "last-1.npz") == 1.0
    keep_previous(tmp_path / "nothing.npz", tmp_path / "last-1.npz")
    assert value(tmp_path / "last-1.npz") == 1.0


def test_a_file_that_is_kept_twice_leaves_nothing_else(tmp_path):
    save(tmp_path / "last.npz")
    for _ in range(2):
        keep_previous(tmp_path / "last.npz", tmp_path / "last-1.npz")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last-1.npz", "last.npz"]


@needs_fork
def test_disk_full_removes_the_half_file(tmp_path):
    resource = pytest.importorskip("resource")
    save(tmp_path / "a.npz")

    def fill() -> int:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        with pytest.raises(FaultError, match=r"a.npz \(needs 0.0 MB, .* MB free\)"):
            save(tmp_path / "a.npz", 2.0)
        return 0

    assert wait(in_fork(fill)) == 0
    assert value(tmp_path / "a.npz") == 1.0
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_other_faults_of_the_disk_are_not_called_full(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere/x", b"")


@pytest.mark.spec("AGE-066", "a damaged `last.npz` falls back to `last-1.npz`")
def test_the_newest_whole_checkpoint_is_loaded(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(log, "warning", said.append)
    last, previous = tmp_path / "last.npz", tmp_path / "last-1.npz"
    with pytest.raises(InputError, match=r"last.npz: no such .* has: no checkpoints"):
        load_latest(tmp_path)
    save_checkpoint(last, {**TRAINING, "progress": {"step": 1}})
    keep_previous(last, previous)
    save_checkpoint(last, {**TRAINING, "progress": {"step": 2}})
    content, path = load_latest(tmp_path)
    assert (content["progress"], path, said) == ({"step": 2}, last, [])
    last.write_bytes(last.read_bytes()[:-40])
    content, path = load_latest(tmp_path)
    assert (content["progress"], path) == ({"step": 1}, previous)
    assert said[0].startswith(f"{last} is damaged or cut short.")
    assert said[0].endswith(f"Resuming from {previous} instead.")
    previous.write_bytes(b"")
    with pytest.raises(InputError, match="last-1.npz is not a checkpoint"):
        load_latest(tmp_path)


def test_a_kind_of_checkpoint_that_was_asked_for(tmp_path):
    save(tmp_path / "best.npz")
    with pytest.raises(InputError, match="holds weights only .* Resume from .*/last"):
        load_checkpoint(tmp_path / "best.npz", "training")
    with pytest.raises(InputError, match=r"last.npz: no such .* has: best.npz"):
        load_checkpoint(tmp_path / "last.npz")
    with pytest.raises(InputError, match=r"is a folder; name a file, such as"):
        load_checkpoint(tmp_path)


def test_a_missing_checkpoint_before_the_first_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="No run has been made in runs/ yet"):
        load_checkpoint(Path("runs/latest/checkpoints/best.npz"))


class Layer:
    """Stands for a module: two arrays, loaded together."""

    def __init__(self):
        self.arrays = {"weight": np.ones((2, 2)), "bias": np.ones(2, np.float32)}

    def state_dict(self):
        return self.arrays

    def load_state_dict(self, state):
        self.arrays = state


WRONG_WEIGHTS = {
    "missing": ({"weight": None}, "x.npz lacks array weight"),
    "unknown": ({"a": np.ones(1)}, "x.npz has the unknown array a"),
    "shape": (
        {"bias": np.ones(3, np.float32)},
        r"bias is \[3\] float32, the model here has \[2\] float32",
    ),
    "dtype": ({"bias": np.ones(2, int)}, r"bias is \[2\] int64, the model here has"),
    "no array": ({"bias": [1.0, 2.0]}, "bias is a list, the model here has"),
}


@pytest.mark.parametrize("name", WRONG_WEIGHTS)
def test_weights_that_do_not_fit(name):
    changes, words = WRONG_WEIGHTS[name]
    model = Layer()
    before = model.arrays
    weights = {k: v for k, v in (before | changes).items() if v is not None}
    with pytest.raises(InputError, match=words):
        load_weights(model, weights, Path("x.npz"))
    assert model.arrays is before


def test_weights_that_fit_are_loaded():
    model, weights = Layer(), {k: 2 * v for k, v in Layer().arrays.items()}
    load_weights(model, weights, Path("x.npz"))
    assert model.arrays is weights
