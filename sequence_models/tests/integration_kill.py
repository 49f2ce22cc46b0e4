"""Trainers that are killed, interrupted and starved, as real processes."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from src.training import trainer as trainer_module
from src.utils.checkpoint import load_checkpoint
from tests.forked import LIMIT
from tests.tiny import (
    CONFIG,
    TINY,
    digest,
    end_forked,
    in_fork,
    kill_group,
    resume,
    rows,
    start,
    wait,
)


ROOT = Path(__file__).parents[1]
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


@pytest.mark.spec("SEQ-150", "ends with the same bits")
@pytest.mark.spec("SEQ-154", "killed at any moment")
@pytest.mark.parametrize("trial", range(4))
def test_sigkill_at_random_moments(tmp_path, unbroken, trial):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    delays, run = random.Random(seed), tmp_path / "run"
    kills = 0
    while True:
        exists = (run / "checkpoints/last.pt").exists()
        go_on = (
            resume if exists else lambda out, *more: start(out, *more, overwrite=True)
        )
        more = (
            () if exists else ("train.save_every=1", f"data.workers={2 * (trial % 2)}")
        )
        pid = in_fork(lambda: go_on(tmp_path, *more), tmp_path / "log")  # noqa: B023
        if kills == 3:
            break
        time.sleep(delays.uniform(0.05, 0.8))
        kill_group(pid)
        kills += 1
        if (run / "checkpoints/last.pt").exists():
            load_checkpoint(run / "checkpoints/last.pt", "training")
    assert wait(pid) == 0, (tmp_path / "log").read_text()
    assert digest(run) == digest(unbroken)
    steps = [(row["split"], row["step"]) for row in rows(run)]
    assert len(steps) == len(set(steps))
    assert (run / "metrics.csv").read_bytes() == (unbroken / "metrics.csv").read_bytes()
    assert not list(run.glob("**/.*.tmp"))


def start_process(out: Path, *overrides: str) -> subprocess.Popen:
    command = [sys.executable, ROOT / "scripts/train.py", "--config", CONFIG]
    command += ["--out", out, "--name", "run", "--device", "cpu", *TINY, *overrides]
    process = subprocess.Popen(
        [str(part) for part in command],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    while process.poll() is None:  # until it trains
        if "step=3/" in process.stderr.readline():
            return process
    raise AssertionError(process.stderr.read())


def group_is_empty(pid: int) -> bool:
    for _ in range(10 * LIMIT):
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.spec("SEQ-151", "saves at the end of the step")
@pytest.mark.spec("SEQ-172", "130 after Ctrl-C, 143 after SIGTERM")
@pytest.mark.parametrize(
    ("number", "to_group", "code"),
    [(signal.SIGTERM, True, 143), (signal.SIGINT, True, 130)],
)
def test_signal_saves_and_leaves_nobody_behind(tmp_path, number, to_group, code):
    endless = ("train.epochs=10000", "data.workers=2")
    process = start_process(tmp_path, *endless)
    os.killpg(process.pid, number) if to_group else process.send_signal(number)
    out, said = process.communicate(timeout=LIMIT)
    assert process.returncode == code, said
    assert f"resume  python scripts/train.py --resume {tmp_path}/run" in said
    assert "Traceback" not in said
    saved = load_checkpoint(tmp_path / "run/checkpoints/last.pt", "training")
    assert saved["progress"]["step"] >= 3
    assert group_is_empty(process.pid)


@pytest.mark.parametrize("workers", [0, 2])
def test_signal_to_the_trainer_alone(tmp_path, workers):
    pid = in_fork(
        lambda: start(tmp_path, "train.epochs=10000", f"data.workers={workers}")
    )
    _wait_for_steps(tmp_path / "run")
    os.kill(pid, signal.SIGTERM)
    assert wait(pid) == 143
    assert group_is_empty(pid)


def test_a_second_signal_ends_at_once(tmp_path, monkeypatch):
    plain = trainer_module.Trainer._step

    def slow(self, iterator):
        if self.state.progress.step == 5:
            (tmp_path / "in the step").touch()
            time.sleep(LIMIT)
        return plain(self, iterator)

    monkeypatch.setattr(trainer_module.Trainer, "_step", slow)
    pid = in_fork(lambda: start(tmp_path, "train.epochs=10000"))
    _wait_until((tmp_path / "in the step").exists)
    os.kill(pid, signal.SIGTERM)
    said = tmp_path / "run/train.log"  # two that come before one is seen are one
    _wait_until(lambda: "again: stop at once" in said.read_text())
    os.kill(pid, signal.SIGTERM)
    assert wait(pid) == -signal.SIGTERM


@pytest.mark.spec("SEQ-155", "a killed data worker")
def test_a_killed_worker_is_one_sentence(tmp_path):
    log = tmp_path / "log"
    pid = in_fork(lambda: start(tmp_path, "train.epochs=10000", "data.workers=1"), log)
    _wait_for_steps(tmp_path / "run", epochs=1)
    for _ in range(50 * LIMIT):  # a new worker each epoch: hit one while it lives
        for child in _children(pid):
            _kill(child)
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        time.sleep(0.02)
    assert done and os.waitstatus_to_exitcode(status) == 1
    said = log.read_text()
    assert "a data worker was killed" in said and "data.workers" in said
    load_checkpoint(tmp_path / "run/checkpoints/last.pt", "training")


def _children(pid: int) -> list[int]:
    try:
        return [
            int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except FileNotFoundError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _wait_for_steps(run: Path, epochs: int = 0) -> None:
    def trained() -> bool:
        file = run / "metrics.csv"
        lines = file.read_text().splitlines() if file.exists() else []
        return len(lines) > 1 and sum("val" in line for line in lines) >= epochs

    _wait_until(trained)


def _wait_until(happened) -> None:
    for _ in range(20 * LIMIT):
        if happened():
            return
        time.sleep(0.05)
    raise AssertionError(f"it did not happen in {LIMIT} s")


@pytest.mark.spec("SEQ-156", "is in use")
def test_two_writers(tmp_path):
    log = tmp_path / "log"
    long = ("data.stateful=false", "data.samples=40000", "data.workers=1")
    first = in_fork(lambda: start(tmp_path, *long))
    _wait_for_steps(tmp_path / "run")
    second = in_fork(lambda: start(tmp_path, overwrite=True), log)
    assert wait(second) == 1
    assert "InputError" in log.read_text() and f"process {first}" in log.read_text()
    os.kill(first, signal.SIGKILL)  # alone: its worker lives on for seconds
    wait(first)
    third = in_fork(lambda: start(tmp_path, overwrite=True))
    assert wait(third) == 0
    assert torch.load(tmp_path / "run/checkpoints/last.pt", weights_only=True)
