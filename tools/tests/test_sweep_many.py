"""`tools sweep`: signals, many machines, cross-validation."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.projects import ROOT
from tools.tests.fake_sweep import caller, calls, made, status, until


@pytest.fixture
def config(tmp_path) -> Path:
    """The configuration of a sub-project in a path with a space."""
    return made(tmp_path / "work space", "alpha")


@pytest.fixture
def call(capsys, monkeypatch):
    return caller(capsys, monkeypatch)


def started(config, *words, stderr=subprocess.PIPE) -> subprocess.Popen:
    """The tool in a process of its own."""
    command = [sys.executable, "-m", "tools.sweep", str(config), *words]
    return subprocess.Popen(command, cwd=ROOT, stderr=stderr, text=True)


@pytest.mark.spec("WSP-126", "waits until they have saved their state")
@pytest.mark.parametrize(
    "numbers",
    [
        [signal.SIGINT],
        [signal.SIGTERM],
        [signal.SIGHUP, signal.SIGHUP],
        [signal.SIGTERM, signal.SIGHUP, signal.SIGTERM],
    ],
)
def test_signals_let_every_run_save(config, numbers):
    options = ("slow=0.3", "-j", "2", "--seeds", "0-3", "train.epochs=20")
    process = started(config, *options)
    until(lambda: len(calls(config)) == 2)
    for number in numbers:
        process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode - 128 in numbers
    assert "stopping: 2 save their state" in said and said.count("goes on with it") == 2
    runs = [config.parents[1] / "runs/sweep-toy" / name for name in calls(config)]
    assert [status(run) for run in runs] == ["stopped"] * 2


@pytest.mark.spec("WSP-126", "also if nobody is left to read what it says")
@pytest.mark.parametrize("kind", [os.pipe, os.openpty])
def test_a_terminal_that_is_gone(config, kind):
    ours, theirs = kind()
    process = started(config, "slow=3", "train.epochs=20", stderr=theirs)
    os.close(theirs)
    until(lambda: len(calls(config)) == 1)
    os.close(ours)
    process.send_signal(signal.SIGINT)
    time.sleep(1.1)
    process.send_signal(signal.SIGHUP)  # is never the second one
    process.wait(timeout=60)
    (run,) = calls(config)
    assert status(config.parents[1] / "runs/sweep-toy" / run) == "stopped"


@pytest.mark.spec("WSP-126", "a second Ctrl-C or SIGTERM a second later kills them")
def test_a_second_signal_kills(config):
    process = started(config, "slow=300")
    until(lambda: len(calls(config)) == 1)
    process.send_signal(signal.SIGINT)
    assert any("stopping" in line for line in process.stderr)
    time.sleep(1.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (
        "stopped" in said and "FAILED" not in said
    )  # the run itself would exit with 1
    assert status(config.parents[1] / "runs/sweep-toy/slow=300-seed0") == "running"


@pytest.mark.spec("WSP-127", "one line a run that is left")
def test_commands_run_in_a_shell_and_are_gathered(call, config, tmp_path, monkeypatch):
    here = config.parents[1] / "runs/sweep-toy"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    grid = ("--seeds", "0-1", "--grid", "model.widths=[1],[2,3]")
    code, out, said = call(config, *grid, "--commands")
    lines = out.splitlines()
    assert code == 0 and len(lines) == 4 and "4 of them left" in said
    assert calls(config) == {}
    env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    for line in lines[:3]:
        subprocess.run(line, shell=True, cwd=tmp_path, env=env, check=True)
    assert json.loads((here / "sweep.json").read_text())["threads"] == 3
    assert [each[0][0] for each in calls(config).values()] == ["3"] * 3
    code, out, _ = call(config, *grid, "--commands")
    assert out.splitlines() == lines[3:]
    subprocess.run(lines[3], shell=True, cwd=tmp_path, env=env, check=True)
    shutil.copytree(here, tmp_path / "came back")
    _, gathered, _ = call("--gather", tmp_path / "came back")
    _, table, _ = call(config, *grid)
    assert table.split("\n\n")[1] == gathered.split("\n\n")[1]


def test_gather_names_a_damaged_run_and_shows_the_others(call, tmp_path):
    config = made(tmp_path, "alpha")
    call(config, "--seeds", "0-1")
    sweep = config.parents[1] / "runs/sweep-toy"
    (sweep / "base-seed1/meta.json").write_text("{")
    code, out, error = call("--gather", sweep)
    assert code == 0 and "base-seed1/meta.json is damaged" in error
    assert out.splitlines()[4].split()[:4] == ["A", "1", "seed", "0"]


def test_gather_refuses_two_sub_projects(call, tmp_path):
    for name in ("alpha", "beta"):
        call(made(tmp_path, name))
    code, _, error = call("--gather", tmp_path)
    assert code == 2 and "these are runs of alpha and beta: " in error


@pytest.mark.spec("WSP-128", "counts them as further tries")
@pytest.mark.parametrize("place", ["data", "data.folder"])
def test_folds(call, tmp_path, place):
    keys = {f"{place}.folds": 0, f"{place}.fold": 0, "divided": 1}
    config = made(tmp_path, "alpha", **keys)
    code, out, said = call(config, "--folds", "3", "--grid", "optim.lr=0,1")
    assert code == 0, said
    asked = [each[0][4:6] for each in calls(config).values()]
    assert sorted(asked) == sorted(
        [f"{place}.folds=3", f"{place}.fold={fold}"] for fold in range(3) for _ in "ab"
    )
    assert out.count("seed 0 x 3 folds") == 2


@pytest.mark.spec("WSP-128", "a sentence says where there are none")
def test_where_there_are_no_folds(call, config, tmp_path):
    code, _, error = call(config, "--folds", "3")
    assert code == 2 and "alpha has no folds" in error
    config = made(tmp_path, "beta", **{"data.folds": 0, "data.fold": 0})
    code, _, error = call(config, "--folds", "3")
    assert code == 2 and "data.fold changes nothing with this data" in error
    code, _, error = call(config, "--folds", "3", "optim.lrr=1")
    assert code == 2 and "optim.lrr is not a known key" in error
