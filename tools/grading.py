"""Run tests of copies of one sub-project: the packages are imported once, then forked.

A job is a list of runs. Each run is a pytest in a child of its own, in a copied tree,
of which one file may be replaced for its time; the outcomes go to a JSON file.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from tools.recorder import Recorder


IMPORTS = {  # distribution -> module, of what takes long
    "numpy": "numpy",
    "pyyaml": "yaml",
    "torch": "torch",
    "jaxtyping": "jaxtyping",
    "beartype": "beartype",
    "hypothesis": "hypothesis",
    "typer": "typer",
    "scipy": "scipy.stats",
    "scikit-learn": "sklearn.base",
}
EACH = 60  # seconds a test may take; without its body a loop may never end


@dataclass(frozen=True, slots=True)
class Run:
    """What to run, and where the outcomes go."""

    tree: str  # a copy of the sub-project
    out: str
    files: list[str]  # test files, relative to the tree
    only: list[str] | None = None  # node ids; None: all that carry a spec mark
    ids: list[str] | None = None  # only tests that quote one of these
    swap: dict[str, str] = field(default_factory=dict)  # file -> text during the run
    seen: str = ""  # file to which the probes of `tools.reach` write
    whole: list[str] | None = None  # ids whose tests may take long; None: all
    limit: float = 900


def main(arguments: list[str] | None = None) -> int:
    """Run every run of a job file, one after another."""
    (path,) = sys.argv[1:] if arguments is None else arguments
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported
    for name, module in IMPORTS.items():
        if name in job["imports"] and importlib.util.find_spec(module.split(".")[0]):
            importlib.import_module(module)
    try:
        for words in job["runs"]:
            _run(Run(**words))
    except KeyboardInterrupt:
        return 130
    return 0


def write_job(path: Path, imports: list[str], runs: list[Run]) -> None:
    """The file that `main` reads."""
    content = {"imports": imports, "runs": [asdict(run) for run in runs]}
    path.write_text(json.dumps(content), encoding="utf-8")


def _run(run: Run) -> None:
    kept = {}
    for name, text in run.swap.items():
        file = Path(run.tree, name)
        kept[file] = file.read_bytes()
        _replace(file, text.encode("utf-8", "surrogateescape"))
    try:
        _fork(run)
    finally:
        for file, old in kept.items():
            _replace(file, old)


def _replace(file: Path, text: bytes) -> None:
    """Write it, and drop what Python compiled from the text before."""
    file.write_bytes(text)
    for compiled in file.parent.glob(f"__pycache__/{file.stem}.*"):
        compiled.unlink()


def _fork(run: Run) -> None:
    sys.stdout.flush()  # or the child says it once more
    child = os.fork()
    if not child:
        code = 70
        try:
            os.setsid()
            code = _pytest(run)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    end = time.monotonic() + run.limit
    try:
        while not os.waitpid(child, os.WNOHANG)[0]:
            if time.monotonic() > end:
                Path(run.out).unlink(missing_ok=True)
                return
            time.sleep(0.02)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)  # and what the tests left behind


def _pytest(run: Run) -> int:
    """In the child: become a pytest that was started in the tree."""
    here = os.getcwd()
    os.chdir(run.tree)
    sys.path[:] = [run.tree, *(p for p in sys.path if p not in ("", here))]
    for name in [name for name in sys.modules if name.split(".")[0] == "tools"]:
        del sys.modules[name]
    log = os.open(f"{run.out}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    words = ["-q", "--tb=line", "-p", "no:cacheprovider"]
    words += ["--continue-on-collection-errors", "--no-header"]
    words += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # imported before
    if run.whole is not None:  # a test that was cut short leaves files open
        words += ["-p", "no:unraisableexception"]
    if importlib.util.find_spec("pytest_timeout"):
        words += ["-o", f"timeout={EACH}"]
        if "PYTEST_DISABLE_PLUGIN_AUTOLOAD" in os.environ:
            words += ["-p", "pytest_timeout"]
    recorder = Recorder(run)
    code = pytest.main([*words, *run.files], plugins=[recorder])
    Path(run.out).write_text(json.dumps(recorder.result()), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
