"""Shared files: declared by their first line, compared whole, healed by one command.

A shared pattern is a whole file at the same path in each sub-project that uses it (the
path is relative to `src/` for files there). Only lines between `# local: begin` and
`# local: end` may differ. There is no original: copies are grouped by equality, the
largest group first. A sub-project that does not declare a package that a pattern needs
is not asked to share it, and may have a file of its own at that path.
"""

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.files import replace_whole
from tools.needs import can_share
from tools.projects import ROOT, WorkspaceError, find_projects, walk
from tools.regions import BEGIN, split_local


COMMENTS = {
    ".py": ("# ", ""),
    ".toml": ("# ", ""),
    ".yaml": ("# ", ""),
    ".yml": ("# ", ""),
    ".js": ("// ", ""),
    ".css": ("/* ", " */"),
    ".html": ("<!-- ", " -->"),
}
"""What a comment begins and ends with in each kind of file that is looked at."""
LOOKS_LIKE = re.compile(r"\s*(#+|//+|/\*|<!--)\s*patterns?\b\s*[:=-]", re.IGNORECASE)


def header(path: str) -> str:
    """The first line of every copy of a pattern."""
    begin, end = COMMENTS[Path(path).suffix]
    return (
        f"{begin}pattern: {path} -- the same in every sub-project; edit one, "
        f"then: python -m tools.copies sync {path} --from <sub-project>{end}"
    )


def members(root: Path) -> dict[str, dict[str, Path]]:
    """Pattern path -> unit name -> file, for every file that carries its marker."""
    found: dict[str, dict[str, Path]] = {}
    for unit in _units(root):
        for file in walk(unit, *COMMENTS):
            path = pattern_path(unit, file)
            begin, _ = COMMENTS[file.suffix]
            if _first_line(file).startswith(f"{begin}pattern:"):
                found.setdefault(path, {})[unit.name] = file
    return found


def check(root: Path) -> list[str]:
    """Every problem, each with its remedy; empty when all copies agree."""
    problems = [p for unit in _units(root) for p in _marker_problems(root, unit)]
    projects = find_projects(root)
    for path, files in sorted(members(root).items()):
        owner, file = next(iter(files.items()))
        others = [
            unit
            for unit in _units(root)
            if unit.name not in files and can_share(unit, root / owner, file)
        ]
        if len(files) == 1 and set(others) & set(projects):
            problems.append(
                f"{path}: only {owner} has this pattern; copy it with "
                f"python -m tools.copies sync {path} --from {owner} "
                "--to <sub-project>, or remove its first line"
            )
        for unit in others:
            same = _place(unit, root, file)
            if same.exists():
                problems.append(
                    f"{same.relative_to(root)}: the same path is a shared pattern in "
                    f"{', '.join(files)}, but this file has no marker; rename it, or "
                    f"type: python -m tools.copies sync {path} "
                    f"--from {owner} --to {unit.name}"
                )
        problems += _drift(root, path, files)
    return problems


def sync(root: Path, path: str, source: str, to: Sequence[str] = ()) -> list[Path]:
    """Write the text of `source` to the other copies, which keep their local regions.

    `to` names units that get a first copy. Returns the files that were changed.
    """
    files = members(root).get(path, {})
    if not files:
        raise WorkspaceError(f"{path} is not a shared pattern; see: tools.copies list")
    if source not in files:
        raise WorkspaceError(f"{source} has no {path}; it is in: {', '.join(files)}")
    units = {unit.name: unit for unit in _units(root)}
    for name in to:
        if name not in units:
            raise WorkspaceError(f"{name} is not here; known: {', '.join(units)}")
    text = _read(files[source])
    targets = files | {name: _place(units[name], root, files[source]) for name in to}
    written = {}
    for file in targets.values():
        old = _read(file) if file.exists() else text
        written[file] = _with_regions(text, old, file) if BEGIN in old else text
    changed = [file for file, new in written.items() if _read(file) != new]
    for file in changed:
        file.parent.mkdir(parents=True, exist_ok=True)
        content = written[file].encode("utf-8", "surrogateescape")
        replace_whole(file, lambda part, content=content: part.write_bytes(content))
    return changed


def pattern_path(unit: Path, file: Path) -> str:
    """The name of a file as a pattern: its path below `src/`, else below the unit."""
    path = file.relative_to(unit)
    return Path(*path.parts[path.parts[0] == "src" :]).as_posix()


def _marker_problems(root: Path, unit: Path) -> list[str]:
    problems = []
    for file in walk(unit, *COMMENTS):
        text, shown = _read(file), file.relative_to(root)
        right = header(pattern_path(unit, file))
        for number, line in enumerate(text.splitlines(), start=1):
            if LOOKS_LIKE.match(line) and (number > 1 or line != right):
                problems.append(
                    f"{shown}:{number}: looks like a pattern marker but is none; "
                    f"it must be the first line and read\n    {right}"
                )
        try:
            split_local(text)
        except ValueError as error:
            problems.append(f"{shown}: {error}")
    return problems


def _drift(root: Path, path: str, files: dict[str, Path]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for name, file in files.items():
        try:
            groups.setdefault(split_local(_read(file))[0], []).append(name)
        except ValueError:
            continue  # told by _marker_problems
    if len(groups) < 2:
        return []
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    (base, first), rest = ordered[0], ordered[1:]
    problems = []
    for text, names in rest:
        diff = difflib.unified_diff(
            base.splitlines(),
            text.splitlines(),
            str(files[first[0]].relative_to(root)),
            str(files[names[0]].relative_to(root)),
            lineterm="",
            n=1,
        )
        lines = [f"{path}: {', '.join(names)} differs from {', '.join(first)}"]
        lines += [f"    {line}" for line in diff] or ["    only in line endings"]
        for name in (first[0], names[0]):
            command = f"python -m tools.copies sync {path} --from {name}"
            lines.append(f"  keep {name}'s: {command}")
        problems.append("\n".join(lines))
    return problems


def _with_regions(text: str, old: str, file: Path) -> str:
    try:
        (shared, ours), (_, theirs) = split_local(text), split_local(old)
    except ValueError as error:
        raise WorkspaceError(f"{file}: {error}; nothing was written") from None
    if len(ours) != len(theirs):
        raise WorkspaceError(
            f"{file} has {len(theirs)} local regions and the source {len(ours)}; "
            "make the numbers equal by hand first; nothing was written"
        )
    lines, regions = [], iter(theirs)
    for line in shared.splitlines(keepends=True):
        lines.append(line)
        if line.strip() == BEGIN:
            lines.append(next(regions))
    return "".join(lines)


def _units(root: Path) -> list[Path]:
    return [*find_projects(root), root / "tools"]


def _place(unit: Path, root: Path, like: Path) -> Path:
    """Where a unit has, or would have, the file that another one has at `like`."""
    return unit / Path(*like.relative_to(root).parts[1:])


def _read(file: Path) -> str:
    """The exact text; bytes that are not UTF-8 survive the way to disk and back."""
    return file.read_bytes().decode("utf-8", "surrogateescape") if file.exists() else ""


def _first_line(file: Path) -> str:
    return _read(file).split("\n", 1)[0]


def main(arguments: list[str] | None = None) -> int:
    """`list`, `check`, or `sync PATH... --from NAME [--to NAME...]`."""
    parser = argparse.ArgumentParser(prog="tools.copies", description=main.__doc__)
    parser.add_argument("command", choices=["list", "check", "sync"])
    parser.add_argument("paths", nargs="*", metavar="PATH")
    parser.add_argument("--from", dest="source", metavar="NAME")
    parser.add_argument("--to", nargs="+", default=[], metavar="NAME")
    given = parser.parse_args(arguments)
    try:
        if given.command == "sync":
            if not given.paths or not given.source:
                parser.error("sync needs PATH and --from NAME")
            for path in given.paths:
                for file in sync(ROOT, path, given.source, given.to):
                    print(f"wrote {file.relative_to(ROOT)}")
            return 0
        if given.command == "list":
            for path, files in sorted(members(ROOT).items()):
                print(f"{path}  {', '.join(files)}")
            return 0
        problems = check(ROOT)
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(problems) or f"{len(members(ROOT))} patterns, all copies agree")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
