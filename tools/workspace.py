#!/usr/bin/env python3
"""The workspace's commands: setup, demo, test, check, list. Needs only Python."""

import sys


if sys.version_info < (3, 11):  # noqa: UP036  (an older Python reads this too)
    sys.exit(
        "Python 3.11 or newer is needed, this is {}.{}; start it with a newer one, "
        "for example: python3.12 tools/workspace.py demo".format(*sys.version_info)
    )

import argparse
import json
import tempfile
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `tools` from anywhere

from tools import demo, environment, suites
from tools.processes import handle_signals, run
from tools.projects import ROOT, WorkspaceError, describe, find_projects, select


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code (0 done, 1 something failed, 2 bad input)."""
    given = _parser().parse_args(arguments)
    handle_signals()
    try:
        return given.command(given)
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def setup(given: argparse.Namespace) -> int:
    """Make `.venv` and install what every sub-project needs."""
    python = _prepared()
    print(f"ready: {python}")
    return 0


def run_demo(given: argparse.Namespace) -> int:
    """Set up, then train, evaluate and infer in each sub-project."""
    names = select(given.names, [path.name for path in find_projects(ROOT)])
    return demo.run_demos(ROOT, [ROOT / name for name in names], _prepared())


def test(given: argparse.Namespace) -> int:
    """Set up, then run the suites and the checks; all failures are shown."""
    names = select(given.names, suites.suite_names(ROOT))
    projects = [path for path in find_projects(ROOT) if path.name in names]
    if given.isolated:
        others = [name for name in names if name not in {p.name for p in projects}]
        if given.names and others:
            raise WorkspaceError(f"--isolated is for sub-projects, not {others[0]}")
        done = [suites.run_isolated(path, given.kinds) for path in projects]
        return suites.report([result for result in done if result])
    python = _prepared()
    with tempfile.TemporaryDirectory() as folder:
        scratch, kinds = Path(folder), given.kinds
        found = [suites.project_suite(p, python, scratch, kinds) for p in projects]
        if "tools" in names:
            own = ROOT / "tools"
            found.append(suites.project_suite(own, python, scratch, kinds, cwd=ROOT))
        if "check" in names and not kinds:
            found.append(suites.check_suite(ROOT, python, scratch))
        if "exercises" in names and not kinds:
            found += suites.exercise_suites(ROOT, python, scratch)
        return suites.report(suites.run_suites([one for one in found if one]))


def check(given: argparse.Namespace) -> int:
    """Copies, independence, spec, contracts, README commands, lint, sizes."""
    python = environment.ready_python(ROOT)
    fix = ["--fix"] if given.fix else []
    return run([python, "-m", "tools.checks", *fix], ROOT)


def show_list(given: argparse.Namespace) -> int:
    """The sub-projects, found by looking."""
    projects = find_projects(ROOT)
    if given.json:
        print(json.dumps([path.name for path in projects]))
    for path in projects if not given.json else []:
        print(f"{path.name}  {describe(path)}".rstrip())
    return 0


def _prepared() -> Path:
    return environment.prepare(ROOT / ".venv", environment.all_requirements(ROOT))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workspace.py", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name, function):
        command = commands.add_parser(name, help=function.__doc__)
        command.set_defaults(command=function)
        return command

    add("setup", setup)
    add("demo", run_demo).add_argument("names", nargs="*", metavar="NAME")
    tests = add("test", test)
    tests.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    tests.add_argument(
        "--isolated", action="store_true", help="each alone, in an empty folder"
    )
    for kind, pattern in suites.KINDS.items():
        tests.add_argument(
            f"--{kind}",
            dest="kinds",
            action="append_const",
            const=kind,
            default=[],
            help=f"only {pattern}",
        )
    fix_help = "let ruff repair what it can"
    add("check", check).add_argument("--fix", action="store_true", help=fix_help)
    add("list", show_list).add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
