"""Trainers that are killed, interrupted and starved, as real processes."""

import os
import random
import resource
import signal
import tempfile
import time
from pathlib import Path

import pytest

from src.training import trainer as trainer_module
from src.utils.checkpoint import load_checkpoint
from tests.forked import LIMIT, end_forked, in_fork, wait
from tests.tiny import digest, resume, rows, start


pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="needs fork and signals"
)


@pytest.fixture(autouse=True)
def no_child_survives_its_test():
    yield
    end_forked()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken")
    assert wait(in_fork(lambda: start(out, "train.save_every=1"))) == 0
    return out / "run"


@pytest.mark.spec("AGE-080", "or killed at any moment")
@pytest.mark.parametrize("trial", range(3))
def test_sigkill_at_random_moments(tmp_path, unbroken, trial):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    delays, run = random.Random(seed), tmp_path / "run"

    def go_on() -> int:
        if (run / "checkpoints/last.npz").exists():
            return resume(tmp_path)
        return start(tmp_path, "train.save_every=1", overwrite=True)

    for _ in range(4):
        pid = in_fork(go_on, tmp_path / "log")
        time.sleep(delays.uniform(0.02, 0.35))
        os.killpg(pid, signal.SIGKILL)
        wait(pid)
        if (run / "checkpoints/last.npz").exists():
            load_checkpoint(run / "checkpoints/last.npz", "training")
    pid = in_fork(go_on, tmp_path / "log")
    assert wait(pid) == 0, (tmp_path / "log").read_text()
    assert digest(run) == digest(unbroken)
    steps = [(row["split"], row["step"]) for row in rows(run)]
    assert len(steps) == len(set(steps))
    assert (run / "metrics.csv").read_bytes() == (unbroken / "metrics.csv").read_bytes()
    assert not list(run.glob("**/.*.tmp"))


@pytest.mark.spec("AGE-081", "saves at the end of the step")
@pytest.mark.spec("AGE-081", "130 after Ctrl-C, 143 after SIGTERM")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_signal_saves_and_says_how_to_go_on(tmp_path, number, code):
    log = tmp_path / "log"
    pid = in_fork(lambda: start(tmp_path, "train.epochs=10000"), log)
    _wait_for_steps(tmp_path / "run")
    os.killpg(pid, number)
    assert wait(pid) == code
    said = log.read_text()
    assert f"resume  python scripts/train.py --resume {tmp_path}/run" in said
    assert "Traceback" not in said
    saved = load_checkpoint(tmp_path / "run/checkpoints/last.npz", "training")
    assert saved["progress"]["step"] >= 3
    assert '"status": "stopped"' in (tmp_path / "run/meta.json").read_text()


def test_a_second_signal_ends_at_once(tmp_path, monkeypatch):
    plain = trainer_module.Trainer._step

    def slow(self, loader):
        if self.state.progress.step == 5:
            (tmp_path / "in the step").touch()
            time.sleep(LIMIT)
        return plain(self, loader)

    monkeypatch.setattr(trainer_module.Trainer, "_step", slow)
    pid = in_fork(lambda: start(tmp_path, "train.epochs=10000"))
    _wait_until((tmp_path / "in the step").exists)
    os.kill(pid, signal.SIGTERM)
    said = tmp_path / "run/train.log"  # two that come before one is seen are one
    _wait_until(lambda: "again: stop at once" in said.read_text())
    os.kill(pid, signal.SIGTERM)
    assert wait(pid) == -signal.SIGTERM


@pytest.mark.spec("AGE-082", "is in use")
def test_two_writers(tmp_path):
    log = tmp_path / "log"
    first = in_fork(lambda: start(tmp_path, "train.epochs=10000"))
    _wait_for_steps(tmp_path / "run")
    second = in_fork(lambda: start(tmp_path, overwrite=True), log)
    assert wait(second) == 1
    assert f"is in use by process {first}" in log.read_text()
    os.kill(first, signal.SIGKILL)
    wait(first)
    assert wait(in_fork(lambda: start(tmp_path, overwrite=True))) == 0


@pytest.mark.spec("AGE-083", "A full disk")
def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path):
    """A file may not grow beyond a limit that the second checkpoint passes."""
    log, last = tmp_path / "log", tmp_path / "run/checkpoints/last.npz"
    plain = trainer_module.Trainer._step

    def starved(self, loader):
        if self.state.progress.step == 4:
            limit = last.stat().st_size // 2
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        return plain(self, loader)

    def attempt() -> int:
        trainer_module.Trainer._step = starved
        return start(tmp_path)

    assert wait(in_fork(attempt, log)) == 1
    said = log.read_text()
    assert "disk full" in said and "last.npz, step 4." in said
    assert load_checkpoint(last, "training")["progress"]["step"] == 4
    assert not list(tmp_path.glob("run/**/.*.tmp"))


@pytest.fixture
def open_folder():
    """A folder that every user can enter, unlike pytest's; only root can write."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        (Path(folder) / "file").touch()
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.spec("AGE-081", "2 bad input")
@pytest.mark.parametrize("place", ["read-only", "file/runs"])
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, open_folder, place):
    log = tmp_path / "log"

    def as_nobody() -> int:
        os.setuid(65534)
        return start(open_folder / place)

    assert wait(in_fork(as_nobody, log)) == 1
    said = log.read_text()
    assert said.startswith("InputError: ") and "cannot be written" in said
    assert "Choose another --out" in said


def _wait_for_steps(run: Path) -> None:
    def trained() -> bool:
        file = run / "metrics.csv"
        return file.exists() and file.read_text().count("\n") > 1

    _wait_until(trained)


def _wait_until(happened) -> None:
    for _ in range(20 * LIMIT):
        if happened():
            return
        time.sleep(0.05)
    raise AssertionError(f"it did not happen in {LIMIT} s")
