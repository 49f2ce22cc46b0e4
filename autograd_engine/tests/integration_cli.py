"""The commands as a shell runs them: help, pipes, JSON, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import TINY, command, start


ROOT = Path(__file__).parents[1]
CONFIG = "configs/digits_mlp.yaml"
HELPS = """
import contextlib, io, runpy, sys
for name in ("train", "eval", "infer", "cross_validate"):
    sys.argv = [f"scripts/{name}.py", "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit as leaving:
            assert not leaving.code, name
    assert "--" in said.getvalue(), name
    assert not {"torch", "matplotlib", "sklearn"} & sys.modules.keys(), name
"""


def call(*arguments, **environment) -> subprocess.CompletedProcess:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=200,
    )


def check_plain(done: subprocess.CompletedProcess) -> None:
    for stream in (done.stdout, done.stderr):
        assert b"\x1b" not in stream and b"\r" not in stream


@pytest.mark.spec("AGE-086", "`--help` imports neither torch nor matplotlib")
def test_help_is_fast():
    done = call("-c", HELPS)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.spec("AGE-086", "without escape codes or carriage returns")
@pytest.mark.spec("AGE-086", "`--json` prints one JSON object")
def test_train_eval_and_infer_in_pipes(tmp_path):
    where = ["--out", tmp_path, "--name", "run", "--device", "cpu"]
    train = ["scripts/train.py", "--config", CONFIG, *TINY, *where]
    done = call(*train, "--json", "train.epochs=1", COLUMNS="40")
    assert done.returncode == 0, done.stderr.decode()
    check_plain(done)
    summary = json.loads(done.stdout)
    assert summary["status"] == "done" and b"step=3/4" in done.stderr
    for picture in summary["pictures"]:
        assert (tmp_path / "run" / picture).stat().st_size > 1000
    latest = tmp_path / "latest/checkpoints/best.npz"
    done = call("scripts/eval.py", "--checkpoint", latest)
    assert done.returncode == 0 and b"accuracy" in done.stdout, done.stderr.decode()
    check_plain(done)
    assert (tmp_path / "run/eval/test.json").exists()
    done = call("scripts/infer.py", "--checkpoint", latest, "--input", "docs/examples")
    assert done.returncode == 0 and b"probability" in done.stdout
    check_plain(done)
    assert (tmp_path / "run/predictions/predictions.csv").exists()


@pytest.mark.spec("AGE-081", "2 bad input")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--confg", CONFIG], "No such option: --confg (Possible options: --config"),
        (["--epochs", "3"], "Config keys are written without dashes"),
        (["--seed", "x"], "Invalid value for '--seed': "),
        (["--config", "configs/none.yaml"], "configs/none.yaml"),
        (["--config", CONFIG, "--device", "cuda"], "Use --device cpu"),
    ],
)
def test_a_wrong_option_gives_one_line(capsys, monkeypatch, arguments, words):
    monkeypatch.setattr("src.utils.device._missing", lambda: "there is no GPU")
    assert command(*arguments) == 2
    said = capsys.readouterr()
    assert words in said.err and said.err.count("\n") == 1 and said.out == ""


@pytest.mark.spec("AGE-086", "tries one batch and writes nothing")
@pytest.mark.parametrize("more", [[], ["--json"], ["debug=true"]])
def test_dry_run_writes_nothing(tmp_path, capsys, more):
    where = ["--out", tmp_path / "runs", "--device", "cpu", "--dry-run", *more]
    assert command("--config", ROOT / CONFIG, *TINY, *where) == 0
    said = capsys.readouterr()
    assert not (tmp_path / "runs").exists()
    title, *tables, loss = said.err.splitlines()
    assert "seed 0" in title and loss.startswith("loss of the first batch: ")
    assert bool(tables) == ("debug=true" in more)
    if more == ["--json"]:
        assert json.loads(said.out)["steps"] == 16
    else:
        assert "4 steps an epoch, 16 in all; would write to" in said.out


def test_dry_run_of_a_resume_writes_nothing(tmp_path, capsys):
    assert start(tmp_path, "train.epochs=1") == 0
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    where = ["--resume", tmp_path / "run", "--device", "cpu", "--dry-run", "--quiet"]
    assert command(*where, "train.epochs=2") == 0
    assert "would write to" in capsys.readouterr().out
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
