# pattern: utils/latest.py -- the same in every sub-project; edit one, then: python -m tools.copies sync utils/latest.py --from <sub-project>
"""`runs/latest`, and the run folder that a person means by a path.

It is a relative symlink that is swapped atomically; where symlinks are refused, as on
Windows, the text file `latest.txt` holds the name instead.
"""

import os
from pathlib import Path

from .atomic import write_atomically
from .errors import InputError


def resolve(path: str | Path) -> Path:
    """`path`, with `latest` followed where it is a text file, not a symlink."""
    path = Path(path)
    for folder in (path, *path.parents):
        if folder.name != "latest" or folder.exists():
            continue
        pointer = folder.with_name("latest.txt")
        if pointer.is_file():
            target = folder.parent / pointer.read_text(encoding="utf-8").strip()
            return target / path.relative_to(folder)
    return path


def find_run(path: str | Path, out: Path) -> Path:
    """The run folder that is meant by a folder, a checkpoint or `latest`."""
    given = resolve(out / "latest" if str(path) == "latest" else path)
    parents = given.parents[:2] if given.exists() or given.suffix else ()
    for folder in (given, *parents, out / path):
        if (folder / "checkpoints").is_dir():
            # The link may move to another run while this one goes on.
            return folder.resolve() if folder.name == "latest" else folder
    runs = sorted(
        p.parent.name for p in out.glob("*/meta.json") if p.parent.name != "latest"
    )
    known = (
        f"{out}/ has: {', '.join(runs)}"
        if runs
        else (
            f"no run has been made in {out}/ yet: python scripts/train.py --config ..."
        )
    )
    exists = given.exists() or (out / path).exists()
    what = "is not a run folder" if exists else "no such run"
    raise InputError(f"--resume {path}: {what}; {known}")


def point_latest(run: Path) -> None:
    """Let `latest`, beside the run, link to it (on Windows by a text file)."""
    latest = run.parent / "latest"
    temporary = run.parent / f".latest.{os.getpid()}.tmp"
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(run.name)
        os.replace(temporary, latest)
    except OSError:
        latest.unlink(missing_ok=True)  # a link to an older run would win over the text
        write_atomically(run.parent / "latest.txt", run.name.encode())
