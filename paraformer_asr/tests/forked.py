# pattern: tests/forked.py -- the same in every sub-project; edit one, then: python -m tools.copies sync tests/forked.py --from <sub-project>
"""Processes that tests start, end and wait for; none of them can hang for ever."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


LIMIT = 200
"""Seconds that a child may take: less than a test may, so that its log is shown."""

FORKED: list[int] = []
"""Process groups to be ended with the test that started them."""


def in_fork(
    call: Callable[[], int | None], log: Path | None = None, limit: int = LIMIT
) -> int:
    """Start `call` in a process group of its own, all modules already imported.

    What it says on stderr is added to `log`; after `limit` seconds SIGALRM ends it.
    """
    pid = os.fork()
    if pid:
        with suppress(OSError):  # the child was faster, or is gone
            os.setpgid(pid, pid)  # here too, so that the group can be killed at once
        FORKED.append(pid)
        return pid
    code = 1
    try:
        os.setpgid(0, 0)
        # The system ends it: a handler of Python needs the GIL, which may be the fault.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(limit)
        if log:
            sys.stderr = open(log, "a", encoding="utf-8")  # noqa: SIM115
        code = call() or 0
    except SystemExit as leaving:
        code = leaving.code
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(code)


def wait(pid: int) -> int:
    """Exit code of a forked process; minus the signal that killed it."""
    status = os.waitpid(pid, 0)[1]
    FORKED.remove(pid)
    return os.waitstatus_to_exitcode(status)


def kill_group(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)
    wait(pid)


def end_forked() -> None:
    """Kill what a test that failed did not wait for."""
    while FORKED:
        pid = FORKED.pop()
        with suppress(ProcessLookupError, ChildProcessError):
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
