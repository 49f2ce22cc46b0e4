"""Processes that tests start, end and wait for."""

import os
import signal
import sys
from contextlib import suppress


FORKED: list[int] = []
"""Process groups to be ended with the test that started them."""


def in_fork(call) -> int:
    """Start `call` in a process group of its own; its number."""
    pid = os.fork()
    if pid:
        FORKED.append(pid)
        return pid
    os.setsid()
    code = 1
    try:
        code = call()
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


def end_forked() -> None:
    """Kill what a test that failed did not wait for."""
    while FORKED:
        with suppress(ProcessLookupError):
            os.killpg(FORKED.pop(), signal.SIGKILL)
