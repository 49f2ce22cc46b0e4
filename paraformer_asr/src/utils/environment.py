# pattern: utils/environment.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/environment.py --from <sub-project>
"""What a figure depends on beside the configuration: code, versions, machine, time."""

import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy


def describe_environment() -> dict[str, Any]:
    """Versions, threads, machine, commit: what a figure depends on."""
    return {
        "schema": 1,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "start": now(),
        "python": platform.python_version(),
        "numpy": str(numpy.__version__),
        **_computing(),
        "host": platform.node(),
        "machine": platform.machine(),
        "pid": os.getpid(),
        "git": _git_commit(),
    }


# local: begin
def _computing() -> dict[str, Any]:
    import torch

    return {"torch": str(torch.__version__), "threads": torch.get_num_threads()}


# local: end
def _git_commit() -> str:
    ask = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        here = Path(__file__).parent
        done = subprocess.run(ask, cwd=here, capture_output=True, text=True, timeout=10)
        return done.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds")
