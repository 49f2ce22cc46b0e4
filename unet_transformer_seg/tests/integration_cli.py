"""The commands as a shell runs them: help, pipes, JSON, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from src.utils import cli
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
        command, cwd=ROOT, env=changed, capture_output=True, timeout=200
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
    said = b"No such option: --confg (Possible options: --config"
    assert done.stderr.startswith(said) and done.stderr.count(b"\n") == 1


@pytest.mark.spec("SEG-142", "2 bad input")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--epochs", "3"],
            "No such option: --epochs. Config keys are written without",
        ),
        (["--train.epochs=3"], "without dashes: train.epochs=3. See --help\n"),
        (["--seed", "x"], "Invalid value for '--seed': "),
        (["--config"], "Option '--config' requires an argument. See --help\n"),
    ],
)
def test_a_wrong_option_gives_one_line(capsys, arguments, words):
    assert command(*arguments) == 2
    said = capsys.readouterr()
    assert words in said.err and said.err.count("\n") == 1 and said.out == ""


def test_only_a_command_with_config_keys_speaks_of_them(capsys):
    def look(where: str = "") -> None:
        pass

    with mock.patch.object(sys, "argv", ["look.py", "--b"]):
        with pytest.raises(SystemExit, match="2"):
            cli.run(look)
    assert capsys.readouterr().err == "No such option: --b. See --help\n"


@pytest.mark.spec("SEG-145", "tries one batch and writes nothing")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_dry_run_writes_nothing(tmp_path, capsys, more):
    where = ["--out", tmp_path / "runs", "--device", "cpu", "--dry-run", *more]
    assert command("--config", CONFIG, *TINY, *where) == 0
    said = capsys.readouterr()
    assert not (tmp_path / "runs").exists()
    title, loss = said.err.splitlines()
    assert "seed 0" in title and loss.startswith("loss of the first batch: ")
    if more:
        assert json.loads(said.out)["steps"] == 16
    else:
        assert "4 steps an epoch, 16 in all; would write to" in said.out


def test_dry_run_prints_tables_in_debug_mode(tmp_path, capsys):
    where = ["--out", tmp_path / "runs", "--device", "cpu", "--dry-run", "debug=true"]
    assert command("--config", CONFIG, *TINY, *where) == 0
    said = capsys.readouterr().err
    assert all(word in said for word in ("zeros", "gradient", "loss of the first"))


def test_dry_run_of_a_resume_writes_nothing(tmp_path, capsys):
    assert start(tmp_path, "train.epochs=1") == 0
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    where = ["--resume", tmp_path / "run", "--device", "cpu", "--dry-run", "--quiet"]
    assert command(*where, "train.epochs=2") == 0
    assert "would write to" in capsys.readouterr().out
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
