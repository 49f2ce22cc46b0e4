"""Trainings as child processes: each measured, none lost, none in the way.

A run that is finished is not begun again, one that was interrupted goes on from its
checkpoint, one that failed is reported and the others go on.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from ..utils.errors import FaultError
from ..utils.interrupt import Interrupt
from ..utils.logging import log
from ..utils.run_dir import to_json


SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "train.py"
GRACE = 60.0
"""Seconds that a child has to save itself after a signal."""


class Job(NamedTuple):
    pair: str
    seed: int
    config: Path

    @property
    def name(self) -> str:
        return f"{self.pair}-s{self.seed}"


class Failure(NamedTuple):
    job: Job
    why: str
    exit: int
    """3: the loss diverged; 2: bad input; else a fault, or the number of a signal."""


@dataclass
class Child:
    job: Job
    process: subprocess.Popen
    started: float
    log: Path
    resumed: bool  # it goes on with what an earlier attempt has begun
    peak_bytes: int = 0


class Usage(NamedTuple):
    """What a process took from its start to its end; kept in child.json of its run."""

    exit: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    """Of its memory; 0 where the system does not say (Windows)."""


def command(job: Job, out: Path, device: str = "cpu") -> list[str]:
    """What to type for a job, as its folder is now."""
    run = out / job.name
    given = ["--out", str(out), "--device", device, "--quiet", "--no-contracts"]
    if state_of(run) == "resume":
        return [sys.executable, str(SCRIPT), "--resume", str(run), *given]
    given += ["--config", str(job.config), "--name", job.name, "--seed", str(job.seed)]
    again = ["--overwrite"] if run.exists() else []
    return [sys.executable, str(SCRIPT), *given, *again]


def state_of(run: Path) -> Literal["done", "resume", "new"]:
    """What is left to do for a run: nothing, its rest, all of it."""
    try:
        status = json.loads((run / "meta.json").read_text("utf-8"))["status"]
    except (OSError, ValueError, KeyError, TypeError):
        return "new"
    if status == "done" and (run / "summary.json").exists():
        return "done"
    if status != "failed" and (run / "checkpoints" / "last.pt").exists():
        return "resume"
    return "new"


class Children:
    """Runs jobs, `at_once` at a time, until all have ended or a signal comes."""

    def __init__(
        self,
        out: Path,
        at_once: int = 1,
        threads: int = 1,
        device: str = "cpu",
        make_command: Callable[[Job, Path, str], list[str]] = command,
        say: Callable[[Job], str] = lambda job: "",
    ):
        """`say`: what to report of a run that has ended well."""
        self.out, self.at_once, self.device = out, at_once, device
        self.make_command, self.say = make_command, say
        self.environment = os.environ | {
            name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
        }
        self.running: list[Child] = []
        self.failed: list[Failure] = []
        self.times: list[float] = []

    def run(self, jobs: Sequence[Job], poll: float = 0.05) -> int:
        """Run what is not done; 0, or the number of the signal that ended it."""
        waiting = [job for job in jobs if state_of(self.out / job.name) != "done"]
        self.done, self.total = len(jobs) - len(waiting), len(jobs)
        log.info(f"{self.total} runs in {self.out}, of which {self.done} are finished")
        with Interrupt() as interrupt:
            try:
                while (waiting or self.running) and not interrupt.number:
                    while waiting and len(self.running) < self.at_once:
                        self._start(waiting.pop(0))
                    time.sleep(poll)
                    self._collect(len(waiting))
            finally:
                self._stop(interrupt.number or signal.SIGTERM)
        return interrupt.number

    def _start(self, job: Job) -> None:
        logs = self.out / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        path = logs / f"{job.name}.log"
        given = self.make_command(job, self.out, self.device)
        resumed = state_of(self.out / job.name) == "resume"
        with open(path, "wb") as file:
            try:
                # Its own group: Ctrl-C reaches it through us, once and in order. Not
                # its own session, which the scheduler would give a share of its own.
                process = subprocess.Popen(
                    given,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    env=self.environment,
                    **({"process_group": 0} if os.name == "posix" else {}),
                )
            except OSError as error:
                raise FaultError(f"{given[0]} cannot be started: {error}") from None
        self.running.append(Child(job, process, time.monotonic(), path, resumed))

    def _collect(self, waiting: int) -> None:
        """Take leave of the children that have ended."""
        for child in list(self.running):
            usage = wait_for(child)
            if usage is None:
                continue
            self.running.remove(child)
            self._note(child, usage)
            left = self._time_left(waiting + len(self.running))
            head = f"[{self.done + len(self.failed)}/{self.total}] {child.job.name}"
            if usage.exit == 0:
                log.info(
                    f"{head}  {self.say(child.job)}  {usage.cpu_seconds:.1f} CPU-s  "
                    f"{usage.peak_bytes / 1e6:.0f} MB{left}"
                )
            else:
                log.warning(f"{head} failed: {self.failed[-1].why}{left}")

    def _note(self, child: Child, usage: Usage) -> None:
        if usage.exit == 0:
            self.done += 1
            self.times.append(usage.seconds)
        else:
            lines = child.log.read_text("utf-8", "replace").strip().splitlines()
            last = lines[-1] if lines else f"exit code {usage.exit}"
            why = f"{last} (see {child.log})"
            self.failed.append(Failure(child.job, why, usage.exit))
        self._keep(child, usage)

    def _keep(self, child: Child, usage: Usage) -> None:
        run = self.out / child.job.name
        if run.is_dir():
            note_usage(run / "child.json", usage, child.resumed)

    def _time_left(self, jobs: int) -> str:
        if not jobs or not self.times:
            return ""
        left = sum(self.times) / len(self.times) * jobs / self.at_once
        return f"  {left / 60:.0f} min left" if left >= 90 else f"  {left:.0f} s left"

    def _stop(self, number: int) -> None:
        """Let the children save themselves; end those that take too long."""
        for child in self.running:
            child.process.send_signal(number)
        end = time.monotonic() + GRACE
        while self.running and time.monotonic() < end:
            time.sleep(0.05)
            for child in list(self.running):
                usage = wait_for(child)
                if usage is not None:
                    self.running.remove(child)
                    self._keep(child, usage)
        for child in self.running:
            child.process.kill()
            child.process.wait()
        self.running.clear()


def wait_for(child: Child) -> Usage | None:
    """What a child took, if it has ended; else its memory is looked at."""
    cpu, peak = 0.0, 0
    child.peak_bytes = max(child.peak_bytes, _peak(child.process.pid))
    if hasattr(os, "wait4"):
        pid, status, used = os.wait4(child.process.pid, os.WNOHANG)
        if not pid:
            return None
        child.process.returncode = os.waitstatus_to_exitcode(status)
        cpu = used.ru_utime + used.ru_stime
        peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    elif child.process.poll() is None:
        return None
    seconds = time.monotonic() - child.started
    return Usage(child.process.returncode, seconds, cpu, child.peak_bytes or peak)


def _peak(pid: int) -> int:
    """The peak of a living process; 0 where there is no /proc, or it is no more.

    Linux counts what its parent held when it began into what `wait4` tells of a child.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
        line = next(x for x in status.splitlines() if x.startswith("VmHWM:"))
        return 1024 * int(line.split()[1])
    except (OSError, StopIteration, ValueError, IndexError):
        return 0


def note_usage(path: Path, usage: Usage, resumed: bool) -> None:
    """Write what an attempt took, with what those took that it goes on from."""
    try:
        before = Usage(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        before = Usage(0, 0.0, 0.0, 0)
    if resumed:
        _, seconds, cpu_seconds, peak = before
        seconds, cpu_seconds = seconds + usage.seconds, cpu_seconds + usage.cpu_seconds
        usage = Usage(usage.exit, seconds, cpu_seconds, max(peak, usage.peak_bytes))
    path.write_text(to_json(usage._asdict(), indent=2) + "\n", "utf-8")
