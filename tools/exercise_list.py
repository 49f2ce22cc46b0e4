"""docs/EXERCISES.md of a sub-project: callables, requirement ids, hints, in order."""

import re
from dataclasses import dataclass
from pathlib import Path

from tools.projects import WorkspaceError, find_projects, select


HEADING = re.compile(r"^## (\d+)\. `([^`]+)`\s*$")
NEARLY = re.compile(r"^#+ ")
REQUIREMENTS = re.compile(r"^requirements: *(.*)$")
ID = re.compile(r"[A-Z]+-\d{3}")
FORM = "## 1. `models.lenet.LeNet.forward`"


@dataclass(frozen=True, slots=True)
class Exercise:
    """One section; `hints` are its paragraphs, the first one tells least."""

    project: str
    number: int
    path: str
    ids: tuple[str, ...]
    hints: tuple[str, ...]
    where: str

    @property
    def name(self) -> str:
        """As a person types it."""
        return f"{self.project}:{self.path}"


def read_exercises(project: Path) -> list[Exercise]:
    """The exercises of a sub-project in their order; empty if it has no list."""
    document = project / "docs" / "EXERCISES.md"
    if not document.exists():
        return []
    shown = f"{project.name}/docs/EXERCISES.md"
    found, start, lines = [], 0, document.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if not NEARLY.match(line) or (line.startswith("# ") and not found):
            continue
        if not HEADING.match(line):
            raise WorkspaceError(
                f"{shown}:{number}: {line!r} is not the heading of an exercise; "
                f"write it like {FORM}"
            )
        found.append(number)
    exercises = []
    for at, start in enumerate(found):
        end = found[at + 1] - 1 if at + 1 < len(found) else len(lines)
        exercises.append(_read_one(project, f"{shown}:{start}", lines[start - 1 : end]))
    _check_order(exercises)
    if not exercises:
        raise WorkspaceError(f"{shown} has no exercise; they begin like {FORM}")
    return exercises


def find_exercise(root: Path, word: str) -> Exercise:
    """The exercise that a person named as P:CALLABLE (or P:NUMBER)."""
    project, path = split_name(root, word)
    exercises = read_exercises(project)
    for one in exercises:
        if path in (one.path, str(one.number)):
            return one
    if not exercises:
        raise WorkspaceError(f"{project.name} has no docs/EXERCISES.md")
    if not path:
        raise WorkspaceError(
            f"{word} is a sub-project; write {project.name}:1 to "
            f"{project.name}:{len(exercises)} for one of its exercises"
        )
    select([path], [one.path for one in exercises])
    raise AssertionError("select refuses what is not there")


def split_name(root: Path, word: str) -> tuple[Path, str]:
    """(folder of the sub-project, path; empty when there is none) of P:CALLABLE."""
    name, _, path = word.partition(":")
    if not name:
        raise WorkspaceError(f"{word!r} names no sub-project; write P:CALLABLE")
    (known,) = select([name], [folder.name for folder in find_projects(root)])
    return root / known, path


def _read_one(project: Path, where: str, lines: list[str]) -> Exercise:
    number, path = HEADING.match(lines[0]).groups()
    rest = [line.rstrip() for line in lines[1:]]
    text = "\n".join(rest).strip().split("\n")
    asked = REQUIREMENTS.match(text[0])
    if not asked:
        raise WorkspaceError(
            f"{where}: {path} has no line `requirements: ABC-001, ABC-002` "
            "below its heading"
        )
    ids = tuple(word.strip() for word in asked[1].split(",") if word.strip())
    wrong = [word for word in ids if not ID.fullmatch(word)]
    if wrong or not ids or len(set(ids)) < len(ids):
        raise WorkspaceError(
            f"{where}: {asked[1]!r} is not a list of different ids such as "
            "ABC-001, ABC-002"
        )
    hints = tuple(
        part.strip() for part in "\n".join(text[1:]).split("\n\n") if part.strip()
    )
    if not hints:
        raise WorkspaceError(f"{where}: {path} has no hint")
    return Exercise(project.name, int(number), path, ids, hints, where)


def _check_order(exercises: list[Exercise]) -> None:
    seen: dict[str, str] = {}
    for at, one in enumerate(exercises, start=1):
        if one.number != at:
            raise WorkspaceError(f"{one.where}: number {one.number} should be {at}")
        if one.path in seen:
            raise WorkspaceError(f"{one.where}: {one.path} is also at {seen[one.path]}")
        seen[one.path] = one.where
