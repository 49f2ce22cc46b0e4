"""A pytest of a copied sub-project, and what its tests say; see `tools.grading`."""

import importlib.util
import json
import os
import re
import sys
from pathlib import Path

import pytest


EACH = 60  # seconds a test may take; in a wrong body a loop may never end


class Recorder:
    """A plugin: runs the tests of some ids (of any id: None), and notes their ends."""

    stops = True  # where one loop never ends: for a learner that is enough

    def __init__(self, ids: list[str] | None) -> None:
        self.ids = ids
        self.tests: dict[str, dict] = {}
        self.broken: dict[str, str] = {}  # test files that cannot be imported

    def result(self) -> dict:
        """All that was noted."""
        return {"tests": self.tests, "broken": self.broken}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, session, items):
        self.session = session
        wanted = []
        for item in items:
            ids = sorted({mark.args[0] for mark in item.iter_markers("spec")})
            if ids if self.ids is None else set(ids) & set(self.ids):
                wanted.append(item)
                self.tests[item.nodeid] = {"ids": ids, "outcome": "", "message": ""}
        items[:] = wanted

    def pytest_collectreport(self, report):
        if report.failed:
            self.broken[report.nodeid] = _message(report)

    def pytest_runtest_logreport(self, report):
        note = self.tests[report.nodeid]
        called = report.when == "call" and not note["outcome"]
        if note["outcome"] != "failed" and (called or not report.passed):
            note["outcome"] = report.outcome
            note["message"] = _message(report) if report.failed else ""
        if self.stops and "Timeout (>" in note["message"]:
            self.session.shouldstop = note["message"]


def _message(report) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:  # a file that cannot be imported
        text = str(report.longrepr).strip()
        places = re.findall(r"^(\S+:\d+): in ", text, re.M)
        last = text.splitlines()[-1].removeprefix("E").strip() if text else ""
        return ": ".join([*places[-1:], last])
    return f"{Path(crash.path).name}:{crash.lineno}: {crash.message.splitlines()[0]}"


def main(arguments: list[str] | None = None) -> int:
    """Run the tests of a job file, and write what they say."""
    (path,) = sys.argv[1:] if arguments is None else arguments
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    if job["places"]:
        from tools.prover import Prover

        plugin = Prover(job)
    else:
        plugin = Recorder(job["ids"])
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported
    here = os.getcwd()
    os.chdir(job["tree"])
    sys.path[:] = [job["tree"], *(p for p in sys.path if p not in ("", here))]
    for name in [name for name in sys.modules if name.split(".")[0] == "tools"]:
        del sys.modules[name]
    words = ["-q", "--tb=short", "-p", "no:cacheprovider", "--no-header"]
    words += ["--continue-on-collection-errors", "--basetemp", f"{job['out']}.tmp"]
    if importlib.util.find_spec("pytest_timeout"):
        words += [] if job["places"] else ["-o", f"timeout={EACH}"]
        if "PYTEST_DISABLE_PLUGIN_AUTOLOAD" in os.environ:
            words += ["-p", "pytest_timeout"]
    code = pytest.main([*words, *job["files"]], plugins=[plugin])
    if code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        return code
    Path(job["out"]).write_text(json.dumps(plugin.result()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
