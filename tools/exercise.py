"""Learn by rebuilding: a body is removed, the tests judge yours.

  python -m tools exercise list                       what there is to rebuild
  python -m tools exercise start vision_cnn:1         the first of vision_cnn
  ... write the body in the copy below exercises/ ...
  python -m tools exercise check                      which sentences hold now
  python -m tools exercise hint                       the idea, then a little more
  python -m tools exercise diff                       the reference, once yours passes

An exercise is named P:CALLABLE or P:NUMBER, as docs/EXERCISES.md of the sub-project P
lists it. Where one is open, check, hint, diff and reset need no name.
"""

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from tools import learning
from tools.exercise_list import Exercise, find_exercise, read_exercises, split_name
from tools.exercise_verify import LEAST, judge, known_ids, verify
from tools.learning import Desk
from tools.processes import handle_signals, say
from tools.projects import ROOT, WorkspaceError, find_projects, select
from tools.tables import table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 something does not hold, 2 bad input."""
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


def show_list(given: argparse.Namespace) -> int:
    """All exercises of a sub-project, in learning order."""
    names = [path.name for path in find_projects(ROOT)]
    rows = []
    for name in select(given.names, names):
        desk = Desk(ROOT, ROOT / name)
        exercises = read_exercises(desk.project)
        if given.names and not exercises:
            raise WorkspaceError(f"{name} has no docs/EXERCISES.md")
        for one in exercises:
            row = [one.project, one.number, one.path, len(one.ids)]
            rows.append([*row, _state(desk, one)])
    if not rows:
        raise WorkspaceError("no sub-project has a docs/EXERCISES.md")
    print(table(["sub-project", "number", "callable", "sentences", "state"], rows))
    return 0


def start(given: argparse.Namespace) -> int:
    """Remove the body in a copy below exercises/."""
    desk, one = _named(given.name)
    place = learning.start(desk, one)
    print(f"write the body: {place}\n")
    print(_sentences(desk, one, dict.fromkeys(one.ids, "")))
    print("\nthen: python -m tools exercise check")
    return 0


def check(given: argparse.Namespace) -> int:
    """Run the tests of the requirements: which sentences hold now."""
    good = True
    for desk, one in _open(given.name):
        say(f"running the tests of {len(one.ids)} sentences")
        states, first = learning.check(desk, one)
        holds = set(states.values()) == {"holds"}
        good &= holds
        print(f"{one.name}\n{_sentences(desk, one, states)}")
        if not holds:
            print(f"\n{first}\n" if first else "")
            print("a hint: python -m tools exercise hint " + one.name)
            continue
        print(f"\nall hold; the reference: python -m tools exercise diff {one.name}")
        if other := learning.following(desk, one):
            print(f"the next one: python -m tools exercise start {other.name}")
    return 0 if good else 1


def hint(given: argparse.Namespace) -> int:
    """One hint; called again, the next one."""
    desk, one = _only(given.name)
    print(learning.hint(desk, one))
    return 0


def diff(given: argparse.Namespace) -> int:
    """The reference against yours, once yours passes."""
    desk, one = _only(given.name)
    print(learning.diff(desk, one))
    return 0


def reset(given: argparse.Namespace) -> int:
    """Remove the body again; what stood there is kept beside it."""
    desk, one = _only(given.name)
    place, kept = learning.reset(desk, one)
    print(f"begin anew: {place}\nthe file as it was: {kept}")
    return 0


def run_verify(given: argparse.Namespace) -> int:
    """Prove that each exercise fails without its body, with exactly the listed ids."""
    chosen: dict[Path, list[str]] = {}
    short = 0
    for word in given.names or [path.name for path in find_projects(ROOT)]:
        project, path = split_name(ROOT, word)
        listed = [one.path for one in read_exercises(project)]
        if path.isnumeric():
            path = find_exercise(ROOT, word).path
        if not path and not listed and given.names:
            raise WorkspaceError(f"{project.name} has no docs/EXERCISES.md")
        chosen.setdefault(project, []).extend([path] if path else listed)
        if listed and not path and len(listed) < LEAST:
            print(f"{project.name} has {len(listed)} exercises, fewer than {LEAST}")
            short += 1
    passed = 0
    chosen = {project: list(dict.fromkeys(paths)) for project, paths in chosen.items()}
    for project, paths in chosen.items():
        passed += _verify(project, paths, given.list)
    failed = sum(map(len, chosen.values())) - passed + short
    if given.counts:
        given.counts.write_text(json.dumps([passed, failed]), encoding="utf-8")
    print(f"{passed} exercises are exact, {failed} are not")
    return 1 if failed else 0


def _verify(project: Path, paths: list[str], show: bool) -> int:
    """How many are good; what is in no list is judged by all tests, and shown."""
    listed = {one.path: one for one in read_exercises(project)}
    every = show or not set(paths) <= set(listed)
    ids = sorted({id for one in listed.values() for id in one.ids})
    asked = {path: one.ids for path, one in listed.items()}
    good = 0
    for verdict in verify(project, paths, asked, None if every else ids):
        one = listed.get(verdict.path)
        problem = judge(one, verdict, known_ids(project)) if one else verdict.problem
        name = f"{project.name}:{verdict.path}"
        print(problem or f"ok  {name}  {', '.join(verdict.failing)}", flush=True)
        if every and verdict.failing and (problem or not one):
            print(f"requirements: {', '.join(verdict.failing)}")
        good += not problem
    return good


def _state(desk: Desk, one: Exercise) -> str:
    if one.path not in desk.opened():
        return ""
    try:
        return "done" if desk.is_done(one.path) else "open"
    except WorkspaceError:
        return "open"  # what is written there is not Python yet


def _sentences(desk: Desk, one: Exercise, states: dict[str, str]) -> str:
    """A paragraph a sentence, in columns as wide as the terminal."""
    texts, width = known_ids(desk.project), max(map(len, states.values()))
    columns = min(shutil.get_terminal_size().columns, 110)
    lines = []
    for id, state in states.items():
        head = f"{id}  {state:<{width}}  " if width else f"{id}  "
        lines += textwrap.wrap(
            head + texts.get(id, ""), columns, subsequent_indent=" " * len(head)
        )
    return "\n".join(lines)


def _named(word: str) -> tuple[Desk, Exercise]:
    one = find_exercise(ROOT, word)
    return Desk(ROOT, ROOT / one.project), one


def _open(word: str | None) -> list[tuple[Desk, Exercise]]:
    """The open exercise of that name, or all that are open (of a sub-project)."""
    if word and ":" in word:
        desk, one = _named(word)
        if one.path not in desk.opened():
            raise WorkspaceError(
                f"{one.name} is not open; type: "
                f"python -m tools exercise start {one.name}"
            )
        return [(desk, one)]
    projects = [split_name(ROOT, word)[0]] if word else find_projects(ROOT)
    desks = [Desk(ROOT, project) for project in projects]
    found = [
        (desk, one)
        for desk in desks
        for one in read_exercises(desk.project)
        if one.path in desk.opened()
    ]
    if not found:
        raise WorkspaceError("no exercise is open; see: python -m tools exercise list")
    return found


def _only(word: str | None) -> tuple[Desk, Exercise]:
    found = _open(word)
    undone = [pair for pair in found if _state(*pair) == "open"]
    if len(found) == 1 or len(undone) == 1:
        return (undone or found)[0]
    names = ", ".join(one.name for _, one in found)
    raise WorkspaceError(f"several exercises are open; name one of: {names}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools exercise",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name, function):
        command = commands.add_parser(name, help=function.__doc__)
        command.set_defaults(command=function)
        return command

    add("list", show_list).add_argument("names", nargs="*", metavar="P")
    add("start", start).add_argument("name", metavar="P:CALLABLE")
    for function in (check, hint, diff, reset):
        add(function.__name__, function).add_argument(
            "name", nargs="?", metavar="P:CALLABLE"
        )
    proof = add("verify", run_verify)
    proof.add_argument("names", nargs="*", metavar="P[:CALLABLE]")
    proof.add_argument("--list", action="store_true", help="print the ids that fail")
    proof.add_argument("--counts", type=Path, help="write [passed, failed] here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
