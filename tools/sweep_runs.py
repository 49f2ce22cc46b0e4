"""The runs of a sweep, side by side: what is done is kept, the rest goes on.

Each run is one process of a sub-project's own `scripts/train.py`. Signals are noted,
not raised, so that none can fall between a child and the list of children. A terminal
that is gone, or a `| tee` that Ctrl-C has ended, does not end it: nobody else would
tell the children.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tools import processes
from tools.processes import environment
from tools.projects import WorkspaceError
from tools.runs import read_json
from tools.sweep_points import Point


REPORT_EVERY = 60  # seconds
AT_ONCE = 1.0  # seconds in which two signals are one: a terminal's and its shell's
HANGUP = getattr(signal, "SIGHUP", None)
STOPPED = (130, 143, -signal.SIGINT, -signal.SIGTERM, -signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Job:
    """One run that is to be started or resumed."""

    name: str
    words: tuple[str, ...]  # of scripts/train.py
    project: Path
    log: Path

    def line(self, threads: int) -> str:
        """The command for a shell on any machine that sees the same folders."""
        words = [sys.executable, "scripts/train.py", *self.words]
        given = f'OMP_NUM_THREADS="${{OMP_NUM_THREADS:-{threads}}}"'
        return f"cd {shlex.quote(str(self.project))} && {given} {shlex.join(words)}"


def job_of(
    point: Point, config: Path, project: Path, folder: Path, device: str
) -> Job | None:
    """What is left to do of a point; None if its run is done."""
    run = folder / point.name
    log = folder / "logs" / f"{point.name}.log"
    with suppress(WorkspaceError):  # a damaged file: not done
        if read_json(run / "meta.json").get("status") == "done":
            return None
    if any(run.glob("checkpoints/last*")):
        words = ["--resume", str(run), "--device", device]
    else:  # also what was killed before its first checkpoint
        words = ["--config", str(config), *point.overrides, *point.fold]
        words += ["--seed", str(point.seed), "--out", str(folder)]
        words += ["--name", point.name, "--overwrite", "--device", device]
    return Job(point.name, tuple(words), project, log)


def run_jobs(jobs: Sequence[Job], workers: int, threads: int) -> tuple[list[str], int]:
    """The names of those that failed, and the signal that ended it all (0 for none).

    `workers` run at a time. After a signal the children save their state, however long
    that takes; after a second one they are killed.
    """
    waiting, running, failed = list(jobs), [], []
    with _noted_signals() as caught:
        told, last = 0, time.monotonic()
        while running or (waiting and not caught):
            while waiting and len(running) < workers and not caught:
                running.append(_Running(waiting.pop(0), threads))
            time.sleep(0.05)
            if len(caught) > told:  # the first one in any case, then the second
                told += 1
                _pass_on(running, caught[0], again=told > 1)
            if time.monotonic() > last + REPORT_EVERY:
                last = time.monotonic()
                say("\n".join(f"    {one.job.name}: {one.said()}" for one in running))
            for one in [one for one in running if one.process.poll() is not None]:
                running.remove(one)
                done = len(jobs) - len(waiting) - len(running)
                if not one.tell(f"{done}/{len(jobs)}", bool(caught)):
                    failed.append(one.job.name)
        return failed, caught[0] if caught else 0


class _Running:
    """A child in a process group of its own: Ctrl-C is ours to pass on."""

    def __init__(self, job: Job, threads: int):
        self.job, self.start = job, time.monotonic()
        job.log.parent.mkdir(parents=True, exist_ok=True)
        with open(job.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "scripts/train.py", *job.words],
                cwd=job.project,
                env=environment() | {"OMP_NUM_THREADS": str(threads)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def tell(self, count: str, stopping: bool) -> bool:
        """Say how it ended; whether that was well."""
        code = self.process.returncode
        stopped = stopping and code in STOPPED
        seconds = time.monotonic() - self.start
        if code == 0:
            say(f"[{count}] {self.job.name}: done in {seconds:.0f} s")
        elif stopped:
            say(f"[{count}] {self.job.name}: stopped; the same command goes on with it")
        else:
            say(f"[{count}] {self.job.name}: FAILED (exit code {code}): {self.said()}")
            say(f"    all that it said: {self.job.log}")
        return code == 0 or stopped

    def said(self) -> str:
        """The last line that it wrote."""
        text = self.job.log.read_text(encoding="utf-8", errors="replace").strip()
        return text.splitlines()[-1] if text else "nothing said"


def _pass_on(running: Sequence[_Running], first: int, again: bool) -> None:
    number = signal.SIGINT if first == signal.SIGINT else signal.SIGTERM
    for one in running:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL if again else number)
    if not again:
        say(f"stopping: {len(running)} save their state (again: stop at once)")


def say(text: str) -> None:
    """As processes.say, also where nobody is left to read it."""
    with suppress(OSError):
        processes.say(text)


@contextmanager
def _noted_signals() -> Iterator[list[int]]:
    """Ctrl-C, SIGTERM and a closed terminal become numbers in a list.

    A shell and the kernel both tell of a closed terminal, and schedulers send several
    signals at once: more than the first one counts only if it comes later, and is not
    about the terminal.
    """
    caught: list[int] = []
    moments: list[float] = []

    def note(number, frame):
        moments.append(time.monotonic())
        later = moments[-1] > moments[0] + AT_ONCE and number != HANGUP
        if not caught or later:
            caught.append(number)

    # What is ignored, as after nohup, stays so.
    stops = [n for n in (signal.SIGINT, signal.SIGTERM, HANGUP) if n]
    handlers = {n: note for n in stops if signal.getsignal(n) != signal.SIG_IGN}
    if hasattr(signal, "SIGPIPE"):  # becomes an OSError, see `say`
        handlers[signal.SIGPIPE] = signal.SIG_IGN
    before = {n: signal.signal(n, handler) for n, handler in handlers.items()}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
