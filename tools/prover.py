"""A pytest that collects once, then forks: which tests need the body of which callable.

One child runs the tests with the probes of `tools.probes`. Then a child for each
callable runs, without its body, those that call it; a test of which all ids are known
to fail is left out. What a fixture or a cache calls counts for all tests that use it. A
test that fails with probes alone (a compiler meets one) may call any callable. What an
object keeps from one test to the next hides a call: so all tests of listed ids run.
"""

import gc
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tools.probes import FIRST, Bodies, Place, Seen, drop_compiled
from tools.recorder import EACH, Recorder


class Prover(Recorder):
    """Forks instead of running the tests."""

    def __init__(self, job: dict) -> None:
        super().__init__(job["ids"])
        self.job, self.child = job, 0
        self.tree = Path(job["tree"])
        self.places = {path: Place(*place) for path, place in job["places"].items()}
        self.seen: Seen | None = Seen(job["seen"])
        self.fixtures: dict[int, set[str]] = {}
        self.early: set[str] = set()  # called before any test ran
        self.red: dict[str, list[str] | None] = {}  # path -> ids, None: did not end
        self.asked: set[str] = set()  # ids that the exercise lists
        self.callers: set[str] | None = None  # tests that call it
        self.known: set[str] = set()  # ids that are red in this child
        signal.signal(signal.SIGTERM, self._leave)

    def result(self) -> dict:
        return super().result() | {"early": sorted(self.early), "red": self.red}

    def pytest_sessionstart(self):
        """Where a failure is enough, hypothesis need not look for the smallest."""
        if "hypothesis" in sys.modules:
            from hypothesis import Phase, settings

            phases = [Phase.explicit, Phase.reuse, Phase.generate]
            settings.register_profile("any", settings.default, phases=phases)
            settings.load_profile("any")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        self.early = self.seen.take()
        bodies = Bodies(self.tree, self.places)
        gc.freeze()  # else the first collection of each child copies all memory
        items = session.items
        self.tests = self._ran(lambda: self._run(items))
        self.seen = None
        for place in [*self.places.values(), FIRST]:
            drop_compiled(self.tree / place.file)
        again = [i for i in items if self.tests[i.nodeid]["outcome"] == "failed"]
        if again:
            for name, test in self._ran(lambda: self._run(again, bodies)).items():
                self.tests[name] = test | {"seen": list(self.places)}
        for path, place in self.places.items():
            passed = [i for i in items if self.tests[i.nodeid]["outcome"] == "passed"]
            passed.sort(key=lambda item: self.tests[item.nodeid]["seconds"])
            self.asked = set(place.ids)
            self.callers = {
                i.nodeid for i in passed if path in self.tests[i.nodeid]["seen"]
            }
            chosen = [i for i in passed if self._wanted(i)]
            chosen.sort(key=lambda item: item.nodeid not in self.callers)
            self.red[path] = self._without(path, chosen, bodies) if chosen else []
        return True

    def _without(self, path: str, items: list, bodies: Bodies) -> list[str] | None:
        """The ids that fail without a body, in processes that tests start too."""
        file = self.tree / self.places[path].file
        old = file.read_bytes()
        file.write_bytes(self.places[path].bytes())
        drop_compiled(file)
        ran = self._fork(lambda: self._run(items, bodies, path), self.job["each"])
        file.write_bytes(old)
        drop_compiled(file)
        if ran is None:
            return None
        failed = [test for test in ran.values() if test["outcome"] == "failed"]
        return sorted({id for test in failed for id in test["ids"]})

    def _wanted(self, item) -> set[str]:
        """The ids whose fate it may still decide.

        Of listed ids all tests are asked, as a call may have been hidden: a test may
        use what one before it has made by the callable, and kept in an object.
        """
        ids = set(self.tests[item.nodeid]["ids"])
        return (ids if item.nodeid in self.callers else ids & self.asked) - self.known

    def _run(self, items, bodies: Bodies | None = None, removed: str = "") -> dict:
        """In a child: what the tests say."""
        if bodies:
            bodies.take_out(removed)
        took = {name: test.get("seconds", 0) for name, test in self.tests.items()}
        for item in items:
            self.tests[item.nodeid] |= {"outcome": "", "message": "", "seconds": 0.0}
            if removed:  # a loop may never end, but the machine may be busy
                item.add_marker(pytest.mark.timeout(EACH + 5 * took[item.nodeid]))
        for item, following in zip(items, [*items[1:], None], strict=False):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        return {item.nodeid: self.tests[item.nodeid] for item in items}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        if self.callers is not None and not self._wanted(item):
            pytest.skip("its sentences are known to fail")

    def pytest_runtest_logreport(self, report):
        super().pytest_runtest_logreport(report)
        self.tests[report.nodeid]["seconds"] += report.duration
        if report.failed and not self.seen:
            self.known |= set(self.tests[report.nodeid]["ids"])

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        if not self.seen:
            return (yield)
        before = self.seen.take()
        try:
            return (yield)
        finally:
            inside = self.seen.take()
            self.fixtures.setdefault(id(fixturedef), set()).update(inside)
            self.seen.add(before | inside)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        if not self.seen:
            return (yield)
        self.seen.take()
        try:
            return (yield)
        finally:
            called = self.seen.take()
            for definitions in item._fixtureinfo.name2fixturedefs.values():
                for one in definitions:
                    called |= self.fixtures.get(id(one), set())
            self.tests[item.nodeid]["seen"] = sorted(called)

    def _ran(self, work: Callable[[], dict]) -> dict:
        ran = self._fork(work, None)
        if ran is None:
            raise RuntimeError("a test ended Python, without any exercise")
        return ran

    def _fork(self, work: Callable[[], dict], limit: float | None) -> dict | None:
        """What a child says; None if it does not end."""
        out = Path(f"{self.job['out']}.part")
        out.unlink(missing_ok=True)
        sys.stdout.flush()  # or the child says it once more
        self.child = os.fork()
        if not self.child:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.setsid()
                out.write_text(json.dumps(work()), encoding="utf-8")
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        end = time.monotonic() + (limit or float("inf"))
        while not os.waitpid(self.child, os.WNOHANG)[0] and time.monotonic() < end:
            time.sleep(0.02)
        self._kill()
        try:
            return json.loads(out.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def _kill(self) -> None:
        """The child, and what its tests left behind."""
        if self.child:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child, signal.SIGKILL)

    def _leave(self, number, frame) -> None:
        self._kill()
        with suppress(ChildProcessError):
            os.waitpid(self.child, 0)
        os._exit(128 + number)
