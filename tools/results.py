"""Measured results that are committed, `tools/results/NAME.json`, and the machine.

Such a file holds rows, and each machine once; a row names its machine by number. Rows
that are measured again replace the old ones, wherever they were measured.
"""

import importlib.metadata
import json
import platform
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.files import write_whole
from tools.machine import read_cpu, read_limits, usable_cpus
from tools.projects import WorkspaceError


PACKAGES = ("numpy", "torch")
Content = dict[str, list[dict]]


def path_of(root: Path, name: str) -> Path:
    """Where the results of that name stand."""
    return root / "tools" / "results" / f"{name}.json"


def read(root: Path, name: str) -> Content:
    """What the file holds; nothing if it is missing."""
    path = path_of(root, name)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {"machines": list(content["machines"]), "rows": list(content["rows"])}
    except FileNotFoundError:
        return {"machines": [], "rows": []}
    except (ValueError, LookupError, TypeError) as error:
        shown = path.relative_to(root)
        raise WorkspaceError(
            f"{shown} cannot be read ({error!r}); take it from git again, or remove it "
            "and measure all"
        ) from None


def replaced(
    content: Content,
    rows: Sequence[dict],
    machine: dict,
    is_old: Callable[[dict], bool],
    order: Callable[[dict], tuple],
) -> Content:
    """New rows instead of the old ones, in order; machines that nobody names go."""
    kept = [row for row in content["rows"] if not is_old(row)]
    here = [(content["machines"][row["machine"] - 1], row) for row in kept]
    here += [(machine, row) for row in rows]
    here.sort(key=lambda pair: order(pair[1]))
    machines: list[dict] = []
    for one, _ in here:
        if one not in machines:
            machines.append(one)
    numbered = [row | {"machine": machines.index(one) + 1} for one, row in here]
    return {"machines": machines, "rows": numbered}


def write(root: Path, name: str, content: Content) -> None:
    """One row a line, so that a difference shows which have changed."""
    lists = (
        f' "{key}": [\n'
        + ",\n".join(f"  {_json(one)}" for one in content[key])
        + "\n ]"
        for key in ("machines", "rows")
    )
    path = path_of(root, name)
    path.parent.mkdir(exist_ok=True)
    write_whole(path, "{\n" + ",\n".join(lists) + "\n}\n")


def this_machine() -> dict:
    """What a figure depends on, as far as one can ask without importing it."""
    cpu = read_cpu()
    found = {
        "cpu": cpu.model,
        "features": list(cpu.features),
        "cores": usable_cpus(cpu, read_limits()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine_text(machine: dict) -> str:
    """The machine in one line."""
    features = "".join(f", {name}" for name in machine["features"])
    software = ", ".join(
        f"{name} {machine[name]}" for name in ("python", *PACKAGES) if name in machine
    )
    cores = f"{machine['cores']} core{'s' if machine['cores'] != 1 else ''}"
    return f"{machine['cpu']}{features}; {cores}, {machine['system']}; {software}"


def machines_of(content: Content, rows: Sequence[dict]) -> dict[int, str]:
    """The machines that the rows name, by number, each in one line."""
    numbers = sorted({row["machine"] for row in rows})
    return {n: machine_text(content["machines"][n - 1]) for n in numbers}


def _json(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False)
