"""What commands print for --help, asked of one process that has torch in it already.

    python help_child.py '[["scripts/train.py"], ["-m", "src.utils.debug"]]'

Each command runs in a fork, so that the imports of torch and `src`, which take longer
than all else, are paid once. Prints a list: the text of each command, or null where it
failed.
"""

import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from contextlib import suppress


WARM = ("numpy", "torch", "typer", "src")
LIMIT = 60
"""Seconds that a command may take."""


def main() -> None:
    """Read the commands, print the texts."""
    commands = json.loads(sys.argv[1])
    if not hasattr(os, "fork"):
        print(json.dumps([_started(words) for words in commands]))
        return
    sys.path[0] = os.getcwd()  # not the folder of this file
    if len(commands) > 1 and os.path.isdir("src"):
        for name in WARM:
            with suppress(Exception):  # what cannot be imported fails in its commands
                importlib.import_module(name)
    print(json.dumps([_forked(words) for words in commands]))


def _started(words: list[str]) -> str | None:
    command = [sys.executable, *words, "--help"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return None
    return said.stdout if said.returncode == 0 else None


def _forked(words: list[str]) -> str | None:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        child = os.fork()
        if not child:
            _become(words, out.fileno())
        code = _end_of(child)
        out.seek(0)
        return out.read() if code == 0 else None


def _become(words: list[str], out: int) -> None:
    """Run `python words... --help` in this process, and end it."""
    os.dup2(out, 1)
    code: object = 0
    try:
        if words[0] == "-m":
            sys.argv = [*words[1:], "--help"]
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = [*words, "--help"]
            sys.path[0] = os.path.dirname(os.path.abspath(words[0]))
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        code = 1
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 1)


def _end_of(child: int) -> int:
    until = time.monotonic() + LIMIT
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return -9


if __name__ == "__main__":
    main()
