"""Which callables of `src` each unit test calls: found by running the tests once.

The sub-project is copied, and each function in the byte code begins with a probe; the
text stays, so that tests which read it see no difference. Probes work in every process
that a test starts. A test that fails so (a compiler meets the probe) is run again
without probes, and counts as one that may call anything. What a fixture or a cache
calls counts for all tests that use it. The result is kept in `exercises/.reach/`; a
test file runs again once it, a helper that it imports or anything in `src` has changed.
"""

import ast
import fcntl
import hashlib
import importlib._bootstrap_external as compiled
import importlib.util
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.files import write_whole
from tools.grading import Run
from tools.imports import files_of, imports
from tools.packages import requirement_names
from tools.projects import MADE_BY_RUNNING, requirement_files, walk
from tools.stripping import Function, body_of, definitions


PROBE = "{0!r} in __seen__ or __saw__({0!r})"
PRELUDE = """
import builtins, os
if not hasattr(builtins, "__saw__"):
    builtins.__dict__.setdefault("__seen__", set())
    def saw(name, seen=builtins.__seen__, write=os.write, file=os.open({0!r}, 1025)):
        seen.add(name)
        write(file, (name + chr(10)).encode())
    builtins.__saw__ = saw
    del saw
del builtins, os
"""
Runner = Callable[[list[Run]], None]


@dataclass(frozen=True, slots=True)
class Reach:
    """Test -> its ids, outcome and callables; and what runs before any test."""

    tests: dict[str, dict]
    early: set[str]

    def passing(self) -> dict[str, dict]:
        """The tests by which exercises are judged."""
        return {n: t for n, t in self.tests.items() if t["outcome"] == "passed"}

    def callers(self, dotted: str, ids: Sequence[str] | None = None) -> list[str]:
        """The passing tests that may call it.

        A test of which nothing is known may; with `ids` only if it quotes one of them.
        """
        return [
            name
            for name, test in self.passing().items()
            if dotted in self.early
            or dotted in (test["seen"] or ())
            or (test["seen"] is None and (ids is None or set(ids) & set(test["ids"])))
        ]


def find_reach(
    project: Path,
    kept: Path,
    scratch: Path,
    run: Runner,
    whole: list[str] | None = None,
) -> Reach:
    """Run the test files that changed since the last time, and read the rest.

    With `whole` only tests of these ids run to their end, the others as long as they
    are quick and start no process; of what is so cut short nothing is kept.
    """
    files = sorted(path for path in (project / "tests").glob("test_*.py"))
    kept.parent.mkdir(parents=True, exist_ok=True)
    with open(kept.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another call may be at the same work
        keys, old = _keys(project, files), _read(kept)
        notes = {n: old[n] for n in keys if old.get(n, {}).get("key") == keys[n]}
        todo = [name for name in keys if name not in notes]
        if todo:
            new = _run_with_probes(project, todo, scratch, run, whole)
        for name in todo:
            own = {n: t for n, t in new["tests"].items() if n.split("::")[0] == name}
            notes[name] = {"key": keys[name], "tests": own, "early": new["early"]}
        if todo and whole is None:
            write_whole(kept, json.dumps(notes))
    tests = {n: t for note in notes.values() for n, t in note["tests"].items()}
    return Reach(tests, {name for note in notes.values() for name in note["early"]})


def copy_project(project: Path, folder: Path) -> Path:
    """A copy without what running made; below `folder`, with the same name."""
    ignore = shutil.ignore_patterns(*MADE_BY_RUNNING, ".*")
    return shutil.copytree(project, folder / project.name, ignore=ignore)


def imports_of(project: Path) -> list[str]:
    """What its requirement files name."""
    return sorted({n for f in requirement_files(project) for n in requirement_names(f)})


def _run_with_probes(
    project: Path,
    files: list[str],
    scratch: Path,
    run: Runner,
    whole: list[str] | None,
) -> dict:
    tree = copy_project(project, scratch / "probes")
    seen, out = scratch / "seen.txt", scratch / "reach.json"
    seen.touch()
    _place_probes(tree, seen)
    run([Run(str(tree), str(out), files, seen=str(seen), whole=whole, limit=1800)])
    found = json.loads(out.read_text(encoding="utf-8"))
    blind = [
        name
        for name, test in found["tests"].items()
        if test["outcome"] == "failed"
        and (whole is None or set(test["ids"]) & set(whole))
    ]
    shutil.rmtree(tree)
    if blind:
        plain = copy_project(project, scratch / "plain")
        again = sorted({name.split("::")[0] for name in blind})
        run([Run(str(plain), str(out), again, only=blind)])
        for name, test in json.loads(out.read_text(encoding="utf-8"))["tests"].items():
            found["tests"][name] = test | {"seen": None}
    return found


def _place_probes(tree: Path, seen: Path) -> None:
    """Byte code with probes beside every source; Python does not compare the two."""
    for file in walk(tree / "src", ".py"):
        code = ast.parse(file.read_bytes())
        module = ".".join(file.relative_to(tree / "src").with_suffix("").parts)
        module = module.removesuffix("__init__").removesuffix(".")
        for path, node in list(definitions(code)):
            if isinstance(node, Function):
                probe = ast.parse(PROBE.format(f"{module}.{path}")).body
                body = body_of(node)
                for part in ast.walk(probe[0]):
                    ast.copy_location(part, body[0] if body else node.body[0])
                node.body[len(node.body) - len(body) :] = [*probe, *body]
        if file == tree / "src" / "__init__.py":
            has = ast.get_docstring(code) is not None
            code.body[has:has] = ast.parse(PRELUDE.format(str(seen))).body
        data = compiled._code_to_hash_pyc(
            compile(code, str(file), "exec", dont_inherit=True), b"unlooked", False
        )
        target = Path(importlib.util.cache_from_source(str(file)))
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(data)


def _keys(project: Path, files: list[Path]) -> dict[str, str]:
    """Test file -> a digest of `src`, of the file and of the helpers it imports."""
    common = hashlib.sha256(b"2")
    for path in walk(project / "src"):
        common.update(str(path.relative_to(project)).encode() + path.read_bytes())
    keys = {}
    for file in files:
        own, seen, todo = common.copy(), set(), [file]
        while todo:
            path = todo.pop()
            if path not in seen and path.is_relative_to(project / "tests"):
                seen.add(path)
                own.update(path.read_bytes())
                tree = ast.parse(path.read_bytes())
                for item in imports(tree):
                    todo += files_of(project, path, item) or []
        keys[file.relative_to(project).as_posix()] = own.hexdigest()
    return keys


def _read(kept: Path) -> dict:
    try:
        return json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
