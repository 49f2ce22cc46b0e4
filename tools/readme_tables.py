"""Tables that no hand has typed: the text between two markers of a README.

    <!-- parity: begin -->
    what `python -m tools parity` writes
    <!-- parity: end -->

The README of the root must have them once there are results; that of a sub-project may,
and shows its own rows.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from tools.files import write_whole
from tools.projects import WorkspaceError, find_projects


LONG = 12  # rows: a table of more is folded behind its counts
Tables = Callable[[Path], str]  # README's folder -> what stands between the markers


def markers(name: str) -> tuple[str, str]:
    """The lines around the table of that name."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def update(root: Path, name: str, tables: Tables) -> list[Path]:
    """Write the table into each README that has its markers; those that changed."""
    new = _texts(root, name, tables)
    changed = [path for path, (before, after) in new.items() if before != after]
    for path in changed:
        write_whole(path, new[path][1])
    return changed


def stale(root: Path, name: str, tables: Tables) -> list[str]:
    """A sentence for each README whose table is not the one of the results."""
    try:
        texts = _texts(root, name, tables)
    except WorkspaceError as error:
        return [str(error)]
    problems = []
    for path, (before, after) in texts.items():
        if before != after:
            pairs = zip(before.splitlines(), after.splitlines(), strict=False)
            differ = [number for number, (a, b) in enumerate(pairs, 1) if a != b]
            line = differ[0] if differ else len(before.splitlines())
            problems.append(
                f"{path.relative_to(root)}:{line}: the table `{name}` is not that of "
                f"the results; type: python -m tools {name} --table"
            )
    return problems


def replace(text: str, name: str, table: str) -> str:
    """The text with that table between its markers; WorkspaceError without a pair."""
    begin, end = markers(name)
    lines = text.splitlines(keepends=True)
    found = [line.strip() for line in lines if line.strip() in (begin, end)]
    if found != [begin, end]:
        told = f"{len(found)} of them" if found else "none"
        raise WorkspaceError(
            f"needs one line {begin} and below it one line {end}, and has {told}; "
            "write them where the table shall stand"
        )
    places = [i for i, line in enumerate(lines) if line.strip() in (begin, end)]
    inside = f"{table}\n" if table else ""
    return "".join([*lines[: places[0] + 1], inside, *lines[places[1] :]])


def markdown(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of Markdown; a bar in a cell stays a bar."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in (heads, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(heads), *lines[1:]])


def by_project(
    root: Path,
    rows: Sequence[dict],
    told: Callable[[Sequence[dict]], str],
    heads: Sequence[str],
    lines: Callable[[str, Sequence[dict]], Sequence[Sequence[object]]],
    full: Callable[[Sequence[dict]], str],
) -> Tables:
    """Of the root `lines` of each sub-project, and its full table folded; of a
    sub-project its full table; `told` about the rows above both."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(row["project"], []).append(row)

    def table(folder: Path) -> str:
        own = rows if folder == root else groups.get(folder.name, [])
        if not own:
            return ""
        parts = [told(own)]
        if folder == root:
            short = [
                line for name, some in groups.items() for line in lines(name, some)
            ]
            parts += [markdown(heads, short)]
            parts += [
                folded(f"{name}: {len(some)} comparisons", full(some))
                for name, some in groups.items()
            ]
        elif len(own) > LONG:
            parts += [markdown(heads, lines(folder.name, own))]
            parts += [folded("each comparison", full(own))]
        else:
            parts += [full(own)]
        return "\n" + "\n\n".join(parts) + "\n"

    return table


def folded(title: str, table: str) -> str:
    """What a reader of the page opens by a click."""
    return f"<details><summary>{title}</summary>\n\n{table}\n\n</details>"


def _texts(root: Path, name: str, tables: Tables) -> dict[Path, tuple[str, str]]:
    """README -> its text now and as it should be; the root's if it has anything."""
    found = {}
    for folder in (root, *find_projects(root)):
        path = folder / "README.md"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        table = tables(folder)
        if any(marker in text for marker in markers(name)) or (
            folder == root and table
        ):
            try:
                found[path] = text, replace(text, name, table)
            except WorkspaceError as error:
                raise WorkspaceError(f"{path.relative_to(root)} {error}") from None
    return found
