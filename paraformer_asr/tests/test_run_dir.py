# pattern: tests/test_run_dir.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/test_run_dir.py --from <sub-project>
"""The run folder: numbered, locked, plain files that stay readable."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from src.training.trainer import Trainer
from src.utils import environment
from src.utils.errors import DivergedError, InputError
from src.utils.run_dir import RunDir
from tests.tiny import CONFIG, resume, rows, start


META = {
    "schema", "command", "start", "end", "python", "torch", "numpy", "threads", "host",
    "machine", "pid", "git", "status", "seed", "world", "name", "config", "device",
    "data",
}  # fmt: skip


def create(out: Path, **options) -> Path:
    with RunDir.create(out, "net", **options) as run:
        run.update_meta(status="running")
        return run.path


def names(out: Path) -> list[str]:
    return sorted(p.name for p in out.iterdir() if not p.is_symlink())


def strict(text: str):
    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_clock_that_jumps_back_changes_no_number_and_no_duration(
    tmp_path, monkeypatch
):
    hours = iter(range(10**6, 0, -1))
    monkeypatch.setattr(time, "time", lambda: next(hours) * 3600.0)
    assert start(tmp_path, "train.epochs=1", name="") == 0
    assert start(tmp_path, "train.epochs=1", name="") == 0
    assert names(tmp_path) == [f"{CONFIG.stem}-{i:03d}" for i in (1, 2)]
    assert os.readlink(tmp_path / "latest") == f"{CONFIG.stem}-002"
    summary = strict((tmp_path / "latest/summary.json").read_text())
    assert summary["seconds"] >= 0 and summary["steps_per_second"] > 0
    meta = strict((tmp_path / "latest/meta.json").read_text())
    assert meta["end"] < meta["start"]
    assert environment.now() < meta["end"]


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("done")
    assert start(out, "train.epochs=2", "train.log_every=1") == 0
    return out / "run"


def test_meta_tells_what_a_figure_depends_on(done):
    meta = strict((done / "meta.json").read_text())
    assert META <= meta.keys()
    assert (meta["status"], meta["seed"], meta["world"]) == ("done", 0, 1)


def test_events_are_lines_of_json(done):
    events = [strict(line) for line in (done / "events.jsonl").read_text().splitlines()]
    assert [e["event"] for e in events if e["event"] != "best"] == [
        "start", "checkpoint", "checkpoint", "done",
    ]  # fmt: skip
    assert all({"t", "step", "event"} <= event.keys() for event in events)
    assert [e["step"] for e in events] == sorted(e["step"] for e in events)


def test_the_summary_names_what_was_reached(done):
    summary = strict((done / "summary.json").read_text())
    assert summary["status"] == "done" and summary["steps"] == 8
    assert {
        "best",
        "best_step",
        "seconds",
        "parameters",
        "checkpoint",
    } <= summary.keys()
    assert Path(summary["checkpoint"]).is_file()


def test_numbers_that_json_does_not_have_are_null(tmp_path):
    with RunDir(tmp_path / "run") as run:
        run.write_json("a.json", {"f1": float("nan"), "b": [1.5, float("inf")]})
        run.event("best", 3, score=float("nan"))
    assert strict((run.path / "a.json").read_text()) == {"f1": None, "b": [1.5, None]}
    assert strict((run.path / "events.jsonl").read_text())["score"] is None


def test_metrics_are_cut_to_the_rows_of_the_checkpoint(tmp_path):
    with RunDir(tmp_path / "run") as run:
        run.start_metrics(["loss", "f1, all"])
        for step in range(4):
            run.row(step, 1, "train", {"loss": step / 3})
        with open(run.path / "metrics.csv", "a") as file:
            file.write("4,1,tr")
        run.cut_metrics(2)
        run.row(2, 1, "val", {"f1, all": float("nan")})
    found = rows(run.path)
    assert [row["step"] for row in found] == ["0", "1", "2"]
    assert found[1] == {
        "step": "1", "epoch": "1", "split": "train", "loss": "0.333333", "f1, all": "",
    }  # fmt: skip
    assert found[2]["f1, all"] == "nan"


def test_leftovers_of_a_crash_are_removed(tmp_path):
    path = create(tmp_path)
    for name in (".meta.json.1.tmp", "checkpoints/.last.pt.99.tmp"):
        (path / name).touch()
    RunDir(path).__exit__()
    assert not list(path.glob("**/*.tmp")) and (path / ".lock").exists()


def test_other_ranks_write_nothing(tmp_path):
    run = RunDir(tmp_path / "run", writes=False)
    run.start_metrics(["loss"])
    run.row(1, 1, "train", {"loss": 1.0})
    run.event("start", 0)
    run.finish("done", 1)
    run.cut_metrics(3)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("how", ["stopped", "failed"])
def test_the_status_tells_how_a_run_ended(tmp_path, monkeypatch, how):
    plain = Trainer._step

    def step(self, iterator):
        if self.state.progress.step == 5:
            if how == "failed":
                raise DivergedError("step 6: loss is nan")
            signal.raise_signal(signal.SIGTERM)
        return plain(self, iterator)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", step)
        try:
            start(tmp_path)
        except DivergedError:
            assert how == "failed"
    meta = strict((tmp_path / "run/meta.json").read_text())
    assert meta["status"] == how and meta["end"] >= meta["start"]
    assert resume(tmp_path) == 0
    assert strict((tmp_path / "run/meta.json").read_text())["status"] == "done"
    events = (tmp_path / "run/events.jsonl").read_text()
    assert '"event": "resume"' in events and f'"event": "{how}"' in events


def test_a_bad_setting_leaves_no_folder_behind(tmp_path):
    with pytest.raises(InputError, match="an epoch has only 4 batches"):
        start(tmp_path, "train.accumulate=5")
    assert names(tmp_path) == []
