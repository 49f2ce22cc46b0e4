"""What a learner does with an exercise: start, check, hint, diff, reset.

A sub-project is copied to `exercises/` once; each open exercise is a function of the
copy without its body. It is judged by the tests of the original, and apart from the
others: open exercises beside it count as solved.
"""

import difflib
import hashlib
import itertools
import json
import os
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.exercise_list import Exercise, read_exercises
from tools.files import replace_whole, write_whole
from tools.grading import copy_project, grade
from tools.projects import WorkspaceError, walk
from tools.stripping import (
    find_function,
    find_module,
    function_text,
    put_function,
    strip,
)


STATE = ".exercises.json"
LIMIT = 900  # seconds that the tests of one check may take


@dataclass(frozen=True, slots=True)
class Desk:
    """A sub-project, the learner's copy of it, and what is open there."""

    root: Path
    project: Path

    @property
    def copy(self) -> Path:
        return self.root / "exercises" / self.project.name

    def opened(self) -> dict[str, dict]:
        """Path of each open exercise -> how many hints were shown, what passed."""
        return self._state()["open"]

    def note(self, path: str, **what: object) -> None:
        """Remember something about an open exercise."""
        state = self._state()
        old = state["open"].get(path, {})
        state["open"][path] = {"hints": 0, "passed": ""} | old | what
        write_whole(self.copy / STATE, json.dumps(state, indent=1) + "\n")

    def check_source(self) -> None:
        """Refuse a copy of what is not the original any more."""
        if self._state()["source"] != _source(self.project):
            raise WorkspaceError(
                f"src of {self.project.name} has changed since it was copied: move "
                f"{self.copy} away, start again, and take your functions from there"
            )

    def _state(self) -> dict:
        """What is open, and a digest of what was copied."""
        try:
            state = json.loads((self.copy / STATE).read_text(encoding="utf-8"))
            return {"source": state["source"], "open": dict(state["open"])}
        except FileNotFoundError:
            return {"source": _source(self.project), "open": {}}
        except (ValueError, TypeError, KeyError):
            raise WorkspaceError(
                f"{self.copy / STATE} is damaged; move {self.copy} away and start again"
            ) from None

    def files(self, path: str) -> tuple[Path, Path, str]:
        """(file of the original, file of the copy, name inside) of a callable."""
        file, name = find_module(self.project, path)
        mine = self.copy / file.relative_to(self.project)
        if not mine.exists():
            raise WorkspaceError(
                f"{mine} is gone; move {self.copy} away and start again"
            )
        return file, mine, name

    def texts(self, path: str) -> tuple[bytes, bytes]:
        """(reference, yours) of one function."""
        file, mine, name = self.files(path)
        reference = function_text(file.read_bytes(), name, path)
        return reference, function_text(read_yours(mine), name, path)

    def is_done(self, path: str) -> bool:
        """Whether what stands there now has passed."""
        passed = self.opened().get(path, {}).get("passed")
        return bool(passed) and passed == _digest(self.texts(path)[1])


def start(desk: Desk, one: Exercise) -> str:
    """Open it in the copy, which is made if it is not there; what to do next."""
    if one.path in desk.opened():
        raise WorkspaceError(
            f"{one.name} is open: go on in {where(desk, one.path)}, or begin anew: "
            f"python -m tools exercise reset {one.name}"
        )
    if not desk.copy.exists():
        part = desk.copy.with_name(f".{os.getpid()}.part")
        try:
            copy_project(desk.project, part)
            os.replace(part / desk.project.name, desk.copy)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    desk.check_source()
    _, mine, name = desk.files(one.path)
    text = strip(read_yours(mine), name, one.path)
    desk.note(one.path)  # first: what is open without a note could not be reset
    _write(mine, text)
    return where(desk, one.path)


def where(desk: Desk, path: str) -> str:
    """File and line of the function in the copy, as an editor takes them."""
    _, mine, name = desk.files(path)
    line = find_function(read_yours(mine), name, path).lineno
    return f"{mine.relative_to(desk.root)}:{line}"


def check(desk: Desk, one: Exercise) -> tuple[dict[str, str], str]:
    """(id -> holds, fails or not run; the first failed assertion) of the copy."""
    desk.check_source()
    yours = desk.texts(one.path)[1]
    with tempfile.TemporaryDirectory(prefix="exercise-") as folder:
        scratch = Path(folder)
        tree = copy_project(desk.copy, scratch / "tree")
        for name in ("tests", "docs"):  # the judge is the original
            shutil.rmtree(tree / name, ignore_errors=True)
            shutil.copytree(desk.project / name, tree / name)
        for other in desk.opened():
            if other != one.path:
                _solve(desk, tree, other)
        result = grade(scratch, tree, one.ids, LIMIT)
    states, first = _states(desk, one, result)
    holds = all(state == "holds" for state in states.values())
    desk.note(one.path, passed=_digest(yours) if holds else "")
    return states, first


def hint(desk: Desk, one: Exercise) -> str:
    """The next hint; the last one again when all were shown."""
    shown = min(desk.opened()[one.path]["hints"] + 1, len(one.hints))
    desk.note(one.path, hints=shown)
    return f"{one.hints[shown - 1]}\n({shown} of {len(one.hints)})"


def diff(desk: Desk, one: Exercise) -> str:
    """From yours to the reference, once yours has passed."""
    if not desk.is_done(one.path):
        raise WorkspaceError(
            f"{one.name} has not passed as it stands; the reference is shown after: "
            f"python -m tools exercise check {one.name}"
        )
    reference, yours = (text.decode().splitlines() for text in desk.texts(one.path))
    lines = difflib.unified_diff(yours, reference, "yours", "reference", lineterm="")
    return "\n".join(lines) or "yours is the reference, letter by letter"


def reset(desk: Desk, one: Exercise) -> tuple[str, Path]:
    """Take the body away again; (where it stands, where the old file is kept)."""
    file, mine, name = desk.files(one.path)
    free = (mine.with_name(f"{mine.name}.bak{i or ''}") for i in itertools.count())
    kept = next(path for path in free if not path.exists())
    shutil.copyfile(mine, kept)
    try:
        new = function_text(file.read_bytes(), name, one.path)
        text = put_function(mine.read_bytes(), new, name, one.path)
    except WorkspaceError:  # what is there is no Python, or not this function
        text = file.read_bytes()
        for other in desk.opened():
            source, _, inside = desk.files(other)
            if source == file and other != one.path:
                text = strip(text, inside, other)
    _write(mine, strip(text, name, one.path))
    desk.note(one.path, passed="")
    return where(desk, one.path), kept.relative_to(desk.root)


def following(desk: Desk, one: Exercise) -> Exercise | None:
    """The next one that is not done, in the order of the list."""
    exercises = read_exercises(desk.project)
    later = [*exercises[one.number :], *exercises[: one.number - 1]]
    return next((other for other in later if not desk.is_done(other.path)), None)


def read_yours(file: Path) -> bytes:
    """The learner's file; a sentence with its line if it is not Python."""
    text = file.read_bytes()
    try:
        compile(text, str(file), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 1)
        raise WorkspaceError(f"{file}:{line}: {error.args[0]}") from None
    return text


def _solve(desk: Desk, tree: Path, path: str) -> None:
    """Put the reference into the place of another open exercise."""
    file, _, name = desk.files(path)
    target = tree / file.relative_to(desk.project)
    new = function_text(file.read_bytes(), name, path)
    _write(target, put_function(read_yours(target), new, name, path))


def _states(desk: Desk, one: Exercise, result: dict) -> tuple[dict[str, str], str]:
    """What holds; what the first failure says, and how to see it by hand."""
    outcomes: dict[str, list[str]] = {id: [] for id in one.ids}
    for test in result["tests"].values():
        for id in set(test["ids"]) & set(one.ids):
            outcomes[id].append(test["outcome"])
    broken = result["broken"]
    states = {}
    for id, seen in outcomes.items():
        good = "passed" in seen and not broken
        states[id] = "fails" if "failed" in seen or broken else "holds" * good
    states = {id: state or "not run" for id, state in states.items()}
    red = {n: t["message"] for n, t in result["tests"].items() if t["message"]}
    for name, message in (broken | red).items():
        test = shlex.join([sys.executable, "-m", "pytest", "-s", name])
        by_hand = f"cd {shlex.quote(str(desk.copy))} && {test}"
        return states, f"{name}\n{message}\nby hand: {by_hand}"
    return states, ""


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _source(project: Path) -> str:
    """A digest of its code."""
    whole = hashlib.sha256()
    for path in walk(project / "src"):
        whole.update(str(path.relative_to(project)).encode() + path.read_bytes())
    return whole.hexdigest()


def _write(file: Path, text: bytes) -> None:
    replace_whole(file, lambda part: part.write_bytes(text))
