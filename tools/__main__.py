"""`python -m tools NAME ...`: every tool, from one entry.

What needs packages runs in `.venv`, whichever Python was typed. In other folders it is
`python PATH/TO/tools NAME ...`.
"""

import os
import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `tools` from anywhere

from tools.environment import existing_python
from tools.projects import ROOT, WorkspaceError, select


TOOLS = {
    "workspace": "setup, demo, test, check, list: all that needs Python alone",
    "copies": "shared files: list, check, sync",
    "device_info": "this machine: versions, speed, the device and threads to take",
    "fetch": "a public data set, as the sub-projects read it",
    "sweep": "train many times: seeds, grids, folds; one table at the end",
    "compare": "runs against runs: differences, intervals, tests",
    "profile": "where the time and memory of a training go",
    "report": "all runs on one page of HTML",
    "parity": "every component beside its reference: the largest errors",
    "benchmark": "every component beside its rival: the ratios of time",
    "exercise": "learn by rebuilding: a body is removed, the tests judge yours",
    "new_project": "a new sub-project whose tests pass at once",
}
MODULES = {"profile": "profile_run"}  # `profile` is a module of Python itself
ALONE = {"workspace", "copies", "fetch", "new_project"}  # import nothing but Python


def main(arguments: list[str] | None = None) -> int:
    """Show the tools, or become one of them; exit code 2 for an unknown name."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in ("-h", "--help"):
        print(help_text())
        return 0
    try:
        (name,) = select(given[:1], list(TOOLS))
        python = sys.executable if name in ALONE else existing_python(ROOT)
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 2
    command = [str(python), "-m", f"tools.{MODULES.get(name, name)}", *given[1:]]
    path = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    os.execv(command[0], command)


def help_text() -> str:
    """One line a tool."""
    width = max(map(len, TOOLS))
    lines = [f"  {name:<{width}}  {what}" for name, what in TOOLS.items()]
    usage = "usage: python -m tools TOOL ... (python -m tools TOOL --help tells more)"
    return "\n".join([usage, "", *lines])


if __name__ == "__main__":
    sys.exit(main())
