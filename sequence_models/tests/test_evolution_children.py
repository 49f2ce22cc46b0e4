"""The runs of a bench as child processes, with a stub in place of the training."""

import json
import os
import signal
import sys
import threading
import time

import pytest

from src.evolution.children import Children, Job, Usage, command, note_usage, state_of
from tests.evolution_stub import commands, states, usage
from tests.forked import LIMIT


def jobs(tmp_path, *names, seeds=(1,)):
    return [Job(name, seed, tmp_path / "x.yaml") for name in names for seed in seeds]


@pytest.mark.spec("SEQ-115", "Finished runs are not begun again")
def test_finished_runs_are_left_alone(tmp_path):
    todo = jobs(tmp_path, "a", "b")
    first = Children(tmp_path, make_command=commands({}))
    assert first.run(todo[:1]) == 0 and first.done == 1
    before = (tmp_path / "a-s1" / "summary.json").stat().st_mtime_ns

    again = Children(tmp_path, make_command=commands({}))
    assert again.run(todo) == 0

    assert (tmp_path / "a-s1" / "summary.json").stat().st_mtime_ns == before
    assert states(tmp_path) == {"a-s1": "done", "b-s1": "done"}


@pytest.mark.spec("SEQ-116", "A run that fails is reported, and the others go on")
def test_a_failed_run_does_not_stop_the_others(tmp_path):
    make = commands({}, lambda job: "fail" if job.pair == "b" else "run")
    children = Children(tmp_path, make_command=make)
    assert children.run(jobs(tmp_path, "a", "b", "c")) == 0
    assert states(tmp_path) == {"a-s1": "done", "b-s1": "new", "c-s1": "done"}
    (failure,) = children.failed
    assert failure.job.name == "b-s1" and failure.exit == 3
    assert failure.why.startswith("the loss is not finite (see ")
    assert children.done == 2


def test_a_program_that_is_not_there_is_a_fault(tmp_path):
    children = Children(tmp_path, make_command=lambda *_: ["/nowhere/python"])
    with pytest.raises(RuntimeError, match="/nowhere/python cannot be started"):
        children.run(jobs(tmp_path, "a"))


@pytest.mark.spec("SEQ-115", "interrupted ones are resumed")
def test_a_signal_lets_the_children_save_and_the_rest_wait(tmp_path):
    make = commands({}, lambda job: "hang")
    children = Children(tmp_path, at_once=2, make_command=make)

    def interrupt():
        ready = [tmp_path / name / "ready" for name in ("a-s1", "b-s1")]
        end = time.monotonic() + LIMIT
        while not all(file.exists() for file in ready) and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    stopped = children.run(jobs(tmp_path, "a", "b", "c"))
    thread.join(timeout=LIMIT)

    assert stopped == signal.SIGTERM and not children.running
    assert states(tmp_path) == {"a-s1": "resume", "b-s1": "resume"}
    assert usage(tmp_path / "a-s1")["exit"] == 143
    assert not children.failed


@pytest.mark.spec("SEQ-115", "resumed")
def test_what_is_typed_for_each_state(tmp_path):
    (job,) = jobs(tmp_path, "a")
    run = tmp_path / job.name
    new = command(job, tmp_path, "cpu")
    assert new[new.index("--name") + 1] == "a-s1"
    assert new[new.index("--seed") + 1] == "1"
    assert "--resume" not in new and "--overwrite" not in new
    (run / "checkpoints").mkdir(parents=True)
    assert "--overwrite" in command(job, tmp_path, "cpu")
    (run / "meta.json").write_text('{"status": "running"}')
    assert state_of(run) == "new"
    (run / "checkpoints" / "last.pt").touch()
    resumed = command(job, tmp_path, "cpu")
    assert resumed[resumed.index("--resume") + 1] == str(run)
    assert "--config" not in resumed and "--seed" not in resumed
    (run / "meta.json").write_text('{"status": "failed"}')
    assert "--overwrite" in command(job, tmp_path, "cpu")


@pytest.mark.spec("SEQ-117", "CPU time and the peak of its memory")
def test_each_child_is_measured_alone(tmp_path):
    code = "import os, time; x = bytearray({1}); [i * i for i in range({2})]; "
    code += "os.makedirs({0!r}); open({0!r} + '/ready', 'w')\nwhile not "
    code += "os.path.exists({0!r} + '/seen'): time.sleep(0.02)"
    sizes = {"large": (200_000_000, 3_000_000), "small": (10, 10)}

    def make(job, out, device):
        text = code.format(str(out / job.name), *sizes[job.pair])
        return [sys.executable, "-S", "-c", text]

    def looked(waiting):
        """A child ends after its memory was looked at, however late that was."""
        ready = list(tmp_path.glob("*/ready"))
        collect(waiting)
        for file in ready:
            file.with_name("seen").touch()

    children = Children(tmp_path, make_command=make)
    collect, children._collect = children._collect, looked
    children.run(jobs(tmp_path, "large", "small"))
    large, small = (usage(tmp_path / f"{name}-s1") for name in ("large", "small"))
    assert large["peak_bytes"] > 200_000_000
    assert small["peak_bytes"] < 100_000_000  # not what this process holds
    assert large["cpu_seconds"] > small["cpu_seconds"] + 0.05
    assert large["seconds"] > 0 and large["exit"] == 0


def test_attempts_of_one_run_add_up(tmp_path):
    file = tmp_path / "child.json"
    note_usage(file, Usage(-9, 10.0, 8.0, 500), resumed=False)  # it was killed
    note_usage(file, Usage(0, 5.0, 4.0, 400), resumed=True)
    total = {"exit": 0, "seconds": 15.0, "cpu_seconds": 12.0, "peak_bytes": 500}
    assert json.loads(file.read_text()) == total
    note_usage(file, Usage(0, 1.0, 1.0, 100), resumed=False)  # begun anew
    assert json.loads(file.read_text())["seconds"] == 1.0


def test_so_many_run_side_by_side(tmp_path):
    code = "import sys, time, os; os.makedirs(sys.argv[1]); time.sleep(0.4)"

    def make(job, out, device):
        return [sys.executable, "-S", "-c", code, str(out / job.name)]

    children, seen = Children(tmp_path, at_once=2, make_command=make), []
    collect = children._collect

    def counted(waiting):
        seen.append(len(children.running))
        collect(waiting)

    children._collect = counted
    children.run(jobs(tmp_path, "a", "b", "c"))
    assert max(seen) == 2
