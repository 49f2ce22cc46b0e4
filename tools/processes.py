"""Child processes that end well: Ctrl-C reaches them first, and nothing outlives us."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path


GRACE = 10  # seconds a child may take to save its state after Ctrl-C


def run(
    command: Sequence[str | Path],
    cwd: Path,
    each_second: Callable[[float], None] | None = None,
    **options,
) -> int:
    """Run a command without standard input; its exit code.

    `each_second` is told the elapsed seconds. Other options go to `subprocess.Popen`.
    """
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        **options,
    )
    try:
        return _wait(process, each_second)
    except KeyboardInterrupt:
        _wait_or_stop(process)  # the terminal has sent it Ctrl-C too
        raise
    except BaseException:
        process.terminate()
        _wait_or_stop(process)
        raise


def environment() -> dict[str, str]:
    """Our environment without what would let a child import code from elsewhere."""
    foreign = ("PYTHONPATH", "PYTHONHOME")
    return {name: value for name, value in os.environ.items() if name not in foreign}


def handle_signals() -> None:
    """SIGTERM becomes an exit that stops the children; `| head` ends quietly."""

    def leave(number, frame):
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def say(text: str = "") -> None:
    """One line of progress on stderr, in order with what children print."""
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)


def _wait(
    process: subprocess.Popen, each_second: Callable[[float], None] | None
) -> int:
    start = time.monotonic()
    while each_second:
        try:
            return process.wait(1)
        except subprocess.TimeoutExpired:
            each_second(time.monotonic() - start)
    return process.wait()


def _wait_or_stop(process: subprocess.Popen) -> None:
    try:
        process.wait(GRACE)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.kill()
        process.wait()
