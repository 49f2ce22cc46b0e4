"""The commands as a shell runs them: help, pipes, JSON, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import TINY, command, start


ROOT = Path(__file__).parents[1]
CONFIG = "configs/unet_baseline.yaml"
HELPS = """
import contextlib, io, runpy, sys
for name in ("train", "eval", "infer", "check_data"):
    sys.argv = [f"scripts/{name}.py", "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit as leaving:
            assert not leaving.code, name
    assert "--" in said.getvalue(), name
    assert "torch" not in sys.modules and "numpy" not in sys.modules, name
"""


def call(*arguments, **environment) -> subprocess.CompletedProcess:
    command = [sys.executable, *map(str, arguments)]
    changed = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(
        command, cwd=ROOT, env=changed, capture_output=True, timeout=120
    )


def check_plain(done: subprocess.CompletedProcess) -> None:
    for stream in (done.stdout, done.stderr):
        assert b"\x1b" not in stream and b"\r" not in stream


@pytest.mark.spec("SEG-143", "does not import torch")
def test_help_is_fast():
    done = call("-c", HELPS)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.spec("SEG-144", "without escape codes or carriage returns")
@pytest.mark.spec("SEG-144", "`--json` prints one JSON object")
def test_a_run_in_a_pipe(tmp_path):
    where = ["--out", tmp_path, "--device", "cpu", "--json", "train.epochs=1"]
    done = call("scripts/train.py", "--config", CONFIG, *TINY, *where, COLUMNS="40")
    assert done.returncode == 0, done.stderr.decode()
    check_plain(done)
    assert json.loads(done.stdout)["status"] == "done"
    assert b"step=3/4" in done.stderr


@pytest.mark.spec("SEG-142", "2 bad input")
@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_an_unknown_option_is_compared_with_the_known_ones(environment):
    done = call("scripts/train.py", "--confg", CONFIG, COLUMNS="40", **environment)
    assert done.returncode == 2 and done.stdout == b""
    check_plain(done)
    assert b"--config" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.spec("SEG-145", "tries one batch and writes nothing")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_dry_run_writes_nothing(tmp_path, capsys, more):
    where = ["--out", tmp_path / "runs", "--device", "cpu", "--dry-run", *more]
    assert command("--config", CONFIG, *TINY, *where) == 0
    said = capsys.readouterr()
    assert not (tmp_path / "runs").exists()
    assert "loss of the first batch" in said.err
    if more:
        assert json.loads(said.out)["steps"] == 16
    else:
        assert "4 steps an epoch, 16 in all; would write to" in said.out


def test_dry_run_of_a_resume_writes_nothing(tmp_path, capsys):
    assert start(tmp_path, "train.epochs=1") == 0
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    where = ["--resume", tmp_path / "run", "--device", "cpu", "--dry-run", "--quiet"]
    assert command(*where) == 0
    assert "would write to" in capsys.readouterr().out
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
