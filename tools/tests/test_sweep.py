"""`tools sweep` with a made-up train.py: what runs, what is kept, what is refused."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import sweep
from tools.machine import Limits
from tools.projects import ROOT
from tools.tests import fake
from tools.tests.compared_runs import make
from tools.tests.fake_sweep import caller, calls, made


@pytest.fixture
def config(tmp_path) -> Path:
    """The configuration of a sub-project in a path with a space."""
    return made(tmp_path / "work space", "alpha")


@pytest.fixture
def call(capsys, monkeypatch):
    return caller(capsys, monkeypatch)


def table_of(out: str) -> list[list[str]]:
    """The cells of the groups."""
    lines = out.split("\n\n")[1].splitlines()
    return [re.split(r" {2,}", line) for line in lines[2:]]


@pytest.mark.spec("WSP-120", "each in a run folder of its own below one folder")
def test_every_combination_runs_once_in_its_own_folder(call, config):
    grid = ("--grid", "optim.lr=0.1,0.2", "--grid", "model.widths=[1,2],[3]")
    code, _, said = call(config, "train.epochs=1", "--seeds", "0,2", *grid)
    assert code == 0, said
    asked = calls(config)
    assert len(asked) == 8 and all(len(each) == 1 for each in asked.values())
    values = {
        (call[3:6][1], call[3:6][2], call[call.index("--seed") + 1])
        for (call,) in asked.values()
    }
    assert values == {
        (f"optim.lr={lr}", f"model.widths={widths}", seed)
        for lr in ("0.1", "0.2")
        for widths in ("[1,2]", "[3]")
        for seed in "02"
    }
    assert {call[3] for (call,) in asked.values()} == {"train.epochs=1"}


@pytest.mark.spec("WSP-122", "what is done is kept, what was stopped is resumed")
def test_a_second_call_does_what_is_left(call, config):
    call(config, "--seeds", "0-4")
    runs = config.parents[1] / "runs/sweep-toy"
    stopped, early, older, damaged = (runs / f"base-seed{n}" for n in (1, 2, 3, 4))
    for run in (stopped, early, older):
        fake.write(run / "meta.json", '{"status": "running", "start": ""}')
    fake.write(damaged / "meta.json", '{"status": "do')
    fake.write(stopped / "checkpoints/last.pt", "2")
    (early / "checkpoints/last.pt").unlink()
    (older / "checkpoints/last.pt").rename(older / "checkpoints/last-1.pt")
    code, out, _ = call(config, "--seeds", "0-4")
    asked = {name: each[1:] for name, each in calls(config).items()}
    assert code == 0 and asked["base-seed0"] == []
    assert all("--resume" in asked[run.name][0] for run in (older, damaged))
    assert asked["base-seed1"] == [["1", "--resume", str(stopped), "--device", "auto"]]
    assert "--overwrite" in asked["base-seed2"][0]
    assert json.loads((stopped / "summary.json").read_text())["since_step"] == 2
    # That one's 0.5 seconds are of its last step alone.
    assert table_of(out)[0][-2:] == ["2.5", "base-seed0"]


@pytest.mark.spec("WSP-122", "in whatever order the overrides are typed")
def test_the_order_of_overrides_is_no_other_run(call, config):
    call(config, "train.epochs=1", "optim.lr=1")
    code, out, _ = call(config, "optim.lr=1", "--grid", "train.epochs=1,2")
    assert code == 0 and "repeats" not in out
    assert [row[-2] for row in table_of(out)] == ["0.5", "1.5"]  # seconds
    assert sorted(len(each) for each in calls(config).values()) == [1, 1]


@pytest.mark.spec("WSP-122", "other seeds and another grid are added")
def test_another_grid_extends_the_sweep(call, config):
    call(config, "--grid", "optim.lr=0.1,0.2")
    code, out, _ = call(config, "--grid", "optim.lr=0.2,0.3", "--seeds", "0-1")
    asked = calls(config)
    assert code == 0 and len(asked) == 5
    assert all(len(each) == 1 for each in asked.values())
    assert [row[-1] for row in table_of(out)] == [
        "optim.lr=0.2",
        "optim.lr=0.3",
        "optim.lr=0.1",
    ]


@pytest.mark.spec("WSP-123", "and makes the exit code 1")
def test_a_failed_run_counts_though_there_is_no_table(call, config):
    words = ("--seeds", "0-2", "--metric", "acuracy", "fails=2")
    code, _, said = call(config, *words)
    assert code == 1 and "1 of 3 runs failed" in said and "--gather" in said


@pytest.mark.spec("WSP-123", "does not stop the others")
def test_a_failed_run_is_told_and_tried_again(call, config):
    code, out, said = call(config, "--seeds", "0-2", "fails=2")
    assert code == 1
    assert "fails=2-seed1: FAILED (exit code 1): no space left for this one" in said
    assert "1 of 3 runs failed: fails=2-seed1" in said
    assert "fails=2-seed1: not finished (failed): left out" in out
    assert "seeds 0, 2" in out
    call(config, "--seeds", "0-2", "fails=2")
    again = calls(config)
    assert [len(each) for each in again.values()] == [1, 2, 1]
    assert "--resume" in again["fails=2-seed1"][1]


def test_a_mistake_in_every_run_leaves_no_table(call, config):
    code, out, said = call(config, "optim.lrr=1")
    assert (code, out) == (1, "")
    assert "optim.lrr is not a known key" in said and "no run is done" in said


@pytest.mark.spec("WSP-124", "another configuration is refused in a sentence")
@pytest.mark.parametrize("change", ["text", "config", "other", "damaged", "file"])
def test_a_folder_of_something_else_is_refused(call, config, tmp_path, change):
    out = tmp_path / "sweep"
    call(config, "--out", out)
    if change == "text":
        fake.write(config, '{"optim.lr": 1}')
        said = "has changed since the runs"
    elif change == "config":
        config = made(tmp_path / "work space", "beta")
        said = "is a sweep of alpha/toy.yaml"
    elif change == "other":
        (out / "sweep.json").unlink()
        said = "has other things in it"
    elif change == "file":
        out = fake.write(tmp_path / "a file", "")
        said = "cannot be written"
    else:
        fake.write(out / "sweep.json", '{"config": 1}')
        said = "is damaged"
    code, _, error = call(config, "--out", out)
    assert code == 2 and said in error and error.count("\n") == 1


@pytest.mark.spec("WSP-124", "A folder that another sweep uses")
def test_two_sweeps_in_one_folder(call, config, tmp_path):
    with sweep.open_sweep(tmp_path / "out", config.parents[1], config, 1):
        words = [sys.executable, "-m", "tools.sweep", config, "--out", tmp_path / "out"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"is in use by the sweep of process {os.getpid()}" in done.stderr


@pytest.mark.spec("WSP-125", "which a later call keeps")
def test_threads_are_shared_out_and_kept(call, config, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "0")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    monkeypatch.setattr(sweep, "read_limits", lambda: Limits(cpus=8.0))
    _, _, said = call(config, "--seeds", "0-1", "-j", "3")
    assert "of the first call" not in said
    _, _, said = call(config, "--seeds", "0-2", "-j", "1")
    assert [each[0][0] for each in calls(config).values()] == ["2", "2", "2"]
    assert "keeps the 2 threads of the first call" in said and "--out for 8" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what to train"),
        (("nothing.yaml",), "no such file"),
        (("{config}", "-j", "0"), "-j takes 1 and more"),
        (("{config}", "--folds", "1"), "--folds 2 and more"),
        (("{config}", "--folds", "0"), "--folds 2 and more"),
        (("{config}", "--metric", "scor"), "score"),
        (("{config}", "--metric", "scor"), "--gather "),
        (("--gather", "nowhere"), "no such folder"),
        (("{config}", "--gather", "."), "leave out config"),
        (("--seeds", "0-2", "-j2", "--gather", "."), "leave out seeds, jobs"),
    ],
)
def test_bad_input_is_one_sentence(call, config, words, said):
    code, out, error = call(*(word.format(config=config) for word in words))
    assert (code, out) == (2, "")
    assert said in error.splitlines()[-1]


def test_a_configuration_of_no_sub_project(call, tmp_path):
    lost = fake.write(tmp_path / "toy.yaml", "{}")
    code, _, error = call(lost)
    assert code == 2 and "lies in no sub-project" in error


def test_which_way_is_better_can_be_said(call, config):
    code, _, said = call(config, "--metric", "since_step")
    assert code == 2 and "add --better higher or --better lower" in said
    code, out, _ = call(config, "--metric", "since_step", "--better", "lower")
    assert code == 0 and "since_step: lower is better (as stated)" in out
    folder = config.parents[1] / "runs/sweep-toy"
    _, gathered, _ = call("--gather", folder, "--metric=since_step", "--better=lower")
    assert gathered == out


@pytest.mark.spec("WSP-127", "also of runs that tell no seed or no time")
def test_runs_of_another_make_are_gathered(call, tmp_path):
    for place in range(2):
        make(tmp_path, f"run-{place}", 0.5 + place / 10, config={"seed": None})
        content = {"best": {"accuracy": 0.5 + place / 10}}
        fake.write(tmp_path / f"run-{place}/summary.json", json.dumps(content))
    code, out, _ = call("--gather", tmp_path)
    assert code == 0
    assert table_of(out)[0][2:] == [
        "2 runs",
        "0.55",
        "0.071",
        "0.5 to 0.6",
        "-",
        "run-0",
    ]


@pytest.mark.spec("WSP-129", "seeds, mean, standard deviation and seconds")
def test_the_table_and_the_comparison(call, config):
    code, out, _ = call(config, "--seeds", "0-2", "--grid", "optim.lr=0.1,0.2")
    assert code == 0 and "B - A" in out
    assert "seconds  settings" in out.splitlines()[2]
    first, second = table_of(out)
    assert first[:5] == ["A", "3", "seeds 0-2", "1.101", "0.001"]
    assert [row[-2:] for row in (first, second)] == [
        ["2.5", "optim.lr=0.1"],
        ["2.5", "optim.lr=0.2"],
    ]
    rows = (config.parents[1] / "runs/sweep-toy/table.csv").read_text().splitlines()
    assert rows[0] == "label,point,seeds,mean,spread,seconds,metric"
    assert rows[1].startswith("A,optim.lr=0.1,seeds 0-2,1.101")
