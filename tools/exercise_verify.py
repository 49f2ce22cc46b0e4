"""Prove of each exercise: it fails without the body, with exactly the listed ids.

Judged by the unit tests (tests/test_*.py) that carry a spec mark. They run once with
the bodies, and have to pass; then, without each body, those that call it run again
(`tools.prover`). So that this stays cheap, only tests of ids that some exercise of the
sub-project lists take part; with `--list` all do.
"""

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.exercise_list import Exercise
from tools.grading import copy_project, grade
from tools.probes import Place, place_probes
from tools.projects import WorkspaceError
from tools.stripping import find_module, strip


LIMIT = 300  # seconds, and five times what they took: for the tests of an exercise
SENTENCE = re.compile(r"^- \*\*([A-Z]+-\d{3})\*\* (\S.*(?:\n  \S.*)*)", re.M)
LEAST = 12  # exercises of a sub-project


@dataclass(frozen=True, slots=True)
class Verdict:
    """The ids that fail without the body, or why that cannot be said."""

    path: str
    failing: tuple[str, ...] = ()
    problem: str = ""


def verify(
    project: Path,
    paths: Sequence[str],
    listed: Mapping[str, Sequence[str]],
    ids: Sequence[str] | None = None,
) -> list[Verdict]:
    """A verdict on each callable, by the tests of some ids (of all: None)."""
    if not hasattr(os, "fork"):
        raise WorkspaceError("verify needs Linux or a Mac; the rest works anywhere")
    places, verdicts = {}, {}
    for path in paths:
        try:
            places[path] = _place(project, path)._replace(ids=listed.get(path, ()))
        except WorkspaceError as error:
            verdicts[path] = Verdict(path, problem=str(error))
    if places:
        with tempfile.TemporaryDirectory(prefix="exercise-") as folder:
            result = _prove(project, Path(folder).resolve(), places, ids)
        for path in places:
            verdicts[path] = _judge(path, result, ids)
    return [verdicts[path] for path in paths]


def judge(one: Exercise, verdict: Verdict, known: dict[str, str]) -> str:
    """What is wrong with the listed ids; empty if they are exactly right."""
    listed, failing = set(one.ids), set(verdict.failing)
    if unknown := sorted(listed - set(known)):
        return f"{one.where}: docs/SPEC.md has no {', '.join(unknown)}"
    if verdict.problem:
        return f"{one.where}: {verdict.problem}"
    if listed == failing:
        return ""
    parts = []
    if extra := ", ".join(sorted(listed - failing)):
        parts.append(f"{extra} still holds without it: take it from the list")
    if missing := ", ".join(sorted(failing - listed)):
        parts.append(f"{missing} fails without it too: add it to the list")
    return f"{one.where}: {one.path}: {'; '.join(parts)}"


def known_ids(project: Path) -> dict[str, str]:
    """Id -> sentence of docs/SPEC.md."""
    document = project / "docs" / "SPEC.md"
    text = document.read_text(encoding="utf-8") if document.exists() else ""
    return {item[1]: " ".join(item[2].split()) for item in SENTENCE.finditer(text)}


def _place(project: Path, dotted: str) -> Place:
    file, name = find_module(project, dotted)
    text = strip(file.read_bytes(), name, dotted).decode("utf-8", "surrogateescape")
    return Place(file.relative_to(project).as_posix(), name, text)


def _prove(
    project: Path, scratch: Path, places: dict[str, Place], ids: Sequence[str] | None
) -> dict:
    tree, seen = copy_project(project, scratch), scratch / "seen.txt"
    seen.touch()
    place_probes(tree, places, seen)
    result = grade(scratch, tree, ids, seen=str(seen), places=places, each=LIMIT)
    bad = list(result["broken"].items())
    bad += [
        (name, test["message"])
        for name, test in result["tests"].items()
        if test["outcome"] == "failed"
    ]
    if bad:
        lines = [f"{name}: {message}" for name, message in bad[:5]]
        raise WorkspaceError(
            "\n".join([*lines, f"{project.name}: {len(bad)} of its tests fail"])
            + " without any exercise; repair them first"
        )
    return result


def _judge(path: str, result: dict, ids: Sequence[str] | None) -> Verdict:
    if path in result["early"]:
        why = f"{path} is called before any test runs, by an import"
        return Verdict(path, problem=why)
    red = result["red"][path]
    if isinstance(red, str):
        why = f"without {path}, {red} did not end in time or ended Python"
        return Verdict(path, problem=why)
    failing = tuple(id for id in red if ids is None or id in ids)
    if not failing:
        why = f"no test notices that {path} is gone; its tests are too weak to teach it"
        why += "" if ids is None else " (or its ids are in no list; see verify --list)"
        return Verdict(path, problem=why)
    return Verdict(path, failing)
