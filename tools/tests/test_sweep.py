"""`tools sweep` with a made-up train.py: what runs, what is kept, what goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import sweep
from tools.projects import ROOT, WorkspaceError
from tools.sweep_points import Point, all_points, grid_axis, seeds_of
from tools.tests import fake


TRAIN = Path(__file__).with_name("fake_train.py")


@pytest.fixture
def config(tmp_path) -> Path:
    """The configuration of a sub-project in a path with a space."""
    return made(tmp_path / "work space", "alpha")


def made(root: Path, name: str, **config) -> Path:
    project = fake.project(root, name)
    shutil.copy(TRAIN, project / "scripts/train.py")
    return fake.write(project / "configs/toy.yaml", json.dumps(config))


@pytest.fixture
def call(capsys, monkeypatch):
    """The tool in this process: exit code, stdout, stderr."""
    monkeypatch.setattr(sweep, "handle_signals", lambda: None)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(*words) -> tuple[int, str, str]:
        code = sweep.main([str(word) for word in words])
        return code, *capsys.readouterr()

    return run


def calls(config: Path) -> dict[str, list[list[str]]]:
    """What train.py was asked for, by run folder."""
    runs = config.parents[1] / "runs/sweep-toy"
    return {
        file.parent.name: [json.loads(line) for line in file.read_text().splitlines()]
        for file in sorted(runs.glob("*/calls"))
        if not file.parent.is_symlink()
    }


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


@pytest.mark.spec("WSP-121", "in brackets or quotes is one value")
@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1", ["1"]),
        ("a.b=1e-3, 2 ,1e-3", ["1e-3", "2"]),
        ("w=[8,16],[16,32]", ["[8,16]", "[16,32]"]),
        ("w=[],[[1,2],3]", ["[]", "[[1,2],3]"]),
        ("w={a: 1, b: [2,3]},{}", ["{a: 1, b: [2,3]}", "{}"]),
        ("w='a,b',\"c]\"", ["'a,b'", '"c]"']),
        ("w=a=b,c", ["a=b", "c"]),
    ],
)
def test_values_of_a_grid(text, values):
    assert grid_axis(text)[1] == values


@pytest.mark.spec("WSP-121", "anything else is refused in a sentence")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "write key=value"),
        ("=1", "write key=value"),
        ("a..b=1", "write key=value"),
        ("a=", "a value is empty"),
        ("a=1,,2", "a value is empty"),
        ("a=[1,2", "a bracket is opened and not closed"),
        ("a=1]", "a bracket is closed and not opened"),
        ("a=[1)", "a bracket is closed and not opened"),
        ("a='1", "a quote is opened and not closed"),
        ("a=1\n2", "line break"),
    ],
)
def test_a_grid_that_is_none(text, said):
    with pytest.raises(WorkspaceError, match=said):
        grid_axis(text)


def test_seeds():
    assert seeds_of("0-2,7, 1") == [0, 1, 2, 7]
    for text in ("", "a", "3-1", "-1", "0-", "0-99999999"):
        with pytest.raises(WorkspaceError, match="--seeds"):
            seeds_of(text)


@pytest.mark.parametrize(
    ("fixed", "grid", "said"),
    [
        (["a=1"], ["a=2"], "a is given twice"),
        ([], ["a=1", "a=2"], "a is given twice"),
        (["seed=1"], [], "--seeds"),
        (["a"], [], "write key=value"),
    ],
)
def test_a_key_is_given_once(fixed, grid, said):
    with pytest.raises(WorkspaceError, match=said):
        all_points(fixed, grid, [0])


def test_names_differ_where_the_overrides_do():
    texts = ["w=[8,16]", "w=[81,6]", "w=[8],[16]", "w=8_16", "w=" + "9" * 200]
    texts += ["w=" + "9" * 201, "", "w=a/b", "w=../b"]
    names = [Point((text,) if text else (), 0).name for text in texts]
    assert len(set(names)) == len(texts)
    assert all(len(name) < 130 and "/" not in name for name in names)
    assert Point(("optim.lr=0.1",), 3).name == "optim.lr=0.1-seed3"
    fold = Point((), 0, ("data.folds=5", "data.fold=2"))
    assert fold.name == "base-seed0-folds5-fold2"


@pytest.mark.spec("WSP-122", "what is done is kept, what was stopped is resumed")
def test_a_second_call_does_what_is_left(call, config):
    call(config, "--seeds", "0-2")
    runs = config.parents[1] / "runs/sweep-toy"
    stopped, early = runs / "base-seed1", runs / "base-seed2"
    for run in (stopped, early):
        fake.write(run / "meta.json", '{"status": "running", "start": ""}')
    fake.write(stopped / "checkpoints/last.pt", "2")
    (early / "checkpoints/last.pt").unlink()
    code, out, _ = call(config, "--seeds", "0-2")
    asked = {name: each[1:] for name, each in calls(config).items()}
    assert code == 0 and asked["base-seed0"] == []
    assert asked["base-seed1"] == [["1", "--resume", str(stopped), "--device", "auto"]]
    assert "--overwrite" in asked["base-seed2"][0]
    assert json.loads((stopped / "summary.json").read_text())["since_step"] == 2


@pytest.mark.spec("WSP-122", "other seeds and another grid are added")
def test_another_grid_extends_the_sweep(call, config):
    call(config, "--grid", "optim.lr=0.1,0.2")
    code, out, _ = call(config, "--grid", "optim.lr=0.2,0.3", "--seeds", "0-1")
    asked = calls(config)
    assert code == 0 and len(asked) == 5
    assert all(len(each) == 1 for each in asked.values())
    assert [line.split()[1] for line in out.splitlines()[2:5]] == [
        "optim.lr=0.2",
        "optim.lr=0.3",
        "optim.lr=0.1",
    ]


@pytest.mark.spec("WSP-123", "does not stop the others")
def test_a_failed_run_is_told_and_tried_again(call, config):
    code, out, said = call(config, "--seeds", "0-2", "fails=2")
    assert code == 1
    assert "fails=2-seed1: FAILED (exit code 1): no space left for this one" in said
    assert "1 of 3 runs failed: fails=2-seed1" in said
    assert "not done, and not in the table: fails=2-seed1" in said
    assert "0,2" in out.splitlines()[2]
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
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    call(config, "--seeds", "0-1", "-j", "3")
    call(config, "--seeds", "0-2", "-j", "1")
    assert [each[0][0] for each in calls(config).values()] == ["2", "2", "2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what to train"),
        (("nothing.yaml",), "no such file"),
        (("{config}", "-j", "0"), "-j takes 1 and more"),
        (("{config}", "--folds", "1"), "--folds 2 and more"),
        (("{config}", "--metric", "scor"), "score"),
        (("--gather", "nowhere"), "no such folder"),
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


@pytest.mark.spec("WSP-126", "waits until they have saved their state")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_every_run_save(config, number, call):
    words = [sys.executable, "-m", "tools.sweep", config, "slow=0.3", "-j", "2"]
    process = subprocess.Popen(
        [*map(str, words), "--seeds", "0-3", "train.epochs=20"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: len(calls(config)) == 2)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "stopping: 2 save their state" in said and said.count("goes on with it") == 2
    runs = [config.parents[1] / "runs/sweep-toy" / name for name in calls(config)]
    assert [status(run) for run in runs] == ["stopped"] * 2


@pytest.mark.spec("WSP-126", "a second signal kills them")
def test_a_second_signal_kills(config):
    words = [sys.executable, "-m", "tools.sweep", str(config), "slow=30"]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    until(lambda: len(calls(config)) == 1)
    process.send_signal(signal.SIGINT)
    while "stopping" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


@pytest.mark.spec("WSP-127", "one line a run that is left")
def test_commands_run_in_a_shell_and_are_gathered(call, config, tmp_path):
    grid = ("--seeds", "0-1", "--grid", "model.widths=[1],[2,3]")
    code, out, said = call(config, *grid, "--commands")
    lines = out.splitlines()
    assert code == 0 and len(lines) == 4 and "4 of them left" in said
    assert calls(config) == {}
    env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    for line in lines[:3]:
        subprocess.run(line, shell=True, cwd=tmp_path, env=env, check=True)
    assert all(each[0][0] == "1" for each in calls(config).values())
    code, out, _ = call(config, *grid, "--commands")
    assert out.splitlines() == lines[3:]
    subprocess.run(lines[3], shell=True, cwd=tmp_path, env=env, check=True)
    here = config.parents[1] / "runs/sweep-toy"
    shutil.copytree(here, tmp_path / "came back")
    _, gathered, _ = call("--gather", tmp_path / "came back")
    _, table, _ = call(config, *grid)
    assert table.splitlines()[:4] == gathered.splitlines()[:4]


def test_gather_refuses_two_sub_projects(call, tmp_path):
    for name in ("alpha", "beta"):
        call(made(tmp_path, name))
    code, _, error = call("--gather", tmp_path)
    assert code == 2 and "alpha and beta: gather one sub-project a time" in error


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
    assert out.count("0 x 3 folds") == 2


@pytest.mark.spec("WSP-128", "a sentence says where there are none")
def test_where_there_are_no_folds(call, config, tmp_path):
    code, _, error = call(config, "--folds", "3")
    assert code == 2 and "alpha has no folds" in error
    config = made(tmp_path, "beta", **{"data.folds": 0, "data.fold": 0})
    code, _, error = call(config, "--folds", "3")
    assert code == 2 and "data.fold changes nothing with this data" in error
    code, _, error = call(config, "--folds", "3", "optim.lrr=1")
    assert code == 2 and "optim.lrr is not a known key" in error


@pytest.mark.spec("WSP-129", "point, seeds, mean, spread and seconds")
def test_the_table_and_the_comparison(call, config):
    code, out, _ = call(config, "--seeds", "0-2", "--grid", "optim.lr=0.1,0.2")
    head, _, first, second = (line.split() for line in out.splitlines()[:4])
    assert head == ["point", "seeds", "mean", "score", "spread", "seconds"]
    assert first == ["A", "optim.lr=0.1", "0-2", "1.101", "0.001", "2.5"]
    assert second == ["B", "optim.lr=0.2", "0-2", "1.201", "0.001", "2.5"]
    rows = (config.parents[1] / "runs/sweep-toy/table.csv").read_text().splitlines()
    assert rows[0] == "label,point,seeds,mean,spread,seconds,metric"
    assert rows[1].startswith("A,optim.lr=0.1,0-2,1.101")


def status(run: Path) -> str:
    return json.loads((run / "meta.json").read_text())["status"]


def until(true) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
