"""Commands side by side, each in a process group of which nothing outlives it."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tools.processes import GRACE, environment, say


KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has none
KILLED = 124  # the exit code of what ran past its limit, as `timeout` gives it
REPORT_EVERY = 60  # seconds, where nobody watches


@dataclass(frozen=True, slots=True)
class Command:
    """What to start, and how to call it."""

    name: str
    words: Sequence[str | Path]
    cwd: Path


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    seconds: float


def run_commands(
    commands: Sequence[Command], limit: float, workers: int
) -> list[Ended]:
    """Run them without standard input, `workers` at a time, begun in their order.

    What runs alone speaks for itself; of others the output is shown whole at the end.
    One that does not end within `limit` seconds is killed, and says where it stood.
    """
    waiting, running, ended = list(commands), [], {}
    progress = _Progress()
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                together = workers > 1 and len(commands) > 1
                running.append(_Running(waiting.pop(0), together))
            time.sleep(0.05)
            for one in [one for one in running if one.is_over(limit)]:
                progress.clear()
                ended[one.command.name] = one.finish(limit)
                running.remove(one)
            progress.show(running)
    except BaseException as error:
        progress.clear()
        interrupted = isinstance(error, KeyboardInterrupt)
        _stop(running, signal.SIGINT if interrupted else signal.SIGTERM)
        raise
    return [ended[command.name] for command in commands]


@dataclass(slots=True)
class _Running:
    command: Command
    together: bool
    log: IO[bytes] | None = None
    start: float = field(default_factory=time.monotonic)
    process: subprocess.Popen = field(init=False)

    def __post_init__(self) -> None:
        if self.together:  # a file: a pipe would be held by what a test leaves behind
            self.log = tempfile.TemporaryFile()  # noqa: SIM115
        else:
            say(f"\n== {self.command.name} ==")
        self.process = subprocess.Popen(
            [str(word) for word in self.command.words],
            cwd=self.command.cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log and subprocess.STDOUT,
            process_group=0,
        )

    def seconds(self) -> float:
        return time.monotonic() - self.start

    def is_over(self, limit: float) -> bool:
        return self.process.poll() is not None or self.seconds() > limit

    def finish(self, limit: float) -> Ended:
        """Kill what is left of the group, and show what it said."""
        code = self.process.poll()
        if code is None:
            self.process.send_signal(signal.SIGABRT)  # faulthandler tells where it is
        self.kill(time.monotonic() + GRACE)
        if code is None:
            say(
                f"{self.command.name} did not end within {limit / 60:.4g} minutes: "
                "killed with all that it had started, and counted as failed"
            )
        return Ended(KILLED if code is None else code, self.seconds())

    def signal(self, number: int) -> None:
        """To the process and all that it started and that stayed in its group."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
        else:
            self.process.kill()

    def kill(self, end: float) -> None:
        """Wait until `end` for the process, then kill its group and show its output."""
        try:
            self.process.wait(max(end - time.monotonic(), 0))
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            pass
        self.signal(KILL)
        self.process.wait()
        if self.log and not self.log.closed:
            say(f"\n== {self.command.name} ==")
            self.log.seek(0)
            sys.stdout.flush()
            sys.stdout.buffer.write(self.log.read())
            sys.stdout.buffer.flush()
            self.log.close()

    def stands_at(self) -> str:
        """The name, and how far pytest says it is."""
        size = os.fstat(self.log.fileno()).st_size
        tail = os.pread(self.log.fileno(), 4096, max(size - 4096, 0))
        found = re.findall(rb"\[ *(\d+)%\]", tail)
        return self.command.name + (f" {found[-1].decode()}%" if found else "")


def _stop(running: Sequence[_Running], number: int) -> None:
    for one in running:
        one.signal(number)
    end = time.monotonic() + GRACE
    for one in running:
        one.kill(end)


class _Progress:
    """One line that is written over on a terminal; a line now and then in a log."""

    def __init__(self) -> None:
        self.start, self.last, self.shown = time.monotonic(), 0, 0

    def show(self, running: Sequence[_Running]) -> None:
        seconds = int(time.monotonic() - self.start)
        every = 1 if sys.stderr.isatty() else REPORT_EVERY
        running = [one for one in running if one.log]
        if not running or seconds < self.last + every:
            return
        self.last = seconds
        where = ", ".join(one.stands_at() for one in running)
        line = f"{seconds // 60}:{seconds % 60:02}  {where}"
        if sys.stderr.isatty():
            print(f"\r{line:<{self.shown}}", end="", file=sys.stderr, flush=True)
            self.shown = len(line)
        else:
            say(line)

    def clear(self) -> None:
        if self.shown:
            blank = " " * self.shown
            print(f"\r{blank}\r", end="", file=sys.stderr, flush=True)
            self.shown = 0
