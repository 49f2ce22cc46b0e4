"""Get a public data set from its official address, as the sub-projects read it.

Every file is checked against a known size and SHA-256 (tools/datasets.tsv). What stops
half-way goes on when the same command is typed again; the folder appears only when all
of it is there. `--from` takes the files from another address, checked all the same.
"""

import argparse
import contextlib
import datetime
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tools.datasets import DATASETS, Dataset
from tools.download import download, downloaded
from tools.processes import handle_signals, say
from tools.projects import ROOT, WorkspaceError, select
from tools.unpacking import unpack


try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

NOTE = "fetched.json"
"""In the folder of a data set: where it is from, and the size of each of its files."""
SPARE = 50_000_000
"""Bytes that stay free on the disk."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch a data set, or list them; the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools fetch",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", help=f"one of {', '.join(DATASETS)}")
    parser.add_argument("--list", action="store_true", help="what there is, and stop")
    parser.add_argument("--to", type=Path, metavar="DIR", help="default: data/NAME")
    parser.add_argument(
        "--from", dest="base", metavar="URL", help="a folder on the web with the files"
    )
    given = parser.parse_args(arguments)
    handle_signals()
    try:
        if given.list:
            print(listing())
            return 0
        if not given.name:
            raise WorkspaceError(f"which data set? There are {', '.join(DATASETS)}")
        (name,) = select([given.name], list(DATASETS))
        target = (given.to or ROOT / "data" / name).absolute()
        fetch(name, DATASETS[name], target, given.base)
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    print(f"{name} is in {target}")
    print(next_commands(DATASETS[name], target))
    return 0


def fetch(name: str, dataset: Dataset, target: Path, base: str | None) -> None:
    """Make the folder `target`, whole; nothing is done where it is there already."""
    if base:
        _check_address(base)
    if _is_there(target, name):
        return
    work = target.parent / f".{target.name}.fetching"
    with _locked(work):
        if _is_there(target, name):  # another process has just done it
            shutil.rmtree(work, ignore_errors=True)
            return
        whole = work / "whole"
        shutil.rmtree(whole, ignore_errors=True)  # left by a stop: takes up space
        say(f"{dataset.title}\nlicence: {dataset.licence}\ncite: {dataset.citation}")
        _check_space(dataset, work)
        for file in dataset.files:
            url = f"{base.rstrip('/')}/{file.name}" if base else file.url
            say(f"{url} ({file.size / 1e6:,.1f} MB)")
            download(file, work / file.name, url)
        try:
            _arrange(name, dataset, work, whole)
            if target.exists():
                target.rmdir()  # empty, as _is_there has seen
            whole.rename(target)
        except OSError as error:
            place = error.filename or target
            raise WorkspaceError(
                f"{place}: cannot be written ({error.strerror}). What was downloaded "
                "is kept; type the same command again"
            ) from None
        shutil.rmtree(work, ignore_errors=True)


def listing() -> str:
    """Every data set: name, size of the download, licence, what it is, who reads it."""
    lines = []
    for name, one in DATASETS.items():
        readers = ", ".join(dict.fromkeys(project for project, _ in one.commands))
        lines.append(f"{name:<17}{one.size / 1e6:6.1f} MB  {one.licence}")
        lines += [f"    {one.title}", f"    read by {readers}"]
    return "\n".join(lines)


def next_commands(dataset: Dataset, target: Path) -> str:
    """What to type now, in the folder of each sub-project that reads it."""
    lines = []
    for project, command in dataset.commands:
        folder = ROOT / project
        place = os.path.relpath(target, folder) if ROOT in target.parents else target
        words = [w.replace("{data}", str(place)) for w in shlex.split(command)]
        if f"next, in {project}/:" not in lines:
            lines.append(f"next, in {project}/:")
        lines.append(f"  {shlex.join(words)}")
    return "\n".join(lines)


def _check_address(base: str) -> None:
    try:
        parts = urlsplit(base)
        good = parts.scheme in ("http", "https") and parts.hostname
        good = good and (parts.port or True)  # a port that is no number raises
    except ValueError:
        good = False
    if not good or any(c.isspace() or not c.isprintable() for c in base):
        raise WorkspaceError(
            f"--from {base!r} is no address; it must begin with http:// or https:// "
            "and name a server, as in https://mirror.example/mnist"
        )


def _is_there(target: Path, name: str) -> bool:
    """Whether `target` is the whole data set; WorkspaceError if it is another."""
    try:
        if not target.exists() or (target.is_dir() and not any(target.iterdir())):
            return False
        note = json.loads((target / NOTE).read_text(encoding="utf-8"))
        ours, sizes = note["name"] == name, dict(note["sizes"].items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        ours, sizes = False, {}
    if not ours:
        raise WorkspaceError(
            f"{target}: is there already, and is not {name} as fetch writes it. Give "
            "another folder with --to, or move this one away"
        )
    for path, size in sizes.items():
        found = target / path
        if not found.is_file() or found.stat().st_size != size:
            raise WorkspaceError(
                f"{found}: is missing or not as it was fetched. Remove {target}, then "
                "type the same command again"
            )
    return True


@contextlib.contextmanager
def _locked(work: Path) -> Iterator[None]:
    """The folder of what is not whole yet, for one process at a time."""
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = (work / "lock").open("a")
    except OSError as error:
        raise WorkspaceError(
            f"{work}: cannot be made ({error.strerror}). Give another folder with --to"
        ) from None
    with lock:
        try:
            if fcntl:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WorkspaceError(
                f"{work}: another process is fetching the same; wait for it, or stop it"
            ) from None
        yield


def _check_space(dataset: Dataset, work: Path) -> None:
    here = sum(downloaded(file, work / file.name) for file in dataset.files)
    needed = dataset.size - here + (dataset.unpacked or dataset.size) + SPARE
    free = shutil.disk_usage(work).free
    if free < needed:
        raise WorkspaceError(
            f"{work.parent}: needs {needed / 1e6:,.0f} MB and has {free / 1e6:,.0f} MB "
            "free. Make room, or give a folder on another disk with --to"
        )


def _arrange(name: str, dataset: Dataset, work: Path, whole: Path) -> None:
    """In `whole` what becomes the data set, with a note of where it is from."""
    whole.mkdir()
    for file in dataset.files:
        if dataset.unpacked:
            say(f"unpacking {file.name}")
            unpack(work / file.name, whole, dataset.place, dataset.unpacked)
        else:
            shutil.copyfile(work / file.name, whole / file.name)
    if dataset.finish:
        say(dataset.finish(whole))
    paths = sorted(path for path in whole.rglob("*") if path.is_file())
    note = {
        "name": name,
        "title": dataset.title,
        "licence": dataset.licence,
        "citation": dataset.citation,
        "fetched": datetime.date.today().isoformat(),
        "files": {file.url: file.sha256 for file in dataset.files},
        "sizes": {str(p.relative_to(whole)): p.stat().st_size for p in paths},
    }
    (whole / NOTE).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
