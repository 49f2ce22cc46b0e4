"""The run folder: plain files that stay readable, whatever ends the run."""

import csv
import json
import sys
import time
from pathlib import Path

import pytest

from src.utils import environment
from src.utils.errors import InputError
from src.utils.run_dir import RunDir


META = {
    "schema", "command", "start", "end", "python", "numpy", "threads", "host",
    "machine", "pid", "git", "status",
}  # fmt: skip


def create(out: Path, **options) -> Path:
    with RunDir.create(out, "mlp", **options) as run:
        run.update_meta(status="running")
        return run.path


def strict(text: str):
    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def rows(run: Path) -> list[dict[str, str]]:
    with open(run / "metrics.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.spec("AGE-069", "tells what a figure depends on")
def test_meta_tells_what_a_figure_depends_on(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["scripts/train.py", "--config", "x.yaml"])
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    with RunDir.create(tmp_path, "mlp") as run:
        run.update_meta(status="running")
        run.finish("done", 3)
    meta = strict((run.path / "meta.json").read_text())
    assert META == meta.keys()
    assert meta["command"] == ["train.py", "--config", "x.yaml"]
    assert (meta["status"], meta["threads"]) == ("done", 7)
    (event,) = (run.path / "events.jsonl").read_text().splitlines()
    assert {"step": 3, "event": "done"}.items() <= strict(event).items()


@pytest.mark.parametrize("value", ["", "many", "-1"])
def test_threads_that_are_not_given_are_all(monkeypatch, value):
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("os.cpu_count", lambda: 12)
    assert environment.describe_environment()["threads"] == 12


def test_a_clock_that_jumps_back_changes_no_number(tmp_path, monkeypatch):
    hours = iter(range(10**6, 0, -1))
    monkeypatch.setattr(time, "time", lambda: next(hours) * 3600.0)
    assert [create(tmp_path).name for _ in range(2)] == ["mlp-001", "mlp-002"]


def test_numbers_that_json_does_not_have_are_null(tmp_path):
    with RunDir(tmp_path / "run") as run:
        run.write_json("a.json", {"x": float("nan"), "b": [1.5, float("inf")]})
        run.event("best", 3, accuracy=float("nan"))
    assert strict((run.path / "a.json").read_text()) == {"x": None, "b": [1.5, None]}
    assert strict((run.path / "events.jsonl").read_text())["accuracy"] is None


@pytest.mark.spec("AGE-069", "cut to the rows of its checkpoint")
def test_metrics_are_cut_to_the_rows_of_the_checkpoint(tmp_path):
    with RunDir(tmp_path / "run") as run:
        run.start_metrics(["loss", "accuracy, all"])
        for step in range(4):
            run.row(step, 1, "train", {"loss": step / 3})
        with open(run.path / "metrics.csv", "a") as file:
            file.write("4,1,tr")
        run.cut_metrics(2)
        run.row(2, 1, "val", {"accuracy, all": float("nan")})
        with pytest.raises(ValueError, match=r"has no columns \['lr'\]"):
            run.row(3, 1, "val", {"lr": 1.0})
    found = rows(run.path)
    assert [row["step"] for row in found] == ["0", "1", "2"]
    assert (found[1]["loss"], found[1]["accuracy, all"]) == ("0.333333", "")
    assert found[2]["accuracy, all"] == "nan"


def test_metrics_that_are_gone_are_said(tmp_path):
    with RunDir(tmp_path / "run") as run:
        with pytest.raises(InputError, match="metrics.csv is missing or empty"):
            run.cut_metrics(2)


def test_leftovers_of_a_crash_are_removed(tmp_path):
    path = create(tmp_path)
    for name in (".meta.json.1.tmp", "checkpoints/.last.npz.99.tmp"):
        (path / name).touch()
    RunDir(path).__exit__()
    assert not list(path.glob("**/*.tmp")) and (path / ".lock").exists()


def test_a_run_that_writes_nothing_makes_no_folder(tmp_path):
    run = RunDir(tmp_path / "run", writes=False)
    run.start_metrics(["loss"])
    run.row(1, 1, "train", {"loss": 1.0})
    run.event("start", 0)
    run.finish("done", 1)
    run.cut_metrics(3)
    assert not (tmp_path / "run").exists()
